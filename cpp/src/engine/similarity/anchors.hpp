// The anchors of a call and their positives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/similarity/embeddings.hpp"
#include "engine/similarity/operands.hpp"

namespace fastloss {

// The rows of a call that take part, and which of them are anchors: the rows of the first set, in order, then those of the second that
// are. A unit has one anchor or two.
struct similarity_rows {
  std::vector<row_source> first, second;  // of one set the second is empty
  std::vector<row_source> memory;         // rows that all of the first meet, besides
  std::vector<row_source> own;            // further negatives of each row of the first, as many of each
  std::size_t first_column = 0;           // of the second set: those before meet no row
  std::size_t column_anchors = 0;         // of the second set
  // Of each row of the first: its positive, in the second set or the same; -1: there is none. Of proxies: the first of its class.
  std::vector<std::ptrdiff_t> partner;
  std::vector<std::size_t> unit;  // of each anchor
  std::vector<std::size_t> row;   // of each anchor: the row of the first set whose pair it is an anchor of
};

// `kept` says of each unit whether it takes part: the rows of one that does not are left out. `classes` are those of all samples, where
// there are proxies, whose second set is each anchor's own.
similarity_rows rows_of_call(const loss_call&, const similarity_operands&, const similarity_form&, const std::vector<double>& kept,
                             const std::vector<std::int64_t>& classes);

// Labels of rows, each as the number of its group, from 0 on in the order of their values: of the first set's rows and, behind them, of
// those of the memory.
struct row_groups {
  std::vector<std::size_t> of_row, size;
};
row_groups groups_of_rows(const loss_call&, const similarity_operands&, const similarity_rows&);

}  // namespace fastloss

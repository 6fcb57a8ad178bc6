// All pairs of two sets of rows, or of one, a tile of blocks of them at a time.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "engine/memory/scratch.hpp"
#include "engine/memory/scratch_block.hpp"
#include "engine/similarity/embeddings.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

// Logarithms of sums of exponentials, of each anchor.
struct anchor_sums {
  std::vector<double> maximum, sum;

  explicit anchor_sums(std::size_t anchors);
  void add(std::size_t anchor, double with_maximum, double more);
  double logarithm(std::size_t anchor) const;
};

// What pairs are of: rows of the first set with columns of the second. Both may be the same set.
template <class S>
struct paired_sets {
  embedding_set<S>*rows, *columns;
  bool one_set;
  std::size_t first_column;                // of those of the second set that rows meet
  std::size_t column_anchors;              // the first columns are anchors, too: those behind the rows. Of one set its rows are
  const std::ptrdiff_t* column_of;         // of each row that which it does not meet, its positive; -1: there is none. Null: of all rows
  std::size_t subcenters = 1;              // columns of a class, of which the most alike counts; none of those of a row's positive does
  const void *row_labels, *column_labels;  // integers of the size of the dtype: rows do not meet those of their label. Null: there are none
  double scale;
  bool bounded;  // by it: the exponentials of all similarities are numbers, whatever a bound of theirs is subtracted
  int threads;
};

// Weights of anchors in a gradient, in the computation dtype: similarity_weights in isa/kernel_table.hpp.
template <class S>
struct anchor_weights {
  std::vector<S> coefficient, shift;
};

// A loss of pairs: similarity_pairs in engine/similarity_kernels.hpp, with numbers of anchors.
template <class S>
struct loss_of_pairs {
  const similarity_kernels* kernels;
  const void* options;
  bool rises;
  std::vector<S> logarithm, coefficient;
};
struct anchor_results {
  std::vector<double> values, d1;
};

template <class S>
class similarity_tiles {
 public:
  explicit similarity_tiles(const paired_sets<S>&);

  // The sums of all anchors, over what they meet.
  void sum(anchor_sums&) const;
  // Of pairs that have losses of their own: the sums over those of each anchor. Where there are labels, these are pairs of equal ones.
  void sum_single(const loss_of_pairs<S>&, anchor_results&) const;
  // Adds to the gradients of either set what the similarities of all pairs have in them; `single` is null where no pair has a loss of its
  // own.
  void add_gradients(const anchor_weights<S>&, const loss_of_pairs<S>* single, bool in_rows, bool in_columns);

 private:
  // Some rows of a set: `start` in the set, `size` of them.
  struct block {
    std::size_t start, size;
  };
  struct memory {
    S *tile, *single, *panels;
  };

  block rows_of(std::size_t i) const { return {i * row_side_, std::min(row_side_, sets_.rows->count() - i * row_side_)}; }
  block columns_of(std::size_t j) const {
    const std::size_t start = sets_.first_column + j * column_side_;
    return {start, std::min(column_side_, sets_.columns->count() - start)};
  }
  std::size_t anchor_of_column(std::size_t column) const { return sets_.one_set ? column : sets_.rows->count() + column; }
  std::size_t anchors_among(const block& columns) const;
  memory take_memory() const;
  similarity_tile multiply(const memory&, std::size_t i, std::size_t j) const;
  void leave_out(const similarity_tile&, const block& rows, const block& columns, bool diagonal) const;
  void sum_tile(std::size_t i, std::size_t j, anchor_sums&) const;
  void sum_single_tile(std::size_t i, std::size_t j, const loss_of_pairs<S>&, anchor_results&) const;
  similarity_pairs single_pairs(const memory&, similarity_tile, std::size_t i, std::size_t j, const loss_of_pairs<S>&) const;
  void weigh_tile(const memory&, const similarity_tile&, std::size_t i, std::size_t j, const anchor_weights<S>&,
                  const loss_of_pairs<S>* single) const;
  void add_tile(std::size_t i, std::size_t j, const anchor_weights<S>&, const loss_of_pairs<S>* single, bool in_rows,
                bool in_columns) const;
  template <class Body>
  void each_tile(double products, const Body&) const;

  const paired_sets<S> sets_;
  const product_operations& products_;
  const similarity_operations& operations_;
  std::size_t row_side_, column_side_;  // of blocks
  std::size_t column_lines_;            // columns of a block, padded to whole panels
  std::size_t row_blocks_, column_blocks_;
  std::size_t feature_lines_;  // features, padded to whole panels
  scratch_block left_, right_, row_features_, column_features_;
};

extern template class similarity_tiles<float>;
extern template class similarity_tiles<double>;

}  // namespace fastloss

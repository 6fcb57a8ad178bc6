#include "engine/similarity/anchors.hpp"

#include <algorithm>
#include <cstring>

namespace fastloss {
namespace {

// An integer of any dtype, so that different numbers stay different.
std::uint64_t integer_at(const const_array& a, std::size_t i) {
  const std::size_t size = itemsize(a.type);
  unsigned char bytes[sizeof(std::uint64_t)] = {};
  std::memcpy(bytes, static_cast<const char*>(a.data) + static_cast<std::ptrdiff_t>(i) * a.strides[0], size);
  if (a.byteswapped) std::reverse(bytes, bytes + size);
  std::uint64_t number;
  std::memcpy(&number, bytes, sizeof number);
  return number;
}

}  // namespace

similarity_rows rows_of_call(const loss_call& call, const similarity_operands& of, const similarity_form& form,
                             const std::vector<double>& kept) {
  const std::size_t samples = static_cast<std::size_t>(call.operands[0].shape[0]);
  const bool two_units = has_two_units(of, form);
  similarity_rows rows;
  const auto add = [&](std::vector<row_source>& to, int operand, std::size_t first_unit) {
    for (std::size_t i = 0; i < samples; ++i)
      if (kept[first_unit + i] != 0.0) to.push_back({operand, i});
  };
  add(rows.first, of.input, 0);
  const std::size_t of_input = rows.first.size();
  if (of.second >= 0) add(form.one_set ? rows.first : rows.second, of.second, two_units ? samples : 0);
  const std::size_t anchors = rows.first.size();
  rows.partner.assign(anchors, -1);
  if (of.second >= 0 && !two_units) {
    for (std::size_t r = 0; r < anchors; ++r)
      rows.partner[r] = static_cast<std::ptrdiff_t>(!form.one_set ? r : r < of_input ? r + of_input : r - of_input);
  } else if (two_units) {
    // Of a sample with one row that takes part this has no positive.
    for (std::size_t a = 0, b = of_input; a < of_input && b < anchors;) {
      if (rows.first[a].row == rows.first[b].row) {
        rows.partner[a] = static_cast<std::ptrdiff_t>(b);
        rows.partner[b] = static_cast<std::ptrdiff_t>(a);
      }
      const bool next = rows.first[a].row <= rows.first[b].row;
      b += rows.first[b].row <= rows.first[a].row ? 1 : 0;
      a += next ? 1 : 0;
    }
  }
  for (std::size_t r = 0; r < anchors; ++r) {
    rows.unit.push_back(rows.first[r].row + (two_units && r >= of_input ? samples : 0));
    rows.row.push_back(r);
  }
  if (form.one_set) return rows;
  if (form.both_ways) {
    rows.column_anchors = anchors;
    for (std::size_t r = 0; r < anchors; ++r) {
      rows.unit.push_back(rows.first[r].row);
      rows.row.push_back(r);
    }
  }
  if (!form.in_batch) rows.first_column = rows.second.size();
  if (of.further < 0) return rows;
  const const_array& further = call.operands[static_cast<std::size_t>(of.further)];
  const std::size_t count = static_cast<std::size_t>(further.shape[further.rank - 2]);
  if (further.rank == 2)
    for (std::size_t i = 0; i < count; ++i) rows.second.push_back({of.further, i});
  else
    for (const row_source& anchor : rows.first)
      for (std::size_t k = 0; k < count; ++k) rows.own.push_back({of.further, anchor.row * count + k});
  return rows;
}

row_groups groups_of_rows(const const_array& labels, const std::vector<row_source>& rows) {
  std::vector<std::uint64_t> of_row;
  of_row.reserve(rows.size());
  for (const row_source& r : rows) of_row.push_back(integer_at(labels, r.row));
  std::vector<std::uint64_t> all = of_row;
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  row_groups groups;
  groups.size.assign(all.size(), 0);
  for (const std::uint64_t label : of_row) {
    groups.of_row.push_back(static_cast<std::size_t>(std::lower_bound(all.begin(), all.end(), label) - all.begin()));
    ++groups.size[groups.of_row.back()];
  }
  return groups;
}

}  // namespace fastloss

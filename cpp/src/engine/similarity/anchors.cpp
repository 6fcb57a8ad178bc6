#include "engine/similarity/anchors.hpp"

#include <algorithm>
#include <compare>
#include <cstdint>
#include <cstring>

namespace fastloss {
namespace {

// An integer of any dtype: two of different dtypes are equal where their numbers are.
struct label {
  bool positive;
  std::uint64_t bits;

  auto operator<=>(const label&) const = default;
};

constexpr bool is_signed(dtype t) { return t == dtype::int8 || t == dtype::int16 || t == dtype::int32 || t == dtype::int64; }

label label_at(const const_array& a, std::size_t i) {
  const std::size_t size = itemsize(a.type);
  unsigned char bytes[sizeof(std::uint64_t)] = {};
  std::memcpy(bytes, static_cast<const char*>(a.data) + static_cast<std::ptrdiff_t>(i) * a.strides[0], size);
  if (a.byteswapped) std::reverse(bytes, bytes + size);
  const bool negative = is_signed(a.type) && (bytes[size - 1] & 0x80) != 0;
  if (negative) std::fill(bytes + size, std::end(bytes), static_cast<unsigned char>(0xff));
  std::uint64_t number;
  std::memcpy(&number, bytes, sizeof number);
  return {!negative, number};
}

}  // namespace

similarity_rows rows_of_call(const loss_call& call, const similarity_operands& of, const similarity_form& form,
                             const std::vector<double>& kept, const std::vector<std::int64_t>& classes) {
  const std::size_t samples = static_cast<std::size_t>(call.operands[0].shape[0]);
  const bool two_units = has_two_units(of, form);
  similarity_rows rows;
  const auto add = [&](std::vector<row_source>& to, int operand, std::size_t first_unit) {
    for (std::size_t i = 0; i < samples; ++i)
      if (kept[first_unit + i] != 0.0) to.push_back({operand, i});
  };
  add(rows.first, of.input, 0);
  const std::size_t of_input = rows.first.size();
  const auto add_all = [&](std::vector<row_source>& to, int operand) {
    const std::size_t count = static_cast<std::size_t>(call.operands[static_cast<std::size_t>(operand)].shape[0]);
    for (std::size_t i = 0; i < count; ++i) to.push_back({operand, i});
  };
  if (of.memory >= 0) add_all(rows.memory, of.memory);
  if (of.second >= 0) add(form.one_set ? rows.first : rows.second, of.second, two_units ? samples : 0);
  const std::size_t anchors = rows.first.size();
  rows.partner.assign(anchors, -1);
  if (of.proxies >= 0) {
    for (std::size_t r = 0; r < anchors; ++r) {
      rows.partner[r] = static_cast<std::ptrdiff_t>(rows.second.size());
      const std::size_t first = static_cast<std::size_t>(classes[rows.first[r].row]) * form.subcenters;
      for (std::size_t k = 0; k < form.subcenters; ++k) rows.second.push_back({of.proxies, first + k});
    }
  } else if (of.second >= 0 && !two_units) {
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
  if (form.one_set || of.proxies >= 0) return rows;
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
  if (further.rank == 2) {
    add_all(rows.second, of.further);
    return rows;
  }
  const std::size_t count = static_cast<std::size_t>(further.shape[1]);
  for (const row_source& anchor : rows.first)
    for (std::size_t k = 0; k < count; ++k) rows.own.push_back({of.further, anchor.row * count + k});
  return rows;
}

row_groups groups_of_rows(const loss_call& call, const similarity_operands& of, const similarity_rows& rows) {
  std::vector<label> of_row;
  of_row.reserve(rows.first.size() + rows.memory.size());
  const auto add = [&](int labels, const std::vector<row_source>& of_labels) {
    for (const row_source& r : of_labels) of_row.push_back(label_at(call.operands[static_cast<std::size_t>(labels)], r.row));
  };
  add(of.labels, rows.first);
  add(of.memory_labels, rows.memory);
  std::vector<label> all = of_row;
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());
  row_groups groups;
  groups.size.assign(all.size(), 0);
  for (const label& l : of_row) {
    groups.of_row.push_back(static_cast<std::size_t>(std::lower_bound(all.begin(), all.end(), l) - all.begin()));
    ++groups.size[groups.of_row.back()];
  }
  return groups;
}

}  // namespace fastloss

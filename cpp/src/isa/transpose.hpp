// Between rows of a few classes in memory and tiles with rows side by side, in blocks of four by four that stay in registers.
#pragma once

#include <cstddef>

#include "fastloss/core/config.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

typedef float four_floats __attribute__((vector_size(16)));
typedef double four_doubles __attribute__((vector_size(32)));

template <class S>
struct four_of;
template <>
struct four_of<float> {
  using type = four_floats;
};
template <>
struct four_of<double> {
  using type = four_doubles;
};

// The 4 x 4 block at `from` is written to `to` with its axes exchanged.
template <class S>
FASTLOSS_FN void transpose_block(const S* from, std::ptrdiff_t from_stride, S* to, std::ptrdiff_t to_stride) {
  using V = typename four_of<S>::type;
  V a, b, c, d;
  __builtin_memcpy(&a, from, sizeof a);
  __builtin_memcpy(&b, from + from_stride, sizeof b);
  __builtin_memcpy(&c, from + 2 * from_stride, sizeof c);
  __builtin_memcpy(&d, from + 3 * from_stride, sizeof d);
  const V ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const V cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  const V first = __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5), second = __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7);
  const V third = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5), fourth = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
  __builtin_memcpy(to, &first, sizeof first);
  __builtin_memcpy(to + to_stride, &second, sizeof second);
  __builtin_memcpy(to + 2 * to_stride, &third, sizeof third);
  __builtin_memcpy(to + 3 * to_stride, &fourth, sizeof fourth);
}

// Blocks at the edges overlap their neighbours, where there are four rows and four columns at all.
template <class S>
FASTLOSS_FN void transpose(const S* from, std::ptrdiff_t from_stride, std::size_t rows, std::size_t columns, S* to,
                           std::ptrdiff_t to_stride) {
  if (rows < 4 || columns < 4) {
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c)
        to[static_cast<std::ptrdiff_t>(c) * to_stride + static_cast<std::ptrdiff_t>(r)] =
            from[static_cast<std::ptrdiff_t>(r) * from_stride + static_cast<std::ptrdiff_t>(c)];
    return;
  }
  // Along the longer side inside: the side of few classes is the one that changes seldom.
  const auto block = [&](std::size_t i, std::size_t j) {
    const std::ptrdiff_t r = static_cast<std::ptrdiff_t>(i + 4 <= rows ? i : rows - 4);
    const std::ptrdiff_t c = static_cast<std::ptrdiff_t>(j + 4 <= columns ? j : columns - 4);
    transpose_block(from + r * from_stride + c, from_stride, to + c * to_stride + r, to_stride);
  };
  if (rows > columns) {
    for (std::size_t j = 0; j < columns; j += 4)
      for (std::size_t i = 0; i < rows; i += 4) block(i, j);
  } else {
    for (std::size_t i = 0; i < rows; i += 4)
      for (std::size_t j = 0; j < columns; j += 4) block(i, j);
  }
}

template <class S>
void transpose_in(const void* from, std::ptrdiff_t row_stride, row_extent extent, row_tile to) {
  transpose(static_cast<const S*>(from), row_stride, extent.rows, extent.classes, static_cast<S*>(to.data), to.stride);
}

template <class S>
void transpose_out(row_tile from, row_extent extent, void* to, std::ptrdiff_t row_stride) {
  transpose(static_cast<const S*>(from.data), from.stride, extent.classes, extent.rows, static_cast<S*>(to), row_stride);
}

}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

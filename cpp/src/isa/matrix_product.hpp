// Products of packed matrices: the register-blocked kernel, and the packing that feeds it.
//
// A panel holds as many lines of an operand as the kernel's register block has rows (left) or columns (right), side by side:
// for every step of the depth the numbers of all its lines, zeros for lines that do not exist. The kernel therefore reads
// both operands in order, and knows neither edges nor strides of theirs.
#pragma once

#include <cstddef>
#include <utility>

#include "fastloss/simd/pack.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

// The block of results that is kept in registers: `rows` numbers of the left operand, each times `packs` packs of the right
// one. Of the shapes that fit the registers these were the fastest.
template <class S>
struct register_block {
#if FASTLOSS_VECTOR_BYTES == 64
  static constexpr int rows = 8;
#else
  static constexpr int rows = 4;
#endif
  static constexpr int packs = 2;
  static constexpr int columns = packs * native_pack<S>::width;
};

// Steps of the depth that are summed in registers before the results are touched: a panel of the right operand then fills
// at most 32 KiB, and stays in the L1 cache while the left panels pass by.
constexpr std::size_t depth_in_registers = 256;

// c[r][j] = first[j] + sum over the depth of left[r] right[j], where `first` is the result so far, a row that is added to
// every row, or nothing. Rows and columns beyond the given ones are computed but not stored.
template <class S, bool Whole>
FASTLOSS_FN void multiply_block(S* c, std::size_t stride, const S* left, const S* right, std::size_t depth, const S* first,
                                std::size_t first_stride, std::size_t rows, std::size_t columns) {
  using B = register_block<S>;
  using P = native_pack<S>;
  constexpr std::size_t w = P::width;
  if constexpr (Whole)
    for (int r = 0; r < B::rows; ++r)
      for (std::size_t line = 0; line < B::columns; line += 64 / sizeof(S))
        __builtin_prefetch(c + static_cast<std::size_t>(r) * stride + line, 1);
  P sum[B::rows][B::packs];
  for (int r = 0; r < B::rows; ++r)
    for (int j = 0; j < B::packs; ++j) sum[r][j] = P(0);
  for (std::size_t k = 0; k < depth; ++k, left += B::rows, right += B::columns) {
    P b[B::packs];
    for (int j = 0; j < B::packs; ++j) b[j] = P::load(right + static_cast<std::size_t>(j) * w);
    for (int r = 0; r < B::rows; ++r) {
      const P a(left[r]);
      for (int j = 0; j < B::packs; ++j) sum[r][j] = fma(a, b[j], sum[r][j]);
    }
  }
  if constexpr (Whole) {
    for (int r = 0; r < B::rows; ++r)
      for (int j = 0; j < B::packs; ++j) {
        const std::size_t at = static_cast<std::size_t>(j) * w;
        if (first != nullptr) sum[r][j] = P::load(first + static_cast<std::size_t>(r) * first_stride + at) + sum[r][j];
        sum[r][j].store(c + static_cast<std::size_t>(r) * stride + at);
      }
  } else {
    S block[B::rows][B::columns];
    for (int r = 0; r < B::rows; ++r)
      for (int j = 0; j < B::packs; ++j) sum[r][j].store(block[r] + static_cast<std::size_t>(j) * w);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t j = 0; j < columns; ++j)
        c[r * stride + j] = first != nullptr ? first[r * first_stride + j] + block[r][j] : block[r][j];
  }
}

template <class S>
void multiply_panels(const product_task& t) {
  using B = register_block<S>;
  constexpr std::size_t block_rows = B::rows, block_columns = B::columns;
  S* const c = static_cast<S*>(t.result);
  const std::size_t parts = t.depth == 0 ? 1 : (t.depth + depth_in_registers - 1) / depth_in_registers;
  std::size_t done = 0;
  for (std::size_t part = 0; part < parts; ++part) {
    const std::size_t depth = (t.depth - done + (parts - part) - 1) / (parts - part);
    const bool adds = part > 0 || t.accumulate;
    for (std::size_t j = 0; j < t.columns; j += block_columns) {
      const S* const right = static_cast<const S*>(t.right) + j * t.depth + done * block_columns;
      const std::size_t columns = t.columns - j < block_columns ? t.columns - j : block_columns;
      for (std::size_t i = 0; i < t.rows; i += block_rows) {
        const S* const left = static_cast<const S*>(t.left) + i * t.depth + done * block_rows;
        const std::size_t rows = t.rows - i < block_rows ? t.rows - i : block_rows;
        S* const to = c + i * t.stride + j;
        const S* const first = adds ? to : t.first == nullptr ? nullptr : static_cast<const S*>(t.first) + j;
        const std::size_t first_stride = adds ? t.stride : 0;
        if (rows == block_rows && columns == block_columns)
          multiply_block<S, true>(to, t.stride, left, right, depth, first, first_stride, rows, columns);
        else multiply_block<S, false>(to, t.stride, left, right, depth, first, first_stride, rows, columns);
      }
    }
    done += depth;
  }
}

// An exchange of the off-diagonal blocks of D x D of two rows of the square: half a step of a transposition.
template <class P, int D, bool Second, int... I>
FASTLOSS_FN P exchange(P a, P b, std::integer_sequence<int, I...>) {
  constexpr int w = P::width;
  if constexpr (Second) return P::of(__builtin_shufflevector(a.v, b.v, ((I & D) == 0 ? I + D : w + I)...));
  else return P::of(__builtin_shufflevector(a.v, b.v, ((I & D) == 0 ? I : w + I - D)...));
}

template <class P, int D>
FASTLOSS_FN void exchange_blocks(P* rows) {
  constexpr auto lanes = std::make_integer_sequence<int, P::width>{};
  if constexpr (D > 0) {
    for (int i = 0; i < P::width; ++i) {
      if ((i & D) != 0) continue;
      const P a = rows[i], b = rows[i + D];
      rows[i] = exchange<P, D, false>(a, b, lanes);
      rows[i + D] = exchange<P, D, true>(a, b, lanes);
    }
    exchange_blocks<P, D / 2>(rows);
  }
}

// One panel of lines whose numbers lie side by side along the depth: squares are transposed in registers.
template <class S, int Width>
FASTLOSS_FN void pack_along_depth(S* to, const S* from, std::ptrdiff_t line_stride, std::size_t lines, std::size_t depth) {
  constexpr int side = Width < native_pack<S>::width ? Width : native_pack<S>::width;
  using P = pack<S, side>;
  std::size_t k = 0;
  if (lines == static_cast<std::size_t>(Width)) {
    for (; k + side <= depth; k += side)
      for (int first = 0; first < Width; first += side) {
        P square[side];
        for (int i = 0; i < side; ++i) square[i] = P::load(from + (first + i) * line_stride + static_cast<std::ptrdiff_t>(k));
        exchange_blocks<P, side / 2>(square);
        for (int i = 0; i < side; ++i) square[i].store(to + (k + static_cast<std::size_t>(i)) * Width + first);
      }
  }
  for (; k < depth; ++k)
    for (std::size_t i = 0; i < static_cast<std::size_t>(Width); ++i)
      to[k * Width + i] = i < lines ? from[static_cast<std::ptrdiff_t>(i) * line_stride + static_cast<std::ptrdiff_t>(k)] : S(0);
}

template <class S, int Width>
FASTLOSS_FN void pack_steps(S* to, const S* from, std::ptrdiff_t line_stride, std::ptrdiff_t depth_stride, std::size_t lines,
                            std::size_t depth) {
  if (lines == static_cast<std::size_t>(Width) && line_stride == 1) {
    for (std::size_t k = 0; k < depth; ++k, to += Width, from += depth_stride) {
      S numbers[Width];
      __builtin_memcpy(numbers, from, sizeof numbers);
      __builtin_memcpy(to, numbers, sizeof numbers);
    }
    return;
  }
  for (std::size_t k = 0; k < depth; ++k, to += Width, from += depth_stride)
    for (std::size_t i = 0; i < static_cast<std::size_t>(Width); ++i)
      to[i] = i < lines ? from[static_cast<std::ptrdiff_t>(i) * line_stride] : S(0);
}

template <class S, int Width>
void pack_panels(void* panels, const void* lines_from, std::ptrdiff_t line_stride, std::ptrdiff_t depth_stride, std::size_t lines,
                 std::size_t depth) {
  S* const to = static_cast<S*>(panels);
  const S* const from = static_cast<const S*>(lines_from);
  constexpr std::size_t width = Width;
  const auto left_at = [&](std::size_t i) { return lines - i < width ? lines - i : width; };
  if (depth_stride == 1) {
    for (std::size_t i = 0; i < lines; i += width)
      pack_along_depth<S, Width>(to + i * depth, from + static_cast<std::ptrdiff_t>(i) * line_stride, line_stride, left_at(i), depth);
    return;
  }
  // A few steps of all panels at a time: the source is then read in order, in whole cache lines.
  constexpr std::size_t steps = 16;
  for (std::size_t k = 0; k < depth; k += steps)
    for (std::size_t i = 0; i < lines; i += width)
      pack_steps<S, Width>(to + i * depth + k * width,
                           from + static_cast<std::ptrdiff_t>(i) * line_stride + static_cast<std::ptrdiff_t>(k) * depth_stride, line_stride,
                           depth_stride, left_at(i), depth - k < steps ? depth - k : steps);
}

}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

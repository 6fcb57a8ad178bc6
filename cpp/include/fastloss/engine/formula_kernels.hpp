// The boundary between the engines and the kernels of a formula: a kernel computes one tile and knows nothing else.
#pragma once

#include <cstddef>

#include "fastloss/core/loss.hpp"

namespace fastloss {

// Elements of a tile: with six tiles in flight a float32 working set stays within a 48 KiB L1 cache.
inline constexpr std::size_t tile_elements = 1024;
// Tiles are padded to whole cache lines, which are whole packs on every instruction set.
inline constexpr std::size_t tile_alignment = 64;

// Contiguous arrays of the computation dtype, `count` elements each; `count` is a whole number of packs.
// `operand` holds the operands that the formula sees, in order, without those that multiply it from outside.
struct tile {
  const void* operand[max_operands];
  std::size_t count;
  void* value;
  void* gradient;
  void* hessian;
  double scale = 1.0;    // of the gradient
  bool streams = false;  // the gradient goes past the caches; it is aligned to 16 bytes
};

using tile_kernel = void (*)(const void* loss, const tile&);

// The kernels of one formula for one computation dtype. A null pointer: the loss does not have it.
struct formula_kernels {
  tile_kernel value;
  tile_kernel value_and_gradient;      // of the first operand
  tile_kernel gradient[max_operands];  // of each operand of the formula
  tile_kernel hessian;                 // second derivative in the first operand
  tile_kernel gradient_and_hessian;
  tile_kernel denominator_term;  // what the element adds to the denominator
  tile_kernel denominator_term_gradient[max_operands];
};

}  // namespace fastloss

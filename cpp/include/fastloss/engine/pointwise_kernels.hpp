// The boundary between the pointwise driver and the kernels: a kernel computes one tile and knows nothing else.
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

// The kernels of one loss for one computation dtype. A null pointer: the loss does not have it.
struct pointwise_kernels {
  tile_kernel value;
  tile_kernel value_and_gradient;      // of the first operand
  tile_kernel gradient[max_operands];  // of each operand of the formula
  tile_kernel hessian;                 // second derivative in the first operand
  tile_kernel gradient_and_hessian;
  tile_kernel share;  // the element's share of the denominator
  tile_kernel share_gradient[max_operands];
};

// For rows that list several classes: sums of the formula of u = score - reference over classes, for several references. Numbers
// come in lines of 64 bytes: of neighbouring classes of one row, or of neighbouring rows.
struct list_pass {
  const void* scores;
  const void* shares;                                       // t; terms where it is 0 are not formed
  void* slopes;                                             // derivatives by u, added to what is there; null: values alone
  std::ptrdiff_t score_stride, share_stride, slope_stride;  // from line to line, in elements
  std::size_t lines;
  const void* references;  // a line for each
  const void* present;     // likewise: 1, or 0 where there is no such reference
  void* values;            // likewise: sums of the formula, lane by lane
  void* slope_sums;        // likewise: of its derivatives
  std::size_t reference_count;
};

using list_kernel = void (*)(const void* loss, const list_pass&);

// Formulas that only row-wise losses have. A null pointer: the loss does not have it.
struct row_kernels {
  tile_kernel reference_term;           // of the row's reference r: what is added to the loss of the row, and its derivative
  tile_kernel logit;                    // of the scores and what else `logit` takes: the logits that the loss is a formula of
  tile_kernel logit_slope;              // their derivative in the scores
  tile_kernel logit_slope_of_argument;  // and in the operand that only `logit` takes
  tile_kernel reference_curvature;      // second derivatives: of the reference's term
  tile_kernel logit_curvature;          // and of the logits in the scores
  tile_kernel label_term;               // of the label's class under the scores as they are given, and its derivative
  tile_kernel label_curvature;          // its second derivative
  list_kernel list_values;              // of losses of class lists: values alone
  list_kernel list_values_and_slopes;   // and with derivatives
};

// Indexed by [float64][optional operands present].
struct loss_kernels {
  pointwise_kernels statistic[2][2];    // l, of which a reduction is a head
  pointwise_kernels elementwise[2][2];  // what reduction="none" gives: head(l, 1); the same as l without a head
  row_kernels row[2];                   // [float64]
};

}  // namespace fastloss

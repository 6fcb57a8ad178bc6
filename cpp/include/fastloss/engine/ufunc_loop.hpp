// The loop behind the numpy.ufunc objects of a loss: one value or derivative per element, on the calling thread.
#pragma once

#include <cstddef>

#include "fastloss/core/loss.hpp"

namespace fastloss {

// What one loop computes.
struct ufunc_loop {
  const loss_info* loss;
  bool gradient;  // the derivative in the first operand, instead of the value
  bool wide;      // float64, instead of float32
};

// Arguments of the loop before its output: the operands of the formula (without those that multiply it from outside), then
// the options as numbers (a switch as 0 or 1, a choice as its position).
FASTLOSS_API int ufunc_operand_count(const loss_info& loss);

// Computes `count` elements. data[i] and steps[i] (bytes, may be 0) are those of the i-th argument, the output last, all of
// the same dtype. Where an option or an operand whose domain is always checked is out of range, the result is NaN: a loop
// cannot raise. The floating-point environment is left as it was found.
FASTLOSS_API void run_ufunc_loop(const ufunc_loop& loop, char* const* data, std::ptrdiff_t count, const std::ptrdiff_t* steps);

}  // namespace fastloss

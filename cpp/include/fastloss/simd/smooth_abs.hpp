// |r| with its kink at 0 smoothed by a parabola.
#pragma once

#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/quotients.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// r^2 / (2 width) where |r| < width, |r| - width / 2 elsewhere: |r| itself for a width of 0.
template <class R>
FASTLOSS_FN auto smooth_abs(R r, double width) {
  const auto a = abs(r);
  return select(a < width, half_squared_quotient(r, width), a - 0.5 * width);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

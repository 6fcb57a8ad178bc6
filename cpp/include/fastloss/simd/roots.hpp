// Functions of square roots.
#pragma once

#include "fastloss/simd/polynomial.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// sqrt(1 + x) - 1 without cancellation.
template <class S, int W>
FASTLOSS_FN pack<S, W> sqrt1pm1(pack<S, W> x) {
  using P = pack<S, W>;
  const P root = sqrt(x + 1);
  // inf / inf is not a number; from here on the direct form has lost nothing either.
  return select(x > P(0x1p26), root - 1, x / (root + 1));
}

// sqrt(x^2 + y^2) without intermediate overflow or underflow.
template <class S, int W>
FASTLOSS_FN pack<S, W> hypot(pack<S, W> x, pack<S, W> y) {
  using P = pack<S, W>;
  constexpr bool f = detail::is_float<S>;
  constexpr double big = f ? 0x1p60 : 0x1p500, tiny = f ? 0x1p-40 : 0x1p-450;
  constexpr double down = f ? 0x1p-80 : 0x1p-600, up = f ? 0x1p80 : 0x1p600;
  const P larger = detail::max(abs(x), abs(y));
  const auto is_big = larger > P(big);
  const auto is_tiny = larger < P(tiny);
  const P scale = select(is_big, P(down), select(is_tiny, P(up), P(1)));
  const P unscale = select(is_big, P(up), select(is_tiny, P(down), P(1)));
  const P a = x * scale;
  const P b = y * scale;
  return sqrt(fma(a, a, b * b)) * unscale;
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// atan of packs.
#pragma once

#include "fastloss/simd/polynomial.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

template <class S, int W>
FASTLOSS_FN pack<S, W> atan(pack<S, W> x) {
  using P = pack<S, W>;
  // atan(a) = 0 + atan(a), pi/4 + atan((a - 1) / (a + 1)) or pi/2 + atan(-1 / a): one division for all three.
  const P a = abs(x);
  const auto middle = a > P(0.66);
  const auto far = a > P(1.5);
  const P numerator = select(far, P(-1), select(middle, a - 1, a));
  const P denominator = select(far, a, select(middle, a + 1, P(1)));
  const P q = numerator / denominator;
  const P z = q * q;
  P p;
  if constexpr (detail::is_float<S>)
    p = detail::polynomial(z, -3.333333e-01, 1.9999656e-01, -1.4275968e-01, 1.0996838e-01, -8.3968826e-02, 5.3094838e-02, -1.8751837e-02);
  else
    p = detail::polynomial(z, -0.33333333333333326, 0.19999999999993967, -0.142857142848935, 0.11111111065311967, -0.09090907701695793,
                           0.07692281497105863, -0.06666335347086487, 0.05879407203963105, -0.05244192743404783, 0.04671845031992962,
                           -0.04029053670540824, 0.03154561695936436, -0.020175975156760836, 0.008957516862936022, -0.0019950489810927935);
  constexpr double half_pi = 1.5707963267948966, quarter_pi = 0.7853981633974483;
  constexpr double half_pi_rest = detail::is_float<S> ? half_pi - double(float(half_pi)) : 6.123233995736766e-17;
  const P offset = select(far, P(half_pi), select(middle, P(quarter_pi), P(0)));
  const P offset_rest = select(far, P(half_pi_rest), select(middle, P(0.5 * half_pi_rest), P(0)));
  return copysign(offset + (q + fma(z * p, q, offset_rest)), x);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

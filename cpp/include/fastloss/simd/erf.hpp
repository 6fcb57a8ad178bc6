// The error function of packs.
#pragma once

#include "fastloss/simd/exp.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

template <class S, int W>
FASTLOSS_FN pack<S, W> erf(pack<S, W> x) {
  using P = pack<S, W>;
  constexpr bool f = detail::is_float<S>;
  const P a = abs(x);
  const P z = x * x;
  // Below 1: x + x p(x^2). Above: 1 - exp(-q(a)) with q = -log(erfc), whose error counts less and less; beyond 4 (6)
  // the result is 1.
  const P u = detail::min(P(f ? 4 : 6), a) - P(f ? 2.5 : 3.5);
  P p, q;
  if constexpr (f) {
    p = detail::polynomial(z, 1.2837917e-01, -3.761263e-01, 1.1283605e-01, -2.6854614e-02, 5.189818e-03, -8.023112e-04,
                           7.896126e-05);
    q = detail::polynomial(u, 7.806815e+00, 5.3526807e+00, 9.438918e-01, 1.0853499e-02, -2.166524e-03, 4.3091364e-04,
                           -6.181735e-05, 2.1686685e-05);
  } else {
    p = detail::polynomial(z, 0.12837916709551256, -0.3761263890318334, 0.11283791670936402, -0.026866170641832367,
                           0.005223977595399317, -0.0008548325407845435, 0.0001205527782763346, -1.4924407884592703e-05,
                           1.644336438436087e-06, -1.6177439900345504e-07, 1.3586210772448271e-08,
                           -7.547126922477942e-10);
    q = detail::polynomial(u, 14.112437402147226, 7.266099588371262, 0.9667530548547636, 0.005225658606488748,
                           -0.0008736872389380747, 0.00014729559935110862, -2.4391534918542726e-05, 3.885631345587065e-06,
                           -5.824341472455022e-07, 9.033037930147601e-08, -7.338709470260158e-10, 3.4683106938327513e-09,
                           -2.0853571629094627e-09, -2.994192864742953e-09, -1.735359311163133e-09,
                           -6.211247812210821e-10, -1.3721658471730757e-10, -1.7942984972157646e-11,
                           -1.0390575219963893e-12);
  }
  return select(a < P(1), fma(x, p, x), copysign(P(1) - detail::exp_nonpositive(-q), x));
}

namespace detail {

// exp(-x^2) with the rounding error of the square made good; alone it would cost 1 ulp for every 2 of x^2.
template <class S, int W>
FASTLOSS_FN pack<S, W> exp_minus_square(pack<S, W> x) {
  using P = pack<S, W>;
  // The upper half of the digits of x squares without rounding.
  constexpr typename ieee<S>::integer upper_digits = -(typename ieee<S>::integer{1} << (is_float<S> ? 12 : 27));
  const P a = min(P(is_float<S> ? 12 : 30), abs(x));
  const P upper = P::from_bits(a.bits() & upper_digits);
  const P lower = a - upper;
  return exp_nonpositive(-upper * upper) * exp_nonpositive(-lower * (a + upper));
}

}  // namespace detail

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

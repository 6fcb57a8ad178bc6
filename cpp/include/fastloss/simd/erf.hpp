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
  // Below 1: x + x p(x^2). Above: 1 - exp(-q(a)) with q = -log(erfc), whose error counts less and less. Beyond 4 (6)
  // the result is 1.
  const P u = detail::min(P(f ? 4 : 6), a) - 1;
  P p, q;
  if constexpr (f) {
    p = detail::polynomial(z, 1.2837917e-01, -3.761263e-01, 1.1283605e-01, -2.6854614e-02, 5.189818e-03, -8.023112e-04, 7.896126e-05);
    q = detail::polynomial(u, 1.8496056e+00, 2.6389675e+00, 8.431071e-01, 4.156348e-02, -1.0046451e-02, 2.0119657e-03, -2.8952755e-04,
                           2.1686685e-05);
  } else {
    p = detail::polynomial(z, 0.12837916709551256, -0.3761263890318334, 0.11283791670936402, -0.026866170641832367, 0.005223977595399317,
                           -0.0008548325407845435, 0.0001205527782763346, -1.4924407924589703e-05, 1.644336438436087e-06,
                           -1.6177439900345504e-07, 1.3586210772448271e-08, -7.547126922477942e-10);
    q = detail::polynomial(u, 1.8496055099332482, 2.638967514234788, 0.8431072563586767, 0.041561098041810206, -0.010033825374427433,
                           0.001977902568028742, -0.0002373224819041706, -2.627787401785614e-05, 2.7159110640388024e-05,
                           -9.60889904296156e-06, 2.0597717509388348e-06, -1.4287594645433627e-07, -9.75466298458862e-08,
                           5.2037388478708025e-08, -1.4911247650309148e-08, 2.8639847865911845e-09, -3.682384788096548e-10,
                           2.8814603517679868e-11, -1.0390575219963893e-12);
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

// log and log1p of packs, branch-free, over the whole range, subnormal arguments included.
#pragma once

#include "fastloss/simd/polynomial.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// p of log_reduced.
template <class S, int W>
FASTLOSS_FN pack<S, W> log_polynomial(pack<S, W> x) {
  if constexpr (is_float<S>)
    return polynomial(x, 3.3333316e-01, -2.5000814e-01, 2.0002313e-01, -1.6624488e-01, 1.4180541e-01, -1.3128781e-01, 1.2886421e-01,
                      -7.865614e-02);
  else
    return polynomial(x, 0.6666666666666687, 0.3999999999966184, 0.2857142869570508, 0.2222220280119603, 0.18183365605838203,
                      0.1531872598956251, 0.14752405424730938);
}

// k ln 2 + log(1 + f) for 1 + f in [sqrt(1/2), sqrt(2)).
template <class S, int W>
FASTLOSS_FN pack<S, W> log_reduced(pack<S, W> k, pack<S, W> f) {
  using P = pack<S, W>;
  const P half_square = P(0.5) * f * f;
  if constexpr (is_float<S>) {
    // log(1 + f) = f - f^2/2 + f^3 p(f); minimax, relative error 0.1 * 2^-24.
    const P p = log_polynomial(f);
    const P tail = fma(f * f * f, p, k * P(-2.12194440054690581e-4)) - half_square;
    return fma(k, P(0.693359375), f + tail);
  } else {
    // With s = f / (2 + f): log(1 + f) = 2 atanh(s) = f - (f^2/2 - s (f^2/2 + r)), r = s^2 p(s^2); relative error
    // 0.02 * 2^-53.
    const P s = f / (f + 2);
    const P z = s * s;
    const P r = z * log_polynomial(z);
    const P tail = fma(s, half_square + r, k * P(1.90821492927058770002e-10)) - half_square;
    return fma(k, P(6.93147180369123816490e-01), f + tail);
  }
}

// log(u + rest) for a normal u and a rest below its last digit.
template <class S, int W>
FASTLOSS_FN pack<S, W> log_of_sum(pack<S, W> u, pack<S, W> rest) {
  using P = pack<S, W>;
  const auto parts = split_exponent(u);
  // 2^(1 - exponent), as 2^-exponent has no room for the largest one.
  const P scale = P::from_bits(((ieee<S>::bias + 1) - parts.exponent) << ieee<S>::mantissa_bits);
  return log_reduced(small_integer(parts.exponent), fma(rest * scale, P(0.5), parts.mantissa - 1));
}

}  // namespace detail

template <class S, int W>
FASTLOSS_FN pack<S, W> log(pack<S, W> x) {
  using P = pack<S, W>;
  using ieee = detail::ieee<S>;
  constexpr double lift = detail::is_float<S> ? 0x1p25 : 0x1p54;
  const auto subnormal = x < P(ieee::smallest_normal);
  const auto parts = detail::split_exponent(select(subnormal, x * lift, x));
  const P k = detail::small_integer(parts.exponent) - select(subnormal, P(detail::is_float<S> ? 25 : 54), P(0));
  const P r = detail::log_reduced(k, parts.mantissa - 1);
  return select(x > P(0), select(x < P(ieee::infinity), r, x), select(x == P(0), P(-ieee::infinity), P(ieee::nan)));
}

template <class S, int W>
FASTLOSS_FN pack<S, W> log1p(pack<S, W> x) {
  using P = pack<S, W>;
  using ieee = detail::ieee<S>;
  const P u = x + 1;
  // What the rounding of u lost.
  const P lost = select(abs(x) < P(1), x - (u - 1), P(1) - (u - x));
  const P r = copysign(detail::log_of_sum(u, lost), x);
  return select(x > P(-1), select(x < P(ieee::infinity), r, x), select(x == P(-1), P(-ieee::infinity), P(ieee::nan)));
}

// x log y, and 0 where x is 0 (unless y is NaN).
template <class S, int W>
FASTLOSS_FN pack<S, W> xlogy(pack<S, W> x, pack<S, W> y) {
  using P = pack<S, W>;
  return select((x == P(0)) & (y == y), P(0), x * log(y));
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// sine, cosine and atan of packs.
#pragma once

#include "fastloss/simd/polynomial.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

namespace detail {

template <class P>
struct sine_and_cosine {
  P sine, cosine;
};

// x = n pi / 2 + r. pi / 2 is in three words, of which n times the first two is exact while n is small; beyond, what is
// lost is half an ulp of x.
template <class S, int W>
FASTLOSS_FN sine_and_cosine<pack<S, W>> sincos_reduced(pack<S, W> x) {
  using P = pack<S, W>;
  constexpr bool f = is_float<S>;
  constexpr double upper = f ? 0x1.92p+0 : 0x1.921fb544p+0;
  constexpr double middle = f ? 0x1.fb4p-12 : 0x1.0b4611a6p-34;
  constexpr double lower = f ? 0x1.4442d1846989p-24 : 0x1.3198a2e037073p-69;
  const P biased = fma(x, P(0.63661977236758134308), P(ieee<S>::rounder));
  const P n = biased - ieee<S>::rounder;
  const P r = fma(n, P(-lower), fma(n, P(-middle), fma(n, P(-upper), x)));
  const P z = r * r;
  P sine, cosine;
  if constexpr (f) {
    sine = fma(z * polynomial(z, -0.16666667, 0.008333332, -0.00019840035, 2.7243289e-06), r, r);
    cosine = fma(z * z, polynomial(z, 0.041666664, -0.0013888278, 2.4542554e-05), P(1) - P(0.5) * z);
  } else {
    sine = fma(z * polynomial(z, -0.16666666666666666, 0.008333333333333331, -0.00019841269841264523, 2.7557319218925913e-06,
                              -2.5052106091424034e-08, 1.6058509629370627e-10, -7.585420573034341e-13),
               r, r);
    cosine = fma(z * z,
                 polynomial(z, 0.041666666666666664, -0.001388888888888723, 2.4801587298518637e-05, -2.755731714582727e-07,
                            2.0876120441843254e-09, -1.13807987903778e-11),
                 P(1) - P(0.5) * z);
  }
  const auto integer = biased.bits();
  const auto odd = (integer & 1) == integer_pack<S, W>(1);
  const auto sine_negative = (integer & 2) == integer_pack<S, W>(2);
  const auto cosine_negative = ((integer + 1) & 2) == integer_pack<S, W>(2);
  const P first = select(odd, cosine, sine);
  const P second = select(odd, sine, cosine);
  return {select(sine_negative, -first, first), select(cosine_negative, -second, second)};
}

}  // namespace detail

namespace detail {
namespace {

// Seldom needed, and out of line: GCC 12 fails on the loop (SLP, a segmentation fault) where it is part of a kernel.
template <class S>
[[gnu::noinline]] void sincos_by_library(const S* x, S* sine, S* cosine, int count) {
  for (int i = 0; i < count; ++i) {
    sine[i] = static_cast<S>(__builtin_sin(static_cast<double>(x[i])));
    cosine[i] = static_cast<S>(__builtin_cos(static_cast<double>(x[i])));
  }
}

}  // namespace
}  // namespace detail

// The sine and the cosine of any number; NaN at infinity. The turns in a number that is so large that its neighbours are
// turns away take more digits of pi than fit into three words: the C library counts them.
template <class S, int W>
FASTLOSS_FN detail::sine_and_cosine<pack<S, W>> sincos(pack<S, W> x) {
  using P = pack<S, W>;
  const auto huge = abs(x) > P(detail::is_float<S> ? 0x1p13 : 0x1p20);
  auto r = detail::sincos_reduced(select(huge, P(0), x));
  if (any(huge)) {
    S angle[W], sine[W], cosine[W];
    x.store(angle);
    detail::sincos_by_library(angle, sine, cosine, W);
    r.sine = select(huge, P::load(sine), r.sine);
    r.cosine = select(huge, P::load(cosine), r.cosine);
  }
  return r;
}

template <class S, int W>
FASTLOSS_FN pack<S, W> sin(pack<S, W> x) {
  return select(x == pack<S, W>(0), x, sincos(x).sine);
}
template <class S, int W>
FASTLOSS_FN pack<S, W> cos(pack<S, W> x) {
  return sincos(x).cosine;
}

namespace detail {

// The angle of a vector whose coordinates are not negative: atan(y / x), pi / 2 at x = 0. Not for (0, 0).
template <class S, int W>
FASTLOSS_FN pack<S, W> atan_of_ratio(pack<S, W> y, pack<S, W> x) {
  using P = pack<S, W>;
  // atan(y / x) = 0 + atan(y / x), pi/4 + atan((y - x) / (y + x)) or pi/2 + atan(-x / y): one division for all three.
  const auto middle = y > P(0.66) * x;
  const auto far = y > P(1.5) * x;
  const P numerator = select(far, -x, select(middle, y - x, y));
  const P denominator = select(far, y, select(middle, y + x, x));
  const P q = numerator / denominator;
  const P z = q * q;
  P p;
  if constexpr (is_float<S>)
    p = polynomial(z, -3.333333e-01, 1.9999656e-01, -1.4275968e-01, 1.0996838e-01, -8.3968826e-02, 5.3094838e-02, -1.8751837e-02);
  else
    p = polynomial(z, -0.33333333333333326, 0.19999999999993967, -0.142857142848935, 0.11111111065311967, -0.09090907701695793,
                   0.07692281497105863, -0.06666335347086487, 0.05879407203963105, -0.05244192743404783, 0.04671845031992962,
                   -0.04029053670540824, 0.03154561695936436, -0.020175975156760836, 0.008957516862936022, -0.0019950489810927935);
  constexpr double half_pi = 1.5707963267948966, quarter_pi = 0.7853981633974483;
  constexpr double half_pi_rest = is_float<S> ? half_pi - double(float(half_pi)) : 6.123233995736766e-17;
  const P offset = select(far, P(half_pi), select(middle, P(quarter_pi), P(0)));
  const P offset_rest = select(far, P(half_pi_rest), select(middle, P(0.5 * half_pi_rest), P(0)));
  return offset + (q + fma(z * p, q, offset_rest));
}

}  // namespace detail

template <class S, int W>
FASTLOSS_FN pack<S, W> atan(pack<S, W> x) {
  return copysign(detail::atan_of_ratio(abs(x), pack<S, W>(1)), x);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// exp and expm1 of packs, branch-free, over the whole range: results that are subnormal stay, NaN stays NaN.
#pragma once

#include "fastloss/simd/polynomial.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// x = n ln 2 + r with |r| <= ln(2)/2. ln 2 is split so that n times its upper part is exact with or without a fused
// multiply-add. `biased` is n + rounder: its lowest bits are the integer n.
template <class P>
struct exp_argument {
  P biased, n, r;
};
template <class S, int W>
FASTLOSS_FN exp_argument<pack<S, W>> reduce_exp(pack<S, W> x) {
  using P = pack<S, W>;
  constexpr double ln2_upper = is_float<S> ? 0.693359375 : 6.93147180369123816490e-01;
  constexpr double ln2_lower = is_float<S> ? -2.12194440054690581e-4 : 1.90821492927058770002e-10;
  const P biased = fma(x, P(1.4426950408889634), P(ieee<S>::rounder));
  const P n = biased - ieee<S>::rounder;
  const P r = fma(n, P(-ln2_lower), fma(n, P(-ln2_upper), x));
  return {biased, n, r};
}

// exp(r) - 1 for |r| <= ln(2)/2: minimax, relative error 0.05 * 2^-24 or 2^-53.
template <class S, int W>
FASTLOSS_FN pack<S, W> expm1_reduced(pack<S, W> r) {
  pack<S, W> q;
  if constexpr (is_float<S>) q = polynomial(r, 4.9999994e-01, 1.6666517e-01, 4.1668102e-02, 8.369183e-03, 1.3838882e-03);
  else
    q = polynomial(r, 0.5000000000000007, 0.1666666666666642, 0.04166666666655702, 0.008333333333499067, 0.0013888888937569717,
                   0.00019841269484305372, 2.4801498687838503e-05, 2.7557614727429702e-06, 2.762843248475769e-07, 2.498891581373014e-08);
  return fma(r * r, q, r);
}

// m * 2^n where the result may be subnormal or overflow. The scale itself may have no exponent of its own, so it is
// biased by 2^64 (2^512) towards the middle and the bias multiplied out again. Multiplying keeps NaN; adding to the
// exponent bits would turn it into a number.
template <class S, int W>
FASTLOSS_FN pack<S, W> scale_exponent(pack<S, W> m, exp_argument<pack<S, W>> a) {
  using P = pack<S, W>;
#if defined(__AVX512F__) && !defined(__CUDACC__)
  if constexpr (W * sizeof(S) == 64) {
    if constexpr (is_float<S>) return P::of((typename P::floats)_mm512_maskz_scalef_ps(0xffff, (__m512)m.v, (__m512)a.n.v));
    else return P::of((typename P::floats)_mm512_maskz_scalef_pd(0xff, (__m512d)m.v, (__m512d)a.n.v));
  }
#endif
  using integer = typename ieee<S>::integer;
  constexpr integer shift = is_float<S> ? 64 : 512;
  constexpr double unit = is_float<S> ? 0x1p64 : 0x1p512;
  const mask<S, W> shrinks = a.n < P(0);
  const integer_pack<S, W> bias = select(shrinks, integer_pack<S, W>((ieee<S>::bias + shift) * ieee<S>::exponent_one),
                                         integer_pack<S, W>((ieee<S>::bias - shift) * ieee<S>::exponent_one));
  const P scale = P::from_bits((a.biased.bits() << ieee<S>::mantissa_bits) + bias);
  return m * scale * select(shrinks, P(1 / unit), P(unit));
}

// exp(x) for x <= 0 or NaN: half the scaling of the general function.
template <class S, int W>
FASTLOSS_FN pack<S, W> exp_nonpositive(pack<S, W> x) {
  using P = pack<S, W>;
  const auto a = reduce_exp(max(P(is_float<S> ? -104 : -746), x));
  const P m = expm1_reduced(a.r) + 1;
#if defined(__AVX512F__) && !defined(__CUDACC__)
  if constexpr (W * sizeof(S) == 64) return scale_exponent(m, a);
#endif
  using integer = typename ieee<S>::integer;
  constexpr integer shift = is_float<S> ? 64 : 512;
  constexpr double unit = is_float<S> ? 0x1p-64 : 0x1p-512;
  const P scale = P::from_bits((a.biased.bits() << ieee<S>::mantissa_bits) + (ieee<S>::bias + shift) * ieee<S>::exponent_one);
  return m * scale * unit;
}

}  // namespace detail

template <class S, int W>
FASTLOSS_FN pack<S, W> exp(pack<S, W> x) {
  using P = pack<S, W>;
  constexpr bool f = detail::is_float<S>;
  const P clamped = detail::min(P(f ? 89 : 710), detail::max(P(f ? -104 : -746), x));
  const auto a = detail::reduce_exp(clamped);
  return detail::scale_exponent(detail::expm1_reduced(a.r) + 1, a);
}

template <class S, int W>
FASTLOSS_FN pack<S, W> expm1(pack<S, W> x) {
  using P = pack<S, W>;
  constexpr bool f = detail::is_float<S>;
  const P clamped = detail::min(P(f ? 89 : 710), detail::max(P(f ? -20 : -40), x));
  const auto a = detail::reduce_exp(clamped);
  // 2^n (p + 1) - 1 as 2^n p + (2^n - 1), at half scale, because 2^n itself can overflow where the result does not.
  const P half_scale = detail::power_of_two((a.biased.bits() - detail::ieee<S>::rounder_bits) - 1);
  const P half = fma(half_scale, detail::expm1_reduced(a.r), half_scale - P(0.5));
  // Tiny arguments are their own result, -0.0 and subnormals included.
  return select(abs(x) < P(f ? 0x1p-26 : 0x1p-56), x, half + half);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

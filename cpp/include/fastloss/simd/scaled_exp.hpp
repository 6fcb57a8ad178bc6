// c e^x, which is an ordinary number for many c and x whose e^x is not.
#pragma once

#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// c e^x without overflow or underflow on the way; 0 where c is 0, whatever x is.
template <class S, int W>
FASTLOSS_FN pack<S, W> scaled_exp(pack<S, W> c, pack<S, W> x) {
  using P = pack<S, W>;
  constexpr bool f = detail::is_float<S>;
  // From the smallest number to beyond the largest one, and back.
  constexpr double limit = f ? 200 : 1460;
  const auto a = detail::reduce_exp(detail::min(P(limit), detail::max(P(-limit), x)));
  const P m = detail::expm1_reduced(a.r) + 1;
#if defined(__AVX512F__) && !defined(__CUDACC__)
  if constexpr (W * sizeof(S) == 64) {
    // The exponents of c and e^x are added before they are applied; c itself goes unrounded into the mantissa.
    if constexpr (f) {
      const __m512 mantissa = _mm512_maskz_getmant_ps(0xffff, (__m512)c.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src);
      const __m512 exponent = _mm512_maskz_getexp_ps(0xffff, (__m512)c.v);
      const P scaled = P::of(
          (typename P::floats)_mm512_maskz_scalef_ps(0xffff, _mm512_mul_ps(mantissa, (__m512)m.v), _mm512_add_ps(exponent, (__m512)a.n.v)));
      return select(c == P(0), P(0), scaled);
    } else {
      const __m512d mantissa = _mm512_maskz_getmant_pd(0xff, (__m512d)c.v, _MM_MANT_NORM_1_2, _MM_MANT_SIGN_src);
      const __m512d exponent = _mm512_maskz_getexp_pd(0xff, (__m512d)c.v);
      const P scaled = P::of(
          (typename P::floats)_mm512_maskz_scalef_pd(0xff, _mm512_mul_pd(mantissa, (__m512d)m.v), _mm512_add_pd(exponent, (__m512d)a.n.v)));
      return select(c == P(0), P(0), scaled);
    }
  }
#endif
  // Four factors that each have an exponent of their own. The first is applied to c before its mantissa is touched: a
  // subnormal c that grows keeps its digits.
  const auto n = a.biased.bits() - detail::ieee<S>::rounder_bits;
  const auto quarter = n >> 2;
  const P factor = detail::power_of_two(quarter);
  const P rest = detail::power_of_two(n - quarter - quarter - quarter);
  return ((((c * factor) * factor) * m) * factor) * rest;
}

template <class C, class X>
  requires((is_pack<C> && is_number<X>) || (is_pack<X> && (is_number<C> || is_tag<C>)))
FASTLOSS_FN auto scaled_exp(C c, X x) {
  using P = detail::common_pack<C, X>;
  return scaled_exp(detail::as_pack<P>(c), detail::as_pack<P>(x));
}

template <class C, class X>
  requires(is_dual<C> || is_dual<X>)
FASTLOSS_FN auto scaled_exp(C c, X x) {
  constexpr int n = detail::common_depth<C, X>;
  const auto factor = detail::value_at<n>(c);
  const auto exponent = detail::value_at<n>(x);
  const auto result = scaled_exp(factor, exponent);
  using P = detail::common_pack<C, X>;
  return detail::make_dual(result, result * detail::tangent_at<n>(x) + exp(detail::lift<P>(exponent)) * detail::tangent_at<n>(c));
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

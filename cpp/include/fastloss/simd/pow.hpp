// pow of packs: y log x is formed in two words, because its error is multiplied by as much as 745 in the result.
#pragma once

#include "fastloss/simd/double_half.hpp"
#include "fastloss/simd/exp.hpp"
#include "fastloss/simd/log.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// An unevaluated sum of two doubles.
template <class P>
struct two_words {
  P upper, lower;
};

// a + b exactly, for |a| >= |b| or a = 0.
template <class P>
FASTLOSS_FN two_words<P> quick_sum(P a, P b) {
  const P sum = a + b;
  return {sum, b - (sum - a)};
}

// a * b exactly: by fma where it rounds once, else by splitting the factors into halves (Dekker).
template <int W>
FASTLOSS_FN two_words<pack<double, W>> exact_product(pack<double, W> a, pack<double, W> b) {
  using P = pack<double, W>;
  const P product = a * b;
#if defined(__FMA__) || defined(__aarch64__) || defined(__CUDA_ARCH__)
  return {product, fma(a, b, -product)};
#else
  const P splitter(0x1p27 + 1);
  const P ta = splitter * a;
  const P tb = splitter * b;
  const P a1 = ta - (ta - a), b1 = tb - (tb - b);
  const P a2 = a - a1, b2 = b - b1;
  return {product, ((a1 * b1 - product) + a1 * b2 + a2 * b1) + a2 * b2};
#endif
}

// log(mantissa * 2^k) to about 2^-65 relative, with s = (mantissa - 1) / (mantissa + 1):
// k ln 2 + 2 s + s^3 (2/3 + s^2 p(s^2)); everything but p(s^2) in two words.
template <int W>
FASTLOSS_FN two_words<pack<double, W>> log_two_words(pack<double, W> mantissa, pack<double, W> k) {
  using P = pack<double, W>;
  const P numerator = mantissa - 1;
  const P denominator = mantissa + 1;
  const P denominator_rest = mantissa - (denominator - 1);
  const P s = numerator / denominator;
  const auto back = exact_product(s, denominator);
  const P s_rest = (((numerator - back.upper) - back.lower) - s * denominator_rest) / denominator;

  auto z = exact_product(s, s);
  z.lower = z.lower + P(2) * s * s_rest;
  const P e = z.upper * polynomial(z.upper, 0.4, 0.2857142857142156, 0.22222222225823726, 0.1818181749748566, 0.15384675403847317,
                                   0.13330832499043, 0.11803643272782748, 0.10783731243103396);
  auto c = quick_sum(P(0.6666666666666666), e);
  c.lower = c.lower + P(3.700743415417188e-17);
  auto cube = exact_product(s, z.upper);
  cube.lower = cube.lower + s * z.lower + s_rest * z.upper;
  auto tail = exact_product(cube.upper, c.upper);
  tail.lower = tail.lower + cube.upper * c.lower + cube.lower * c.upper;

  auto log_mantissa = quick_sum(P(2) * s, tail.upper);
  log_mantissa.lower = log_mantissa.lower + (tail.lower + P(2) * s_rest);
  auto sum = quick_sum(k * P(6.93147180369123816490e-01), log_mantissa.upper);
  sum.lower = sum.lower + (log_mantissa.lower + k * P(1.90821492927058770002e-10));
  return quick_sum(sum.upper, sum.lower);
}

// exp(y log|x|) for the y that matter: exponents of 2^70 and more give 0, 1 or infinity anyway, and the limit keeps the
// products finite.
struct power_of_double {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> x, pack<double, W> y) const {
    using P = pack<double, W>;
    const P magnitude = abs(x);
    const auto subnormal = magnitude < P(ieee<double>::smallest_normal);
    const auto parts = split_exponent(select(subnormal, magnitude * 0x1p54, magnitude));
    const auto log_x = log_two_words(parts.mantissa, small_integer(parts.exponent) - select(subnormal, P(54), P(0)));
    const P exponent = copysign(min(P(0x1p70), abs(y)), y);
    const auto product = exact_product(exponent, log_x.upper);
    const P rest = product.lower + exponent * log_x.lower;
    auto a = reduce_exp(min(P(710), max(P(-746), product.upper)));
    a.r = a.r + select(abs(product.upper) < P(750), rest, P(0));
    return scale_exponent(expm1_reduced(a.r) + 1, a);
  }
};

// A float's 24 digits need no second word in double.
struct power_of_float {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> x, pack<double, W> y) const {
    using P = pack<double, W>;
    const auto parts = split_exponent(abs(x));  // floats are normal in double
    const P log_x = log_reduced(small_integer(parts.exponent), parts.mantissa - 1);
    const P product = copysign(min(P(0x1p70), abs(y)), y) * log_x;
    const auto a = reduce_exp(min(P(140), max(P(-140), product)));
    return (expm1_reduced(a.r) + 1) * power_of_two(a.biased.bits() - ieee<double>::rounder_bits);
  }
};

}  // namespace detail

// x to the power y as in C, except that NaN in either gives NaN (also pow(1, NaN) and pow(NaN, 0)).
template <class S, int W>
FASTLOSS_FN pack<S, W> pow(pack<S, W> x, pack<S, W> y) {
  using P = pack<S, W>;
  using ieee = detail::ieee<S>;
  P r;
  if constexpr (detail::is_float<S>) r = detail::in_double(detail::power_of_float{}, x, y);
  else r = detail::called(detail::power_of_double{}, x, y);

  const P size = abs(y);
  constexpr double integers_only = detail::is_float<S> ? 0x1p23 : 0x1p52;  // there is nothing between from here on
  const auto huge = size >= P(integers_only);
  const P shifted = select(huge, size, size + integers_only);
  const auto whole = huge | (shifted - integers_only == size);
  const auto odd = whole & (size < P(2 * integers_only)) & ((shifted.bits() & 1) == integer_pack<S, W>(1));

  const auto zero = x == P(0);
  const auto infinite = abs(x) == P(ieee::infinity);
  const auto grows = (zero & (y < P(0))) | (infinite & (y > P(0)));
  r = select(zero | infinite, select(grows, P(ieee::infinity), P(0)), r);
  r = select(y == P(0), P(1), r);
  r = select(odd, copysign(r, x), r);
  r = select((x < P(0)) & !infinite & !whole, P(ieee::nan), r);
  return select(unordered(x, y), x + y, r);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Polynomials and the layout of IEEE numbers: what the elementary functions are made of.
#pragma once

#include <limits>
#include <type_traits>

#include "fastloss/simd/pack.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// c0 + c1 x + c2 x^2 + ... by Horner's rule: the first steps meet the smallest terms, so that only the last ones round.
// Two chains of even and odd powers would be 20% faster in a double-precision softplus, and cost it an ulp.
template <class P>
FASTLOSS_FN P polynomial(P, double c0) {
  return P(c0);
}
template <class P, class... C>
FASTLOSS_FN P polynomial(P x, double c0, C... higher) {
  return fma(polynomial(x, higher...), x, P(c0));
}

// (p(x) - p(y)) / (x - y) for p = c0 + c1 x + c2 x^2 + ..., without the difference: Horner's rule for p(x), and once more for
// its steps.
template <class P>
struct polynomial_steps {
  P value, divided_difference;
};
template <class P>
FASTLOSS_FN polynomial_steps<P> polynomial_with_difference(P, P, double c0) {
  return {P(c0), P(0)};
}
template <class P, class... C>
FASTLOSS_FN polynomial_steps<P> polynomial_with_difference(P x, P y, double c0, C... higher) {
  const auto inner = polynomial_with_difference(x, y, higher...);
  return {fma(inner.value, x, P(c0)), fma(inner.divided_difference, y, inner.value)};
}

template <class S>
inline constexpr bool is_float = std::is_same_v<S, float>;

template <class S>
struct ieee {
  using integer = std::conditional_t<is_float<S>, std::int32_t, std::int64_t>;
  static constexpr int mantissa_bits = is_float<S> ? 23 : 52;
  static constexpr integer bias = is_float<S> ? 127 : 1023;
  static constexpr integer exponent_one = integer{1} << mantissa_bits;
  // Adding this to a number of modest size leaves its nearest integer in the lowest bits.
  static constexpr S rounder = is_float<S> ? S(0x1.8p23) : S(0x1.8p52);
  static constexpr integer rounder_bits = is_float<S> ? integer(0x4B400000) : integer(0x4338000000000000);
  static constexpr S smallest_normal = std::numeric_limits<S>::min();
  static constexpr S infinity = std::numeric_limits<S>::infinity();
  static constexpr S nan = std::numeric_limits<S>::quiet_NaN();
};

// The number that a small integer is (|i| < 2^22, or 2^51 for double), without an integer conversion instruction,
// which x86-64 has for 64-bit integers only from v4 on.
template <class S, int W>
FASTLOSS_FN pack<S, W> small_integer(integer_pack<S, W> i) {
  return pack<S, W>::from_bits(i + ieee<S>::rounder_bits) - ieee<S>::rounder;
}

// The integer nearest to a number of modest size: the inverse of small_integer.
template <class S, int W>
FASTLOSS_FN integer_pack<S, W> nearest_integer(pack<S, W> x) {
  return (x + pack<S, W>(ieee<S>::rounder)).bits() - ieee<S>::rounder_bits;
}

// An option > 0 as the dtype holds it, but not 0.
template <class S>
FASTLOSS_FN double held_by(double x) {
  constexpr double least = static_cast<double>(std::numeric_limits<S>::denorm_min());
  const double rounded = static_cast<double>(static_cast<S>(x));
  return rounded < least ? least : rounded;
}

// The same, but not infinite either.
template <class S>
FASTLOSS_FN double finite_held_by(double x) {
  constexpr double largest = static_cast<double>(std::numeric_limits<S>::max());
  const double held = held_by<S>(x);
  return held > largest ? largest : held;
}

// 2^i for exponents of normal numbers.
template <class S, int W>
FASTLOSS_FN pack<S, W> power_of_two(integer_pack<S, W> i) {
  return pack<S, W>::from_bits((i + ieee<S>::bias) << ieee<S>::mantissa_bits);
}

// x = mantissa * 2^exponent with the mantissa in [sqrt(1/2), sqrt(2)); x must be positive and normal.
template <class S, int W>
struct split_number {
  pack<S, W> mantissa;
  integer_pack<S, W> exponent;
};
template <class S, int W>
FASTLOSS_FN split_number<S, W> split_exponent(pack<S, W> x) {
  using integer = typename ieee<S>::integer;
  constexpr integer root_half = is_float<S> ? integer(0x3f3504f3) : integer(0x3fe6a09e667f3bcd);
  const integer_pack<S, W> distance = x.bits() - root_half;
  const integer_pack<S, W> exponent = distance >> ieee<S>::mantissa_bits;
  return {pack<S, W>::from_bits(x.bits() - (exponent << ieee<S>::mantissa_bits)), exponent};
}

}  // namespace detail
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

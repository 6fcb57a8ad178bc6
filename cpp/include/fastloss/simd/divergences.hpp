// Terms of divergences between two distributions or measures: exact where a probability is 0, accurate where the two are
// nearly equal, which is where the terms of the textbook formulas cancel.
#pragma once

#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/validity.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// A power of two as two factors: its exponent may be out of the range of the dtype.
template <class S>
struct far_apart {
  static constexpr double quotient = is_float<S> ? 0x1p-100 : 0x1p-900;  // from here on a quotient might overflow
  static constexpr double down = is_float<S> ? 0x1p-74 : 0x1p-540, up = is_float<S> ? 0x1p76 : 0x1p540;
  static constexpr double largest = is_float<S> ? 0x1p40 : 0x1p200;  // a finite divisor that far below its dividend is smaller
  static constexpr double log_scale = (is_float<S> ? 150 : 1080) * 0.693147180559945309417;
};

// log(t / x) for numbers of at least 0: no quotient over- or underflows, and t near x keeps its digits.
template <class S, int W>
FASTLOSS_FN pack<S, W> log_ratio(pack<S, W> t, pack<S, W> x) {
  using P = pack<S, W>;
  using far = far_apart<S>;
  constexpr S infinity = ieee<S>::infinity;
  const auto above = x < t * far::quotient;
  const auto below = t < x * far::quotient;
  const auto near = (t > P(0.5) * x) & (t < x + x) & (x < P(infinity));
  const P scaled_t = select(above, t * far::down, select(below, min(t, P(far::largest)) * far::up, t));
  const P scaled_x = select(below, x * far::down, select(above, min(x, P(far::largest)) * far::up, x));
  const P q = select(near, t - x, scaled_t) / scaled_x;
  const P one_more = q + 1;
  const P u = select(near, one_more, q);
  const P lost = select(near, select(abs(q) < P(1), q - (one_more - 1), P(1) - (one_more - q)), P(0));
  const P r = log_of_sum(u, lost) + select(above, P(far::log_scale), select(below, P(-far::log_scale), P(0)));
  return select(u > P(0), select(u < P(infinity), r, u), select(u == P(0), P(-infinity), P(ieee<S>::nan)));
}

template <class P>
struct value_and_d1 {
  P value, d1;
};

// x - t + t log(t / x) and its derivative in x, 1 - t / x. With f = (t - x) / x the value is (t - x) f g(f) near f = 0, where
// g(f) = ((1 + f) log(1 + f) - f) / f^2 comes from the polynomial of the logarithm without any cancellation.
template <class S, int W>
FASTLOSS_FN value_and_d1<pack<S, W>> generalized_kl_parts(pack<S, W> x, pack<S, W> t) {
  using P = pack<S, W>;
  using far = far_apart<S>;
  constexpr S infinity = ieee<S>::infinity;
  const P d = x - t;
  const auto above = x < t * far::quotient;
  const P d1 = select(above, d * far::down, d) / select(above, min(x, P(far::largest)) * far::up, x);
  const P ratio = select(above, P(0), P(1)) - d1;
  // A ratio that was rounded away lies below half an ulp of 1, and multiplies its own logarithm.
  const P least = select(above, ratio, P(is_float<S> ? 0x1p-25 : 0x1p-54));
  const auto parts = split_exponent(max(ratio, least));
  const auto near = (parts.exponent == integer_pack<S, W>(0)) & !above;
  const P f = select(near, -d1, parts.mantissa - 1);
  P g;
  if constexpr (is_float<S>) {
    const P p = log_polynomial(f);
    g = fma(f, fma(f, p, p - P(0.5)), P(0.5));
  } else {
    const P inverse = P(1) / (f + 2);
    const P s = f * inverse;
    g = fma((f + 1) * s, fma(log_polynomial(s * s), inverse * inverse, P(0.5)), P(0.5) - P(0.5) * f);
  }
  const P log_of_ratio = log_reduced(small_integer(parts.exponent), f) + select(above, P(far::log_scale), P(0));
  const P finite = select(near, (d * d1) * g, d + t * log_of_ratio);
  const P value = select((d1 == P(-infinity)) | (d == P(infinity)), P(infinity), finite);
  const P unscaled = select(above, (d1 * (1 / far::down)) * far::up, d1);
  const auto nothing = t == P(0);
  const auto valid = (x >= P(0)) & (t >= P(0));
  return {nan_unless(valid, P(select(nothing, x, value))), nan_unless(valid, P(select(nothing | (d == P(infinity)), P(1), unscaled)))};
}

template <class X, class T>
FASTLOSS_FN auto generalized_kl_d1(X x, T t) {
  if constexpr (is_dual<X>) {
    const auto d2 = select(t == 0, zero_t{}, (t / x.value) / x.value);
    return make_dual(generalized_kl_d1(x.value, t), d2 * x.tangent);
  } else {
    return generalized_kl_parts(x, t).d1;
  }
}

// a e^z and e^z. Half of the exponential on either side of a: the product does not vanish before its time. Where e^z is 0 so is
// the product, whatever a is.
template <class P>
struct product_and_power {
  P product, power;
};
template <class S, int W>
FASTLOSS_FN product_and_power<pack<S, W>> times_exp_parts(pack<S, W> a, pack<S, W> z) {
  using P = pack<S, W>;
  const P root = exp(P(0.5) * z);
  const P power = root * root;
  return {select(abs(a) < P(ieee<S>::infinity), (a * root) * root, mul0(power, a)), power};
}

template <class Z>
FASTLOSS_FN auto power_of_e(Z z) {
  if constexpr (is_dual<Z>) return make_dual(power_of_e(z.value), power_of_e(z.value) * z.tangent);
  else return times_exp_parts(z, z).power;
}

template <class A, class Z>
FASTLOSS_FN auto times_exp(A a, Z z) {
  if constexpr (is_dual<A> || is_dual<Z>) {
    constexpr int n = common_depth<A, Z>;
    const auto factor = value_at<n>(a);
    const auto exponent = value_at<n>(z);
    const auto product = times_exp(factor, exponent);
    return make_dual(product, product * tangent_at<n>(z) + power_of_e(exponent) * tangent_at<n>(a));
  } else {
    return times_exp_parts(a, z).product;
  }
}

// e^z / t for t >= 0, which stays finite where e^z alone would vanish; 0 where it does and t is 0 as well.
template <class S, int W>
FASTLOSS_FN pack<S, W> exp_over(pack<S, W> z, pack<S, W> t) {
  using P = pack<S, W>;
  // Far out half of the exponential is 2^32 times too large, and t in return 2^64 times: neither may be subnormal.
  const auto low = z < P(-100);
  const auto tiny = t < P(ieee<S>::smallest_normal);
  const P root = exp(P(0.5) * z + select(low, P(32 * 0.693147180559945309417), P(0)));
  const P quotient = (root / (t * select(low | tiny, P(0x1p64), P(1)))) * root;
  const P power = root * root * select(low, P(0x1p-64), P(1));
  const auto vanishes = (root == P(0)) | ((t == P(0)) & (power == P(0)));
  return select(vanishes, P(0), select(low, quotient, quotient * select(tiny, P(0x1p64), P(1))));
}

// A derivative in x that x does not change; where it is NaN, so is its own derivative.
template <class X, class P>
FASTLOSS_FN auto constant_d1(P d1) {
  if constexpr (depth<X> == 2) return make_dual(d1, d1 - d1);
  else return d1;
}

// sqrt(x) - sqrt(t) for numbers of at least 0, without cancellation where they are close.
template <class P>
FASTLOSS_FN P difference_of_roots(P x, P t) {
  const P a = sqrt(x);
  const P b = sqrt(t);
  const P sum = a + b;
  return select((sum > P(0)) & (sum < P(ieee<typename P::scalar>::infinity)), (x - t) / sum, a - b);
}

// The derivative in x of (sqrt(x) - sqrt(t))^2 / 2: 1/2 at t = 0, which is its limit.
template <class X, class T>
FASTLOSS_FN auto hellinger_d1(X x, T t) {
  if constexpr (is_dual<X>) {
    const auto d2 = select(t == 0, zero_t{}, (0.25 * (sqrt(t) / sqrt(x.value))) / x.value);
    return make_dual(hellinger_d1(x.value, t), d2 * x.tangent);
  } else {
    using P = X;
    const P q = difference_of_roots(x, t);
    return select(((t == P(0)) & (x >= P(0))) | (q == P(ieee<typename P::scalar>::infinity)), P(0.5), (P(0.5) * q) / sqrt(x));
  }
}

}  // namespace detail

// t (log t - x) for a probability t and the logarithm x of another. 0 where t is 0, and so is the derivative in t, whose
// limit there is -inf.
template <class X, class T>
FASTLOSS_FN auto kl_of_probability(X x, T t) {
  if constexpr (is_dual<T>) {
    const auto ratio = log(t.value) - x;
    return detail::make_dual(mul0(t.value, ratio), select(t.value == 0, zero_t{}, ratio + 1) * t.tangent);
  } else if constexpr (is_dual<X>) {
    const auto both = detail::innermost(x) - t;  // not a number where both are infinite
    const auto d1 = detail::constant_d1<X>(nan_unless((t >= 0) & (both == both), -t));
    return detail::make_dual(kl_of_probability(x.value, t), d1 * x.tangent);
  } else {
    return mul0(t, log(t) - x);
  }
}

// e^t (t - x) for the logarithms of two probabilities; 0 where e^t is 0.
template <class X, class T>
FASTLOSS_FN auto kl_of_logarithms(X x, T t) {
  return detail::times_exp(t - x, t);
}

// e^x (x - log t) for the logarithm x of a probability and another one t; 0 where e^x is 0.
template <class X, class T>
FASTLOSS_FN auto reverse_kl_of_probability(X x, T t) {
  if constexpr (is_dual<T>)
    return detail::make_dual(reverse_kl_of_probability(x, t.value), nan_unless(t.value >= 0, -detail::exp_over(x, t.value)) * t.tangent);
  else return nan_unless(t >= 0, detail::times_exp(x - log(t), x));
}

// t log(t / x) - t + x for numbers of at least 0. Where t is 0 it is x, with the derivative 0 in t, whose limit is -inf.
template <class X, class T>
FASTLOSS_FN auto generalized_kl(X x, T t) {
  if constexpr (is_dual<T>) {
    const auto d1 = select(t.value == 0, zero_t{}, detail::log_ratio(t.value, x));
    return detail::make_dual(generalized_kl(x, t.value), nan_unless((x >= 0) & (t.value >= 0), d1) * t.tangent);
  } else if constexpr (is_dual<X>) {
    return detail::make_dual(generalized_kl(x.value, t), detail::generalized_kl_d1(x.value, t) * x.tangent);
  } else {
    return detail::generalized_kl_parts(x, t).value;
  }
}

// (sqrt(x) - sqrt(t))^2 / 2 for numbers of at least 0.
template <class X, class T>
FASTLOSS_FN auto half_squared_difference_of_roots(X x, T t) {
  if constexpr (is_dual<T>) {
    return detail::make_dual(half_squared_difference_of_roots(x, t.value), detail::hellinger_d1(t.value, x) * t.tangent);
  } else if constexpr (is_dual<X>) {
    return detail::make_dual(half_squared_difference_of_roots(x.value, t), detail::hellinger_d1(x.value, t) * x.tangent);
  } else {
    const auto q = detail::difference_of_roots(x, t);
    return (0.5 * q) * q;
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

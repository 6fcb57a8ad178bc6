// Quotients that would overflow or vanish if they were differentiated term by term.
#pragma once

#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/validity.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// r^2 / (2 v), with the derivatives r / v and -(r / v)^2 / 2: neither r^2 nor r / v^2 is formed, which leave the range of
// the dtype long before the results do.
template <class R, class V>
FASTLOSS_FN auto half_squared_quotient(R r, V v) {
  if constexpr (is_dual<R> || is_dual<V>) {
    constexpr int n = detail::common_depth<R, V>;
    const auto a = detail::value_at<n>(r);
    const auto b = detail::value_at<n>(v);
    const auto q = a / b;
    return detail::make_dual(half_squared_quotient(a, b), q * detail::tangent_at<n>(r) - ((0.5 * q) * q) * detail::tangent_at<n>(v));
  } else {
    return (0.5 * r) * (r / v);
  }
}

// v / factor for a power of v from 0 to 1.
template <class V, class F>
FASTLOSS_FN auto rest_of_power(V v, F factor) {
  return select(detail::is_infinite(v), v, v / factor);
}

// r^2 / (2 v) times a constant that is a power of v from 0 to 1: r^2 / v may overflow or vanish where that product does not.
template <class R, class V, class F>
FASTLOSS_FN auto half_squared_quotient(R r, V v, F factor) {
  if constexpr (is_dual<R> || is_dual<V>) {
    constexpr int n = detail::common_depth<R, V>;
    const auto a = detail::value_at<n>(r);
    const auto b = detail::value_at<n>(v);
    const auto d1 = a / rest_of_power(detail::innermost(b), factor);
    return detail::make_dual(half_squared_quotient(a, b, factor),
                             d1 * detail::tangent_at<n>(r) - (0.5 * (a / b) * d1) * detail::tangent_at<n>(v));
  } else {
    return (0.5 * r) * (r / rest_of_power(v, factor));
  }
}

// (r / s)^2 / 2, with the derivatives (r / s) / s and -(r / s)^2 / s: no square of r or of s is formed.
template <class R, class S>
FASTLOSS_FN auto half_square_of_quotient(R r, S s) {
  if constexpr (is_dual<R> || is_dual<S>) {
    constexpr int n = detail::common_depth<R, S>;
    const auto a = detail::value_at<n>(r);
    const auto b = detail::value_at<n>(s);
    const auto z = a / b;
    const auto in_r = ((a * detail::tangent_at<n>(r)) / b) / b;  // a small tangent may make a number of what is infinite without it
    return detail::make_dual(half_square_of_quotient(a, b), in_r - (z * (z / b)) * detail::tangent_at<n>(s));
  } else {
    const auto z = r / s;
    return (0.5 * z) * z;
  }
}

// |r| / s, with derivative 0 in r where r is 0, and NaN where the quotient is.
template <class R, class S>
FASTLOSS_FN auto abs_quotient(R r, S s) {
  if constexpr (is_dual<R> || is_dual<S>) {
    constexpr int n = detail::common_depth<R, S>;
    const auto a = detail::value_at<n>(r);
    const auto b = detail::value_at<n>(s);
    const auto q = abs_quotient(a, b);
    const auto d1 = select(q == q, detail::sign(detail::innermost(a)) / b, q);
    return detail::make_dual(q, d1 * detail::tangent_at<n>(r) - (q / b) * detail::tangent_at<n>(s));
  } else {
    return abs(r) / s;
  }
}

// f(log x), with the derivative f'(log x) / x: 1 / x alone can leave the range of the dtype where the product with f' does
// not. It is 0 at infinity, as no loss grows as fast as the exponential of log x. No other operand may be a dual number
// where x is one.
template <class X, class F>
FASTLOSS_FN auto function_of_log(X x, F f) {
  if constexpr (is_dual<X>) {
    const auto y = f(detail::make_dual(log(x.value), one_t{}));
    const auto value = detail::innermost(y.value);
    auto d1 = y.tangent / x.value;
    const auto overflows = detail::is_infinite(y.tangent) & (x.value > 0);
    if (any(overflows)) {
      const auto again = f(detail::make_dual(log(x.value), 1 / x.value)).tangent;
      d1 = select(overflows & (again == again), again, d1);
    }
    return detail::make_dual(y.value, select((x.value == __builtin_inf()) & (value == value), zero_t{}, d1) * x.tangent);
  } else {
    return f(log(x));
  }
}

// t / x, and 0 where t is 0, whatever x is; so are the derivatives in x.
template <class T, class X>
FASTLOSS_FN auto quotient0(T t, X x) {
  return select(detail::innermost(t) == 0, zero_t{}, t / x);
}

// (x - t) / x for x and t of one sign, without rounding the quotient where the two are close.
template <class X, class T>
FASTLOSS_FN auto relative_excess(X x, T t) {
  const auto rest = 1 - quotient0(t, x);
  return select(abs(detail::innermost(rest)) < 0.5, (x - t) / x, rest);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

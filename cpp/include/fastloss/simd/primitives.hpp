// What loss formulas are written with. Each primitive works on packs and on duals of any depth, and carries its own
// derivative: exact at 0, -0.0 and infinities, where a composition of simpler functions would not be.
#pragma once

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/dual.hpp"
#include "fastloss/simd/math.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// ---- kinks ------------------------------------------------------------------------------------------------------------

namespace detail {

// -1, 0 or 1; NaN at NaN.
template <class S, int W>
FASTLOSS_FN pack<S, W> sign(pack<S, W> x) {
  using P = pack<S, W>;
  return select(abs(x) > P(0), copysign(P(1), x), x);
}

}  // namespace detail

// |x|, with derivative 0 at 0.
template <class T, class D>
FASTLOSS_FN auto abs(dual<T, D> x) {
  return detail::make_dual(abs(x.value), detail::sign(detail::innermost(x.value)) * x.tangent);
}

// max(0, x) where x = 0 counts as inside: the tie passes the gradient.
template <class X>
FASTLOSS_FN auto hinge_max0(X x) {
  return select(x < 0.0, zero_t{}, x);
}

// max(0, x) where x = 0 counts as outside: the tie has gradient 0.
template <class X>
FASTLOSS_FN auto strict_max0(X x) {
  return select(x <= 0.0, zero_t{}, x);
}

// max(x, lower) in the value only: the gradient passes as if nothing had been clamped.
template <class X, class L>
FASTLOSS_FN auto clamp_min(X x, L lower) {
  if constexpr (is_dual<X>) return detail::make_dual(clamp_min(x.value, lower), x.tangent);
  else return select(x < lower, lower, x);
}

// The value of x as a constant.
template <class X>
FASTLOSS_FN auto detach(X x) {
  return detail::innermost(x);
}

// c * a, but 0 where c is 0, whatever a is (infinite or NaN); so are the derivatives. The one way to multiply by a
// target, a mask or a weight.
template <class C, class A>
FASTLOSS_FN auto mul0(C c, A a) {
  if constexpr (is_tag<C> || is_zero<A>) {
    return c * a;
  } else if constexpr (is_dual<C> || is_dual<A>) {
    constexpr int n = detail::common_depth<C, A>;
    const auto cv = detail::value_at<n>(c);
    const auto av = detail::value_at<n>(a);
    return detail::make_dual(mul0(cv, av), mul0(detail::tangent_at<n>(c), av) + mul0(cv, detail::tangent_at<n>(a)));
  } else {
    return select(c != 0, c * a, zero_t{});
  }
}

// w t x for t from 0 to 1, and 0 where w or t is: in the order in which no product vanishes before the result does.
template <class W, class T, class X>
FASTLOSS_FN auto mul0_fraction(W w, T t, X x) {
  return select(abs(detail::innermost(w)) <= 1, mul0(w, mul0(t, x)), mul0(w * t, x));
}

// ---- smooth functions ---------------------------------------------------------------------------------------------------

template <class X>
FASTLOSS_FN auto square(X x) {
  return x * x;
}

// Derivative 0 where both the value and its tangent are 0: the limit of sqrt(x^2) that losses want.
template <class T, class D>
FASTLOSS_FN auto sqrt(dual<T, D> x) {
  const auto root = sqrt(x.value);
  if constexpr (is_zero<D>) {
    return detail::make_dual(root, zero_t{});
  } else {
    const auto d1 = (0.5 * x.tangent) / root;
    if constexpr (is_one<D>) return detail::make_dual(root, d1);
    else
      return detail::make_dual(
          root,
          select((x.value == 0) & (detail::as_pack<typename detail::pack_of<T>::type>(detail::innermost(x.tangent)) == 0), zero_t{}, d1));
  }
}

template <class T, class D>
FASTLOSS_FN auto exp(dual<T, D> x) {
  const auto e = exp(x.value);
  return detail::make_dual(e, e * x.tangent);
}

template <class T, class D>
FASTLOSS_FN auto expm1(dual<T, D> x) {
  return detail::make_dual(expm1(x.value), exp(x.value) * x.tangent);
}

template <class T, class D>
FASTLOSS_FN auto log(dual<T, D> x) {
  return detail::make_dual(log(x.value), x.tangent / x.value);
}

template <class T, class D>
FASTLOSS_FN auto log1p(dual<T, D> x) {
  return detail::make_dual(log1p(x.value), x.tangent / (1 + x.value));
}

namespace detail {

// softplus and sigmoid of x and -x; the derivatives are products of the sigmoids that are there already.
template <class T, class D>
FASTLOSS_FN auto logistic(dual<T, D> x) {
  const auto l = logistic(x.value);
  const auto d1 = (l.sigmoid * l.sigmoid_negated) * x.tangent;
  const auto sigmoid = make_dual(l.sigmoid, d1);
  const auto sigmoid_negated = make_dual(l.sigmoid_negated, -d1);
  const auto softplus = make_dual(l.softplus, l.sigmoid * x.tangent);
  const auto softplus_negated = make_dual(l.softplus_negated, -(l.sigmoid_negated * x.tangent));
  struct values {
    decltype(make_dual(l.softplus, l.sigmoid* x.tangent)) softplus;
    decltype(make_dual(l.softplus_negated, -(l.sigmoid_negated* x.tangent))) softplus_negated;
    decltype(make_dual(l.sigmoid, d1)) sigmoid;
    decltype(make_dual(l.sigmoid_negated, -d1)) sigmoid_negated;
  };
  return values{softplus, softplus_negated, sigmoid, sigmoid_negated};
}

}  // namespace detail

// log(1 + e^x) and log(1 + e^-x) as .positive and .negative.
template <class T, class D>
FASTLOSS_FN auto softplus2(dual<T, D> x) {
  const auto l = detail::logistic(x);
  return signed_pair<decltype(l.softplus), decltype(l.softplus_negated)>{l.softplus, l.softplus_negated};
}

template <class T, class D>
FASTLOSS_FN auto sigmoid(dual<T, D> x) {
  return detail::logistic(x).sigmoid;
}

namespace detail {

// 1 / cosh(x)^2, the derivative of tanh: 1 - tanh(x)^2 without its cancellation.
template <class S, int W>
FASTLOSS_FN pack<S, W> sech_squared(pack<S, W> x) {
  using P = pack<S, W>;
  const P half = negative_abs(x);
  const P e = exp_nonpositive(half + half);
  const P root = P(1) / (e + 1);
  return P(4) * e * root * root;
}
template <class T, class D>
FASTLOSS_FN auto sech_squared(dual<T, D> x) {
  const auto d1 = sech_squared(x.value);
  return make_dual(d1, (-2 * tanh(x.value)) * d1 * x.tangent);
}

template <class T, class D>
FASTLOSS_FN auto exp_minus_square(dual<T, D> x) {
  const auto e = exp_minus_square(x.value);
  return make_dual(e, mul0(e, -2 * x.value) * x.tangent);
}

// y^2 / h^3 for h = hypot(x, y), the second derivative of h in x; 0 at the origin.
template <class P>
FASTLOSS_FN P hypot_d2(P x, P y) {
  const P a = abs(x);
  const P b = abs(y);
  const P greater = max(a, b);
  const P ratio = min(a, b) / greater;
  const P square = P(1) / fma(ratio, ratio, P(1));
  const P fraction = select(a <= b, P(1), ratio);
  const P d2 = select(greater == 0, P(0), ((fraction * (square * sqrt(square))) / greater) * fraction);
  return select(unordered(x, y), x + y, d2);  // the greater of a number and NaN is either
}

// x / h for h = hypot(x, y): 0 at the origin, the sign of x where x is infinite. Differentiating the quotient would cancel.
template <class X, class Y, class H>
FASTLOSS_FN auto direction(X x, Y y, H h) {
  if constexpr (is_dual<H>) {
    static_assert(depth<H> == 1, "there is no third derivative here");
    using P = typename pack_of<H>::type;
    const P along = as_pack<P>(value_at<1>(x));
    const P across = as_pack<P>(value_at<1>(y));
    const P mixed = select(h.value == 0, P(0), (direction(along, across, h.value) * direction(across, along, h.value)) / h.value);
    return make_dual(direction(along, across, h.value), hypot_d2(along, across) * tangent_at<1>(x) - mixed * tangent_at<1>(y));
  } else {
    const H value = as_pack<H>(x);
    const auto infinite = abs(value) == H(ieee<typename H::scalar>::infinity);
    return select(infinite, copysign(H(1), value), select(h == 0, zero_t{}, value / h));
  }
}

}  // namespace detail

template <class T, class D>
FASTLOSS_FN auto tanh(dual<T, D> x) {
  return detail::make_dual(tanh(x.value), detail::sech_squared(x.value) * x.tangent);
}

namespace detail {

struct log_cosh_of {
  template <class P>
  FASTLOSS_FN auto operator()(P x) const {
    const auto v = log_cosh_and_derivatives(x);
    return value_and_derivatives<P, P, P>{v.log_cosh, v.tanh, v.sech_squared};
  }
};

}  // namespace detail

template <class T, class D>
FASTLOSS_FN auto log_cosh(dual<T, D> x) {
  return detail::derivatives_of(detail::log_cosh_of{}, x).value;
}

template <class T, class D>
FASTLOSS_FN auto sqrt1pm1(dual<T, D> x) {
  const auto r = sqrt1pm1(x.value);
  return detail::make_dual(r, (0.5 * x.tangent) / (1 + r));
}

template <class T, class D>
FASTLOSS_FN auto atan(dual<T, D> x) {
  // 1 / (1 + x^2) in a form whose square does not overflow where x is large.
  const auto inverse = 1 / x.value;
  const auto d1 = select(abs(x.value) > 1, inverse / (x.value + inverse), 1 / (1 + x.value * x.value));
  return detail::make_dual(atan(x.value), d1 * x.tangent);
}

template <class T, class D>
FASTLOSS_FN auto erf(dual<T, D> x) {
  return detail::make_dual(erf(x.value), (1.1283791670955126 * detail::exp_minus_square(x.value)) * x.tangent);
}

template <class T, class D>
FASTLOSS_FN auto log_i0(dual<T, D> x) {
  return detail::make_dual(log_i0(x.value), bessel_ratio(x.value) * x.tangent);
}

template <class T, class D>
FASTLOSS_FN auto digamma(dual<T, D> x) {
  return detail::make_dual(digamma(x.value), trigamma(x.value) * x.tangent);
}

template <class T, class D>
FASTLOSS_FN auto lgamma(dual<T, D> x) {
  return detail::make_dual(lgamma(x.value), digamma(x.value) * x.tangent);
}

// ---- functions of two operands, either of which may be a number ---------------------------------------------------------

#define FASTLOSS_WITH_NUMBER(NAME)                                                                       \
  template <class A, class B>                                                                            \
    requires((is_pack<A> && (is_number<B> || is_tag<B>)) || (is_pack<B> && (is_number<A> || is_tag<A>))) \
  FASTLOSS_FN auto NAME(A a, B b) {                                                                      \
    using P = detail::common_pack<A, B>;                                                                 \
    return NAME(detail::as_pack<P>(a), detail::as_pack<P>(b));                                           \
  }
FASTLOSS_WITH_NUMBER(hypot)
FASTLOSS_WITH_NUMBER(pow)
FASTLOSS_WITH_NUMBER(xlogy)
FASTLOSS_WITH_NUMBER(lgamma_ratio)
FASTLOSS_WITH_NUMBER(digamma_ratio)
#undef FASTLOSS_WITH_NUMBER

// The derivative at the origin is 0.
template <class A, class B>
  requires(is_dual<A> || is_dual<B>)
FASTLOSS_FN auto hypot(A a, B b) {
  constexpr int n = detail::common_depth<A, B>;
  const auto x = detail::value_at<n>(a);
  const auto y = detail::value_at<n>(b);
  const auto h = hypot(x, y);
  return detail::make_dual(h,
                           detail::direction(x, y, h) * detail::tangent_at<n>(a) + detail::direction(y, x, h) * detail::tangent_at<n>(b));
}

// x to the power p.
template <class A, class B>
  requires(is_dual<A> || is_dual<B>)
FASTLOSS_FN auto pow(A x, B p) {
  constexpr int n = detail::common_depth<A, B>;
  const auto base = detail::value_at<n>(x);
  const auto exponent = detail::value_at<n>(p);
  const auto power = pow(base, exponent);
  using P = detail::common_pack<A, B>;
  return detail::make_dual(power, mul0(exponent, pow(base, exponent - 1)) * detail::tangent_at<n>(x) +
                                      mul0(power, log(detail::lift<P>(base))) * detail::tangent_at<n>(p));
}

// x log y, and 0 where x is 0. The derivative in x is log y there too, which is -inf at y = 0; in y it is 0 at x = 0.
template <class A, class B>
  requires(is_dual<A> || is_dual<B>)
FASTLOSS_FN auto xlogy(A a, B b) {
  constexpr int n = detail::common_depth<A, B>;
  const auto x = detail::value_at<n>(a);
  const auto y = detail::value_at<n>(b);
  using P = detail::common_pack<A, B>;
  return detail::make_dual(xlogy(x, y), log(detail::lift<P>(y)) * detail::tangent_at<n>(a) +
                                            select(detail::lift<P>(x) == 0, zero_t{}, x / y) * detail::tangent_at<n>(b));
}

// lgamma(x + n) - lgamma(x) for x > 0, x + n > 0.
template <class A, class B>
  requires(is_dual<A> || is_dual<B>)
FASTLOSS_FN auto lgamma_ratio(A a, B b) {
  constexpr int n = detail::common_depth<A, B>;
  const auto x = detail::value_at<n>(a);
  const auto count = detail::value_at<n>(b);
  return detail::make_dual(lgamma_ratio(x, count),
                           digamma_ratio(x, count) * detail::tangent_at<n>(a) + digamma(x + count) * detail::tangent_at<n>(b));
}

// digamma(x + n) - digamma(x) for x > 0, x + n > 0.
template <class A, class B>
  requires(is_dual<A> || is_dual<B>)
FASTLOSS_FN auto digamma_ratio(A a, B b) {
  constexpr int n = detail::common_depth<A, B>;
  const auto x = detail::value_at<n>(a);
  const auto count = detail::value_at<n>(b);
  using P = detail::common_pack<A, B>;
  const auto upper = trigamma(x + count);
  return detail::make_dual(digamma_ratio(x, count),
                           (upper - trigamma(detail::lift<P>(x))) * detail::tangent_at<n>(a) + upper * detail::tangent_at<n>(b));
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// What loss formulas are written with. Each primitive works on packs and on duals of any depth, and carries its own
// derivative: exact at 0, -0.0 and infinities, where a composition of simpler functions would not be.
#pragma once

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
FASTLOSS_FN auto clamp_below(X x, L lower) {
  if constexpr (is_dual<X>)
    return detail::make_dual(clamp_below(x.value, lower), x.tangent);
  else
    return select(x < lower, lower, x);
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
    const auto slope = (0.5 * x.tangent) / root;
    if constexpr (is_one<D>)
      return detail::make_dual(root, slope);
    else
      return detail::make_dual(root, select((x.value == 0) & (detail::as_pack<typename detail::pack_of<T>::type>(
                                                                 detail::innermost(x.tangent)) == 0),
                                            zero_t{}, slope));
  }
}

template <class T, class D>
FASTLOSS_FN auto exp(dual<T, D> x) {
  const auto e = exp(x.value);
  return detail::make_dual(e, e * x.tangent);
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
  const auto slope = (l.sigmoid * l.sigmoid_negated) * x.tangent;
  const auto sigmoid = make_dual(l.sigmoid, slope);
  const auto sigmoid_negated = make_dual(l.sigmoid_negated, -slope);
  const auto softplus = make_dual(l.softplus, l.sigmoid * x.tangent);
  const auto softplus_negated = make_dual(l.softplus_negated, -(l.sigmoid_negated * x.tangent));
  struct values {
    decltype(make_dual(l.softplus, l.sigmoid * x.tangent)) softplus;
    decltype(make_dual(l.softplus_negated, -(l.sigmoid_negated * x.tangent))) softplus_negated;
    decltype(make_dual(l.sigmoid, slope)) sigmoid;
    decltype(make_dual(l.sigmoid_negated, -slope)) sigmoid_negated;
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

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Errors relative to the size of the target, each with its derivatives in closed form: composed of abs and quotients they
// would be 0 * inf at infinite operands, and differences of equal numbers elsewhere.
#pragma once

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/validity.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// Both halved where their sum or difference would overflow; quotients of the same degree in both do not notice.
template <class P>
struct halved_pair {
  P x, t, factor;
};
template <class P>
FASTLOSS_FN halved_pair<P> halve_huge(P x, P t) {
  constexpr double huge = is_float<typename P::scalar> ? 0x1p126 : 0x1p1022;
  const P factor = select(max(abs(x), abs(t)) > P(huge), P(0.5), P(1));
  return {x * factor, t * factor, factor};
}

// |x - t| / max(|t|, eps).
template <class P>
struct relative_error_of {
  P target;
  double eps;

  // A finite input is off by all of an infinite target: the limit 1, with derivative 0.
  FASTLOSS_FN auto operator()(P x) const {
    const P floor = P(held_by<typename P::scalar>(eps));
    const auto h = halve_huge(x, target);
    const P d = max(floor, abs(target));
    const P r = h.x - h.t;
    const auto limit = is_infinite(target) & !is_infinite(x);
    const P value = select(limit, P(1), abs(r) / (d * h.factor));
    const P d1 = select(value == value, sign(r) / d, value);
    return value_and_derivatives<P, P, zero_t>{value, d1, {}};
  }

  // Beyond eps |x / t - 1| depends on t through x / t alone.
  FASTLOSS_FN P in_target(P x) const {
    const P floor = P(held_by<typename P::scalar>(eps));
    const auto h = halve_huge(x, target);
    const P side = sign(h.x - h.t);
    const P size = abs(target);
    const P value = (*this)(x).value;
    return select(value == value, -side * select(size > floor, (x / target) / size, P(1) / floor), value);
  }
};

// |x - t| / max(|x| + |t|, eps), and 0 where that is 0 / 0.
template <class P>
struct symmetric_relative_error_of {
  P target;
  double eps;

  // Where only one side of the quotient is infinite, or both are with opposite signs, the limit is 1 with derivative 0.
  FASTLOSS_FN auto operator()(P x) const {
    const auto h = halve_huge(x, target);
    const P sum = abs(h.x) + abs(h.t);
    const P r = h.x - h.t;
    const auto infinite = is_infinite(sum);
    const auto nothing = r == P(0);
    const auto within = sum > P(eps);
    const P d = select(within, sum, P(eps));
    const P value = select(infinite, abs(sign(r)), select(nothing, P(0), abs(r) / d));
    // Of |x| + |t| and |x - t| only one side of the sum is left in the numerator: 2 |t| for equal signs, 0 for opposite ones.
    const P part = h.t / sum;
    const P side = sign(r);
    const P signed_part = abs(part) + sign(x) * part;
    const P beyond = ((side * signed_part) / sum) * h.factor;
    const P flat = side * P(0);
    const P d1 = select(infinite, flat, select(nothing, P(0), select(within, beyond, side / d)));
    const P d2 = select(within & !infinite & !nothing, (mul0(P(-2) * sign(x), beyond) / sum) * h.factor, flat);
    return value_and_derivatives<P, P, P>{value, d1, d2};
  }
};

// (log(1 + x) - log(1 + t))^2, in which the difference is one logarithm: that of (1 + x) / (1 + t), or of its inverse,
// whichever exceeds 1.
template <class P>
struct squared_logarithmic_error_of {
  P target;

  FASTLOSS_FN P difference(P x) const {
    using S = typename P::scalar;
    const auto above = x >= target;
    const P larger = select(above, x, target);
    const P smaller = select(above, target, x);
    const P ratio = (larger - smaller) / (smaller + 1);
    P d = log1p(ratio);
    const auto far = ratio == P(ieee<S>::infinity);
    if (any(far)) d = select(far, log1p(larger) - log1p(smaller), d);
    d = select(above, d, -d);
    return select(smaller < P(-1), P(ieee<S>::nan), d);
  }

  // At infinity the logarithm grows without bound and its derivative wins: 0.
  FASTLOSS_FN static P over_argument(P numerator, P x) {
    return select(is_infinite(x) & (numerator == numerator), P(0), numerator / (x + 1));
  }

  FASTLOSS_FN auto operator()(P x) const {
    const P d = difference(x);
    const P d2 = over_argument(over_argument(P(2) - (d + d), x), x);
    return value_and_derivatives<P, P, P>{d * d, over_argument(d + d, x), d2};
  }

  FASTLOSS_FN P in_target(P x) const {
    const P d = difference(x);
    return over_argument(-(d + d), target);
  }
};

}  // namespace detail

template <class X, class T>
FASTLOSS_FN auto relative_error(X input, T target, double eps) {
  using P = detail::common_pack<X, T>;
  if constexpr (is_dual<T>) {
    const detail::relative_error_of<P> f{target.value, eps};
    return detail::make_dual(f(input).value, f.in_target(input) * target.tangent);
  } else {
    return detail::derivatives_of(detail::relative_error_of<P>{target, eps}, input).value;
  }
}

template <class X, class T>
FASTLOSS_FN auto symmetric_relative_error(X input, T target, double eps) {
  using P = detail::common_pack<X, T>;
  // The formula does not change when its operands are exchanged.
  if constexpr (is_dual<T>) return detail::derivatives_of(detail::symmetric_relative_error_of<P>{input, eps}, target).value;
  else return detail::derivatives_of(detail::symmetric_relative_error_of<P>{target, eps}, input).value;
}

template <class X, class T>
FASTLOSS_FN auto squared_logarithmic_error(X input, T target) {
  using P = detail::common_pack<X, T>;
  if constexpr (is_dual<T>) {
    const detail::squared_logarithmic_error_of<P> f{target.value};
    return detail::make_dual(f(input).value, f.in_target(input) * target.tangent);
  } else {
    return detail::derivatives_of(detail::squared_logarithmic_error_of<P>{target}, input).value;
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

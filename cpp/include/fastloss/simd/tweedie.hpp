// The deviance of a Tweedie distribution, of which the variance is the mean to the power p: with m for the mean,
//   l = m^a / a - t m^b / b,  a = 2 - p,  b = 1 - p,
// and with the constant that makes it zero where m = t (half the deviance of the literature), G(a) - t G(b) for
//   G(c) = (m^c - t^c) / c,  which is log(m / t) where c is 0.
// The powers 0, 1 and 2 are the normal, Poisson and gamma distributions; where a formula of their own is better, the loss
// chooses that.
#pragma once

#include "fastloss/simd/quotients.hpp"
#include "fastloss/simd/scaled_exp.hpp"
#include "fastloss/simd/validity.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// a and b of a power as the computation sees it.
struct tweedie_powers {
  double power, a, b;

  template <class S>
  static FASTLOSS_FN tweedie_powers of(double power) {
    const double p = static_cast<double>(static_cast<S>(power));
    return {p, 2 - p, 1 - p};
  }
};

namespace detail {

// x - y for terms of which, where both are infinite, that of the larger power of a large mean is the larger, and that of
// the smaller power of a small mean.
template <class X, class Y, class M>
FASTLOSS_FN auto difference_of_powers(X x, Y y, M mean_is_large) {
  return select(is_infinite(innermost(x)) & is_infinite(innermost(y)), select(mean_is_large, x, -y), x - y);
}

// (m^c - t^c) / c divided by the larger of the two powers, for u = log(m / t): no exponential of it can overflow.
template <class P>
FASTLOSS_FN P scaled_power_difference(P u, double c) {
  if (c == 0) return u;
  const P magnitude = expm1(negative_abs(c * u)) * (-1 / __builtin_fabs(c));
  return copysign(magnitude, u);
}

// The larger of m^c and t^c, as an exponent.
template <class P>
FASTLOSS_FN P larger_exponent(P log_mean, P log_target, double c) {
  if (c == 0) return P(0);
  return max(c * log_mean, c * log_target);
}

// G(c).
template <class P>
FASTLOSS_FN P power_difference(P log_mean, P log_target, P u, double c) {
  return mul0(scaled_power_difference(u, c), exp(larger_exponent(log_mean, log_target, c)));
}

// log(m / t); infinite where t^c is not there, as if t were 0.
template <class P>
FASTLOSS_FN P log_ratio(P log_mean, P t, P log_target) {
  return select(t > 0, log_mean - log_target, P(ieee<typename P::scalar>::infinity));
}
template <class P>
FASTLOSS_FN P log_ratio(P mean, P t, P log_mean, P log_target) {
  const P shortfall = relative_excess(t, mean);
  return select(abs(shortfall) < 0.5, log1p(-shortfall), log_ratio(log_mean, t, log_target));
}

// m^b - t m^(b - 1), without a difference of two powers, and its derivative m^(-p) (b + p t / m).
template <class S, int W>
FASTLOSS_FN pack<S, W> tweedie_slope_in_mean(pack<S, W> mean, pack<S, W> t, tweedie_powers p) {
  // A mean of infinity would meet a factor of 0; without a target there is no other term.
  if (p.power <= 1) return select((t == 0) | is_infinite(mean), pow(mean, p.b), pow(mean, -p.power) * (mean - t));
  return mul0(relative_excess(mean, t), pow(mean, p.b));
}
template <class X, class D, class P>
FASTLOSS_FN auto tweedie_slope_in_mean(dual<X, D> mean, P t, tweedie_powers p) {
  static_assert(is_pack<X>, "there is no third derivative here");
  const P q = quotient0(t, mean.value);
  const P factor = p.b + p.power * q;
  const P of_target = p.power * (t * pow(mean.value, -p.power - 1));
  const P curvature = select(is_infinite(q), of_target, mul0(factor, pow(mean.value, -p.power)));
  return make_dual(tweedie_slope_in_mean(mean.value, t, p), curvature * mean.tangent);
}

// log t; -inf where there is no t^c to subtract.
template <class P>
FASTLOSS_FN P log_of_positive(P t) {
  return log(select(t > 0, t, P(0)));
}

// The deviance knows negative targets only where the mean's power may be any: below p = 1.
template <class P>
FASTLOSS_FN auto has_deviance(P t, tweedie_powers p) {
  return t >= (p.power < 1 ? -ieee<double>::infinity : 0.0);
}

template <class P>
FASTLOSS_FN P tweedie_deviance(P t, P log_mean, P log_target, P u, tweedie_powers p) {
  constexpr auto infinity = ieee<typename P::scalar>::infinity;
  const P first = power_difference(log_mean, log_target, u, p.a);
  const P change = scaled_power_difference(u, p.b);
  const P second = select((t == 0) | (change == 0), P(0), change * scaled_exp(t, larger_exponent(log_mean, log_target, p.b)));
  return select(is_infinite(first) | is_infinite(second), P(infinity), first - second);
}

}  // namespace detail

// With m = e^x.
template <bool Deviance, class X, class T>
FASTLOSS_FN auto tweedie_of_log_mean(X x, T target, tweedie_powers p) {
  if constexpr (is_dual<T>) {
    const auto value = tweedie_of_log_mean<Deviance>(x, target.value, p);
    if constexpr (Deviance) {
      const auto t = target.value;
      const auto log_t = detail::log_of_positive(t);
      const auto slope = -detail::power_difference(x, log_t, detail::log_ratio(x, t, log_t), p.b);
      return detail::make_dual(value, nan_unless(detail::has_deviance(t, p), slope) * target.tangent);
    } else {
      return detail::make_dual(value, (exp(p.b * x) * (-1 / p.b)) * target.tangent);
    }
  } else if constexpr (is_dual<X>) {
    const auto value = tweedie_of_log_mean<Deviance>(x.value, target, p);
    const auto slope =
        detail::difference_of_powers(exp(mul0(p.a, x.value)), scaled_exp(target, mul0(p.b, x.value)), detail::innermost(x) > 0);
    if constexpr (Deviance) return detail::make_dual(value, nan_unless(detail::has_deviance(target, p), slope * x.tangent));
    else return detail::make_dual(value, slope * x.tangent);
  } else if constexpr (Deviance) {
    const auto log_t = detail::log_of_positive(target);
    return nan_unless(detail::has_deviance(target, p), detail::tweedie_deviance(target, x, log_t, detail::log_ratio(x, target, log_t), p));
  } else {
    return detail::difference_of_powers(exp(mul0(p.a, x)) * (1 / p.a), scaled_exp(target, mul0(p.b, x)) * (1 / p.b), x > 0);
  }
}

// With m = x; NaN for a negative mean.
template <bool Deviance, class X, class T>
FASTLOSS_FN auto tweedie_of_mean(X input, T target, tweedie_powers p) {
  const auto x = input + 0.0;  // of two zeros the positive one
  auto valid = detail::innermost(x) >= (p.power == 0 ? -detail::ieee<double>::infinity : 0.0);
  if constexpr (Deviance) valid = valid & detail::has_deviance(detail::innermost(target), p);
  if constexpr (is_dual<T>) {
    const auto value = tweedie_of_mean<Deviance>(x, target.value, p);
    if constexpr (Deviance) {
      const auto t = target.value;
      const auto log_t = detail::log_of_positive(t);
      const auto log_mean = log(x);
      const auto slope = -detail::power_difference(log_mean, log_t, detail::log_ratio(x, t, log_mean, log_t), p.b);
      return detail::make_dual(value, nan_unless(valid, slope * target.tangent));
    } else {
      return detail::make_dual(value, nan_unless(valid, (pow(x, p.b) * (-1 / p.b)) * target.tangent));
    }
  } else if constexpr (is_dual<X>) {
    const auto value = tweedie_of_mean<Deviance>(x.value, target, p);
    return detail::make_dual(value, nan_unless(valid, detail::tweedie_slope_in_mean(x.value, target, p) * x.tangent));
  } else if constexpr (Deviance) {
    const auto log_t = detail::log_of_positive(target);
    const auto log_mean = log(x);
    return nan_unless(valid, detail::tweedie_deviance(target, log_mean, log_t, detail::log_ratio(x, target, log_mean, log_t), p));
  } else {
    return nan_unless(valid, detail::difference_of_powers(pow(x, p.a) * (1 / p.a), mul0(target, pow(x, p.b)) * (1 / p.b), x > 1));
  }
}

// Power 0: (m - t)^2 / 2, without t^2 / 2 unless it is to be zero at the optimum.
template <bool Deviance, class M, class T>
FASTLOSS_FN auto half_squared_error(M mean, T target) {
  const auto d = mean - target;
  if constexpr (Deviance) return (0.5 * d) * d;
  else return mean * (0.5 * mean - target);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

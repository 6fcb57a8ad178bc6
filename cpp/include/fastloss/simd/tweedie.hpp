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

// factor m^c: by the root of the power, where that alone leaves the range of the dtype.
template <class P>
FASTLOSS_FN P scaled_power(P factor, P mean, double c) {
  const P power = pow(mean, P(c));
  const P result = mul0(factor, power);
  const auto out_of_range = is_infinite(power) | (power < P(ieee<typename P::scalar>::smallest_normal));
  const auto lost = out_of_range & (mean > 0) & !is_infinite(mean);
  if (!any(lost)) return result;
  const P root = pow(mean, P(0.5 * c));
  return select(lost, mul0(mul0(factor, root), root), result);
}

// The mean of a deviance, m = e^x or m = x: log(m / t), infinite where t^c is not there, as if t were 0; and factor times
// the larger of m^c and t^c, which as exp(c log t) would have as many digits less as c log t has before the point.
template <class P>
struct log_mean_of_deviance {
  P log_mean, t;

  FASTLOSS_FN P log_ratio() const { return select(t > 0, log_mean - log(abs(t)), P(ieee<typename P::scalar>::infinity)); }
  FASTLOSS_FN P larger_power(P factor, P u, double c) const {
    const P of_mean = scaled_exp(factor, mul0(c, log_mean));
    const auto target_is_larger = c < 0 ? u > 0 : u < 0;
    if (c == 0 || !any(target_is_larger)) return of_mean;
    return select(target_is_larger, scaled_power(factor, select(t > 0, t, P(0)), c), of_mean);
  }
};
template <class P>
struct mean_of_deviance {
  P mean, t;

  FASTLOSS_FN P log_ratio() const {
    const P shortfall = relative_excess(t, mean);
    const P q = mean / t;
    P far = log(q);
    const auto lost = is_infinite(q) | (q < P(ieee<typename P::scalar>::smallest_normal));
    if (any(lost)) far = select(lost, log(mean) - log(abs(t)), far);
    return select(t > 0, select(abs(shortfall) < 0.5, log1p(-shortfall), far), P(ieee<typename P::scalar>::infinity));
  }
  FASTLOSS_FN P larger_power(P factor, P u, double c) const {
    const auto target_is_larger = c < 0 ? u > 0 : u < 0;
    return c == 0 ? factor : scaled_power(factor, select(target_is_larger, select(t > 0, t, P(0)), mean), c);
  }
};

// factor G(c).
template <class M, class P>
FASTLOSS_FN P power_difference(M mean, P factor, P u, double c) {
  const P difference = scaled_power_difference(u, c);
  return select((factor == 0) | (difference == 0), P(0), difference * mean.larger_power(factor, u, c));
}

// m^b - t m^(b - 1), without a difference of two powers, and its derivative m^(-p) (b + p t / m).
template <class S, int W>
FASTLOSS_FN pack<S, W> tweedie_d1_in_mean(pack<S, W> mean, pack<S, W> t, tweedie_powers p) {
  using P = pack<S, W>;
  // A mean of infinity would meet a factor of 0; without a target there is no other term.
  if (p.power <= 1) return select((t == 0) | is_infinite(mean), pow(mean, P(p.b)), scaled_power(mean - t, mean, -p.power));
  return scaled_power(relative_excess(mean, t), mean, p.b);
}
template <class X, class D, class P>
FASTLOSS_FN auto tweedie_d1_in_mean(dual<X, D> mean, P t, tweedie_powers p) {
  static_assert(is_pack<X>, "there is no third derivative here");
  const P q = quotient0(t, mean.value);
  const P factor = p.b + p.power * q;
  const P of_target = p.power * scaled_power(t, mean.value, -p.power - 1);
  const P d2 = select(is_infinite(q), of_target, scaled_power(factor, mean.value, -p.power));
  return make_dual(tweedie_d1_in_mean(mean.value, t, p), d2 * mean.tangent);
}

// The deviance knows negative targets only where the mean's power may be any: below p = 1.
template <class P>
FASTLOSS_FN auto has_deviance(P t, tweedie_powers p) {
  return t >= (p.power < 1 ? -ieee<double>::infinity : 0.0);
}

template <class M, class P>
FASTLOSS_FN P tweedie_deviance(M mean, P t, tweedie_powers p) {
  constexpr auto infinity = ieee<typename P::scalar>::infinity;
  const P u = mean.log_ratio();
  const P first = power_difference(mean, P(1), u, p.a);
  const P second = power_difference(mean, t, u, p.b);
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
      const detail::log_mean_of_deviance<X> mean{x, t};
      const auto d1 = -detail::power_difference(mean, X(1), mean.log_ratio(), p.b);
      return detail::make_dual(value, nan_unless(detail::has_deviance(t, p), d1) * target.tangent);
    } else {
      return detail::make_dual(value, scaled_exp(-1 / p.b, p.b * x) * target.tangent);
    }
  } else if constexpr (is_dual<X>) {
    const auto value = tweedie_of_log_mean<Deviance>(x.value, target, p);
    const auto d1 = detail::difference_of_powers(exp(mul0(p.a, x.value)), scaled_exp(target, mul0(p.b, x.value)), detail::innermost(x) > 0);
    if constexpr (Deviance) return detail::make_dual(value, nan_unless(detail::has_deviance(target, p), d1 * x.tangent));
    else return detail::make_dual(value, d1 * x.tangent);
  } else if constexpr (Deviance) {
    using P = detail::common_pack<X, T>;
    const detail::log_mean_of_deviance<P> mean{x, target};
    return nan_unless(detail::has_deviance(target, p), detail::tweedie_deviance(mean, P(target), p));
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
      using P = std::remove_const_t<decltype(x)>;
      const detail::mean_of_deviance<P> mean{x, t};
      const auto d1 = -detail::power_difference(mean, P(1), mean.log_ratio(), p.b);
      return detail::make_dual(value, nan_unless(valid, d1 * target.tangent));
    } else {
      using P = std::remove_const_t<decltype(x)>;
      return detail::make_dual(value, nan_unless(valid, detail::scaled_power(P(-1 / p.b), x, p.b) * target.tangent));
    }
  } else if constexpr (is_dual<X>) {
    const auto value = tweedie_of_mean<Deviance>(x.value, target, p);
    return detail::make_dual(value, nan_unless(valid, detail::tweedie_d1_in_mean(x.value, target, p) * x.tangent));
  } else if constexpr (Deviance) {
    using P = std::remove_const_t<decltype(x)>;
    const detail::mean_of_deviance<P> mean{x, target};
    return nan_unless(valid, detail::tweedie_deviance(mean, P(target), p));
  } else {
    using P = std::remove_const_t<decltype(x)>;
    const P second = detail::scaled_power(P(target), x, p.b) * (1 / p.b);
    return nan_unless(valid, detail::difference_of_powers(pow(x, P(p.a)) * (1 / p.a), second, x > 1));
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

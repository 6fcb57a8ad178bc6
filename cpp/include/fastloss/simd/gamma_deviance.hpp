// The negative log-likelihood of a gamma distribution by its mean, and the deviance, which is zero where mean and target
// agree. q is the target over the mean.
#pragma once

#include "fastloss/simd/quotients.hpp"
#include "fastloss/simd/scaled_exp.hpp"
#include "fastloss/simd/validity.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// q - 1 - log(q), with log(q) = log_target - log_mean where q is far from 1. q - 1 is given: it may be known better.
template <class P>
FASTLOSS_FN P excess_over_log(P q, P above_one, P log_mean, P log_target) {
  const P near = above_one - log1p(above_one);
  const P far = (log_mean - log_target) + above_one;
  const P value = select(abs(above_one) < 0.5, near, far);
  // Without the log of zero and infinity, which would meet each other.
  const auto infinite = (q == P(ieee<typename P::scalar>::infinity)) | (log_target == P(-ieee<typename P::scalar>::infinity));
  return select(infinite, P(ieee<typename P::scalar>::infinity), value);
}

// The derivative (1 - q) / m in the mean, and its own, (2 q - 1) / m^2.
template <class S, int W>
FASTLOSS_FN pack<S, W> gamma_d1_in_mean(pack<S, W> mean, pack<S, W> t) {
  return relative_excess(mean, t) / mean;
}
template <class X, class D, class P>
FASTLOSS_FN auto gamma_d1_in_mean(dual<X, D> mean, P t) {
  static_assert(is_pack<X>, "there is no third derivative here");
  const P q = quotient0(t, mean.value);
  return make_dual(gamma_d1_in_mean(mean.value, t), ((q + q - 1) / mean.value / mean.value) * mean.tangent);
}

}  // namespace detail

// x + t e^-x; with the deviance's constant, t e^-x - 1 - log(t e^-x).
template <bool Deviance, class X, class T>
FASTLOSS_FN auto gamma_of_log_mean(X x, T target) {
  if constexpr (is_dual<X> || is_dual<T>) {
    constexpr int n = detail::common_depth<X, T>;
    const auto log_mean = detail::value_at<n>(x);
    const auto t = detail::value_at<n>(target);
    const auto value = gamma_of_log_mean<Deviance>(log_mean, t);
    const auto q = scaled_exp(t, -log_mean);
    if constexpr (!is_dual<T>) {
      const auto d1 = 1 - q;
      if constexpr (Deviance) return detail::make_dual(value, nan_unless(detail::innermost(t) >= 0, d1 * detail::tangent_at<n>(x)));
      else return detail::make_dual(value, d1 * detail::tangent_at<n>(x));
    } else if constexpr (Deviance) {
      // Where q has no place in the dtype, its quotient with t, e^-x, may have one.
      const auto d1 = select(detail::is_infinite(q), exp(-log_mean), (q - 1) / t);
      return detail::make_dual(value, nan_unless(t >= 0, d1 * detail::tangent_at<n>(target)));
    } else {
      return detail::make_dual(value, exp(-log_mean) * detail::tangent_at<n>(target));
    }
  } else {
    using P = detail::common_pack<X, T>;
    const P q = scaled_exp(target, -x);
    if constexpr (Deviance) return detail::excess_over_log(q, q - 1, x, log(target));
    else return select(q == P(detail::ieee<typename P::scalar>::infinity), q, x + q);
  }
}

// log(x) + t / x; with the deviance's constant, t / x - 1 - log(t / x). NaN for a negative mean.
template <bool Deviance, class X, class T>
FASTLOSS_FN auto gamma_of_mean(X x, T target) {
  auto valid = detail::innermost(x) >= 0;
  if constexpr (Deviance) valid = valid & (detail::innermost(target) >= 0);
  if constexpr (is_dual<X> || is_dual<T>) {
    constexpr int n = detail::common_depth<X, T>;
    const auto mean = detail::value_at<n>(x) + 0.0;  // of two zeros the positive one
    const auto t = detail::value_at<n>(target);
    const auto value = gamma_of_mean<Deviance>(mean, t);
    if constexpr (!is_dual<T>)
      return detail::make_dual(value, nan_unless(valid, detail::gamma_d1_in_mean(mean, t) * detail::tangent_at<n>(x)));
    else if constexpr (Deviance) {
      const auto excess = relative_excess(mean, t);
      const auto d1 = select(detail::is_infinite(excess), 1 / mean, -excess / t);
      return detail::make_dual(value, nan_unless(valid, d1 * detail::tangent_at<n>(target)));
    } else return detail::make_dual(value, nan_unless(valid, 1 / mean * detail::tangent_at<n>(target)));
  } else {
    using P = detail::common_pack<X, T>;
    const P mean = x + 0.0;
    const P q = quotient0(target, mean);
    const P log_mean = log(mean);
    if constexpr (Deviance) return nan_unless(valid, detail::excess_over_log(q, -relative_excess(mean, target), log_mean, log(target)));
    else return nan_unless(valid, select(q == P(detail::ieee<typename P::scalar>::infinity), q, log_mean + q));
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

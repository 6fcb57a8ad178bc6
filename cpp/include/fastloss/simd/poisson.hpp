// The negative log-likelihood of a Poisson distribution, from the rate or from its logarithm.
#pragma once

#include "fastloss/simd/log_factorial.hpp"
#include "fastloss/simd/quotients.hpp"
#include "fastloss/simd/validity.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// rate - t log_rate + log t!, where an infinite rate wins over the product.
template <class Constant, class P, class T>
FASTLOSS_FN P poisson_value(P rate, P log_rate, T target) {
  const P t = as_pack<P>(target);
  const P value = (rate - mul0(t, log_rate - Constant::shift(t))) + Constant::rest(t);
  return select(rate == P(ieee<typename P::scalar>::infinity), rate, value);
}

}  // namespace detail

// e^x - t x + log t!
template <class Constant, class X, class T>
FASTLOSS_FN auto poisson_of_log_rate(X x, T target) {
  if constexpr (is_dual<X> || is_dual<T>) {
    constexpr int n = detail::common_depth<X, T>;
    const auto log_rate = detail::value_at<n>(x);
    const auto t = detail::value_at<n>(target);
    const auto value = poisson_of_log_rate<Constant>(log_rate, t);
    if constexpr (is_dual<T>) return detail::make_dual(value, (Constant::d1(t) - log_rate) * detail::tangent_at<n>(target));
    else return detail::make_dual(value, (exp(log_rate) - t) * detail::tangent_at<n>(x));
  } else {
    return detail::poisson_value<Constant>(exp(x), x, target);
  }
}

// x - t log(x + eps) + log t!, NaN for a negative rate.
template <class Constant, class X, class T>
FASTLOSS_FN auto poisson_of_rate(X x, T target, double eps) {
  const auto valid = detail::innermost(x) >= 0;
  if constexpr (is_dual<X> || is_dual<T>) {
    constexpr int n = detail::common_depth<X, T>;
    const auto rate = detail::value_at<n>(x);
    const auto t = detail::value_at<n>(target);
    const auto value = poisson_of_rate<Constant>(rate, t, eps);
    if constexpr (is_dual<T>)
      return detail::make_dual(value, nan_unless(valid, (Constant::d1(t) - log(rate + eps)) * detail::tangent_at<n>(target)));
    else return detail::make_dual(value, nan_unless(valid, (1 - quotient0(t, rate + eps)) * detail::tangent_at<n>(x)));
  } else {
    return nan_unless(valid, detail::poisson_value<Constant>(x, log(x + eps), target));
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

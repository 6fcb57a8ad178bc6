// The part of a likelihood of counts that does not depend on the prediction: the logarithm of t!, exactly or approximately.
#pragma once

#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

struct lgamma1p_function {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> x) const {
    return lgamma_function{}(x + 1);
  }
};

struct digamma1p_function {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> x) const {
    return digamma_function{}(x + 1);
  }
};

}  // namespace detail

// lgamma(1 + x), where 1 + x is formed in double.
template <class S, int W>
FASTLOSS_FN pack<S, W> lgamma1p(pack<S, W> x) {
  return detail::gamma_family(detail::lgamma1p_function{}, x);
}
template <class S, int W>
FASTLOSS_FN pack<S, W> digamma1p(pack<S, W> x) {
  return detail::gamma_family(detail::digamma1p_function{}, x);
}
template <class T, class D>
FASTLOSS_FN auto lgamma1p(dual<T, D> x) {
  return detail::make_dual(lgamma1p(x.value), digamma1p(x.value) * x.tangent);
}

// Three ways to count log t!, each written as t shift(t) + rest(t): t (log_rate - shift) cancels less than its parts do,
// and does not overflow where they do. The derivative is that of the whole.
struct without_log_factorial {
  template <class P>
  static FASTLOSS_FN zero_t shift(P) {
    return {};
  }
  template <class P>
  static FASTLOSS_FN zero_t rest(P) {
    return {};
  }
  template <class P>
  static FASTLOSS_FN zero_t d1(P) {
    return {};
  }
};

// Stirling's formula t log t - t + log(2 pi t) / 2 above 1, and 0 from there on down, as torch has it.
struct stirling_log_factorial {
  template <class P>
  static FASTLOSS_FN P shift(P t) {
    return select(t > 1, log(t) - 1, P(0));
  }
  template <class P>
  static FASTLOSS_FN P rest(P t) {
    return select(t > 1, 0.5 * log(t) + 0.91893853320467274178, P(0));
  }
  template <class P>
  static FASTLOSS_FN P d1(P t) {
    return select(t > 1, log(t) + 0.5 / t, P(0));
  }
};

struct exact_log_factorial {
  template <class P>
  static FASTLOSS_FN P shift(P t) {
    return select(t >= detail::gamma_asymptotic, log(t) - 1, P(0));
  }
  template <class P>
  static FASTLOSS_FN P rest(P t) {
    const auto large = t >= detail::gamma_asymptotic;
    const P series = 0.5 * log(t) + (0.91893853320467274178 + detail::stirling_rest(select(large, t, P(detail::gamma_asymptotic))));
    return select(large, series, lgamma1p(select(large, P(0), t)));
  }
  template <class P>
  static FASTLOSS_FN P d1(P t) {
    return digamma1p(t);
  }
};

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

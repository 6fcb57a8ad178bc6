// The negative log-likelihood of t successes in n trials, of which one succeeds with the probability sigmoid(z).
#pragma once

#include "fastloss/simd/log_factorial.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/scaled_exp.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

namespace detail {

// Of n trials those that the sign of z agrees with, and those that it does not. The former enter times e^-|z|, formed as one
// number: many trials of a tiny probability are not none.
template <class P>
struct binomial_point {
  P power, larger, right, wrong, right_scaled;

  FASTLOSS_FN binomial_point(P z, P t, P n) {
    power = exp_nonpositive(negative_abs(z));
    larger = P(1) / (power + 1);
    right = select(z < 0, n - t, t);
    wrong = select(z < 0, t, n - t);
    right_scaled = scaled_exp(right, negative_abs(z));
  }
};

// The derivative in z, n sigmoid(z) - t; its own derivative is n sigmoid(z) sigmoid(-z).
template <class S, int W>
FASTLOSS_FN pack<S, W> binomial_d1(pack<S, W> z, pack<S, W> t, pack<S, W> n) {
  const binomial_point<pack<S, W>> at(z, t, n);
  const auto d1 = (at.wrong - at.right_scaled) * at.larger;
  return select(z < 0, -d1, d1);
}
template <class X, class D, class P>
FASTLOSS_FN auto binomial_d1(dual<X, D> z, P t, P n) {
  static_assert(is_pack<X>, "there is no third derivative here");
  const P power = exp_nonpositive(negative_abs(z.value));
  const P larger = P(1) / (power + 1);
  return make_dual(binomial_d1(z.value, t, n), (scaled_exp(n, negative_abs(z.value)) * larger * larger) * z.tangent);
}

}  // namespace detail

// (n - t) softplus(z) + t softplus(-z): terms of one sign, so that small losses keep their digits.
template <class Z, class T, class N>
FASTLOSS_FN auto binomial_cross_entropy(Z z, T t, N n) {
  if constexpr (is_one<N>) {
    return binomial_cross_entropy(z, t, detail::as_pack<detail::common_pack<Z, T>>(n));
  } else if constexpr (is_dual<T>) {
    return detail::make_dual(binomial_cross_entropy(z, t.value, n), -z * t.tangent);
  } else if constexpr (is_dual<N>) {
    return detail::make_dual(binomial_cross_entropy(z, t, n.value), softplus2(z).positive * n.tangent);
  } else if constexpr (is_dual<Z>) {
    return detail::make_dual(binomial_cross_entropy(z.value, t, n), detail::binomial_d1(z.value, t, n) * z.tangent);
  } else {
    const detail::binomial_point<Z> at(z, t, n);
    const Z log_term = detail::log1p_unit(at.power);
    // log(1 + e) is e long before e underflows.
    const Z agreed = select(at.power < 0x1p-60, at.right_scaled, at.right * log_term);
    return mul0(at.wrong, abs(z) + log_term) + agreed;
  }
}

namespace detail {

// n - t + 1, added up so that neither a small n nor the 1 beside a large one is lost.
template <class P>
FASTLOSS_FN P failures_plus_one(P n, P t) {
  return select(n < 1, (1 - t) + n, (n - t) + 1);
}

struct minus_log_binomial_function {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> n, pack<double, W> t) const {
    return lgamma1p_function{}(t)-lgamma_ratio_function{}(failures_plus_one(n, t), t);
  }
};

// Its derivative in t, and in n.
struct minus_log_binomial_d1 {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> n, pack<double, W> t) const {
    return digamma1p_function{}(t)-digamma_function{}(failures_plus_one(n, t));
  }
};
struct minus_log_binomial_trials_d1 {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> n, pack<double, W> t) const {
    return -digamma_ratio_function{}(failures_plus_one(n, t), t);
  }
};

}  // namespace detail

// log(t! (n - t)! / n!)
template <class N, class T>
FASTLOSS_FN auto minus_log_binomial(N n, T t) {
  if constexpr (is_dual<N>) {
    return detail::make_dual(minus_log_binomial(n.value, t),
                             detail::gamma_family(detail::minus_log_binomial_trials_d1{}, n.value, t) * n.tangent);
  } else if constexpr (is_dual<T>) {
    const auto trials = detail::lift<decltype(t.value)>(n);
    return detail::make_dual(minus_log_binomial(trials, t.value),
                             detail::gamma_family(detail::minus_log_binomial_d1{}, trials, t.value) * t.tangent);
  } else {
    return detail::gamma_family(detail::minus_log_binomial_function{}, detail::lift<T>(n), t);
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

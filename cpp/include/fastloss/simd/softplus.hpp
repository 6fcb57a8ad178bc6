// The logistic family of packs. softplus and sigmoid of x and of -x come from one exponential, one division and one
// polynomial, which is why they are computed together; what a caller does not use costs nothing.
#pragma once

#include "fastloss/simd/exp.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// A function of x and the same function of -x.
template <class P, class N>
struct signed_pair {
  P positive;
  N negative;
};

namespace detail {

// log(1 + t) / t for t in [0, 1], 1 at 0. There is no singularity nearer than -1, so one polynomial does without a reduction.
template <class S, int W>
FASTLOSS_FN pack<S, W> log1p_quotient(pack<S, W> t) {
  if constexpr (is_float<S>)
    return polynomial(t, 1.0, -4.999993e-01, 3.3330464e-01, -2.495803e-01, 1.9692175e-01, -1.5345141e-01, 1.06616475e-01, -5.746308e-02,
                      2.0089721e-02, -3.2913175e-03);
  else
    return polynomial(t, 1.0, -0.499999999999999, 0.33333333333313436, -0.24999999998598327, 0.19999999949314484, -0.166666655561573,
                      0.14285698076106412, -0.12499832422775975, 0.11109830987884448, -0.09992548653340733, 0.09057087406765169,
                      -0.0821145869557564, 0.07338580339519181, -0.06305590489114368, 0.05031128385551514, -0.03578525523542839,
                      0.021725888554513073, -0.010752116990759645, 0.004112182591612957, -0.001130200769475169, 0.00019746085158071097,
                      -1.640507102226882e-05);
}

// log(1 + t) for t in [0, 1].
template <class S, int W>
FASTLOSS_FN pack<S, W> log1p_unit(pack<S, W> t) {
  return t * log1p_quotient(t);
}

template <class P>
struct logistic_values {
  P softplus, softplus_negated;  // log(1 + e^x), log(1 + e^-x)
  P sigmoid, sigmoid_negated;    // 1 / (1 + e^-x), 1 / (1 + e^x)
};

template <class S, int W>
FASTLOSS_FN logistic_values<pack<S, W>> logistic(pack<S, W> x) {
  using P = pack<S, W>;
  const P t = exp_nonpositive(negative_abs(x));
  const P larger = P(1) / (t + 1);
  const P smaller = t * larger;
  const P log_term = log1p_unit(t);
  const auto negative = x < P(0);
  return {max(x, P(0)) + log_term, max(-x, P(0)) + log_term, select(negative, smaller, larger), select(negative, larger, smaller)};
}

}  // namespace detail

template <class S, int W>
FASTLOSS_FN signed_pair<pack<S, W>, pack<S, W>> softplus2(pack<S, W> x) {
  const auto l = detail::logistic(x);
  return {l.softplus, l.softplus_negated};
}

template <class S, int W>
FASTLOSS_FN pack<S, W> sigmoid(pack<S, W> x) {
  using P = pack<S, W>;
  const P t = detail::exp_nonpositive(negative_abs(x));
  return select(x < P(0), t, P(1)) / (t + 1);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

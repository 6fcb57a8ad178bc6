// The asymmetric loss of a logit: -t (1 - p)^a log p - (1 - t) q^b log(1 - q), with q = max(p - clip, 0), and logarithms of
// numbers not below eps.
#pragma once

#include "fastloss/simd/logistic_terms.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

struct asymmetric_options {
  double gamma_neg, gamma_pos, clip, eps;
};

// x^y for the exponents that are in use; 0^0 = 1.
template <class P>
FASTLOSS_FN P power_by_products(P x, double y) {
  const P square = x * x;
  if (y == 4.0) return square * square;
  if (y == 1.0) return x;
  if (y == 2.0) return square;
  if (y == 0.0) return P(1);
  if (y == 3.0) return square * x;
  return power_of_unit(x, y);
}

// -(1 - p)^gamma log max(p, eps)
template <class P, class Terms>
FASTLOSS_FN auto asymmetric_positive(const Terms& l, const asymmetric_options& o) {
  const P p = l.probability(), rest = l.complement();
  const P exact = select(l.negative, l.size, P(0)) + l.log_term();
  const auto clamped = p < P(o.eps);
  const P loss = select(clamped, -log(P(o.eps)), exact);
  const P loss_d1 = select(clamped, P(0), -rest);
  const P loss_d2 = select(clamped, P(0), l.variance());
  const P weight = power_by_products(rest, o.gamma_pos);
  const P log_weight_fall = P(o.gamma_pos) * p;
  const P weight_d1 = -log_weight_fall * weight;
  return value_and_derivatives<P, P, P>{weight * loss, weight * loss_d1 + mul0(weight_d1, loss),
                                        weight * loss_d2 + P(2) * (weight_d1 * loss_d1) + mul0(weight_d1 * (rest - log_weight_fall), loss)};
}

// -log(1 - q) for q > 0, from q where it is small and from 1 - q where that is.
template <class P>
FASTLOSS_FN P minus_log_complement(P q, P complement) {
  const auto small = q <= P(0.5);
  const P u = select(small, 1 - q, complement);
  const P lost = select(small, (1 - u) - q, P(0));
  return -(log(u) + lost / u);
}

// -q^gamma log max(1 - q, eps) for q = max(p - clip, 0)
template <class P, class Terms>
FASTLOSS_FN auto asymmetric_negative(const Terms& l, const asymmetric_options& o) {
  const P p = l.probability(), rest = l.complement();
  const bool shifted = o.clip > 0.0;
  const P q = p - P(o.clip);
  const P complement = rest + P(o.clip);
  P exact, per_complement(1), lifted(0);  // (1 - p) / (1 - q), clip / (1 - q)
  if (shifted) {
    exact = minus_log_complement(q, complement);
    per_complement = rest / complement;
    lifted = P(o.clip) / complement;
  } else {
    exact = select(l.negative, P(0), l.size) + l.log_term();
  }
  const auto clamped = complement < P(o.eps);
  const P loss = select(clamped, -log(P(o.eps)), exact);
  const P exact_d1 = p * per_complement;
  const P loss_d1 = select(clamped, P(0), exact_d1);
  const P loss_d2 = select(clamped, P(0), exact_d1 * (rest - p * lifted));
  const P weight = power_by_products(q, o.gamma_neg);
  const P relative = shifted ? l.variance() / q : rest;
  const P weight_d1 = P(o.gamma_neg) * weight * relative;
  const P value = weight * loss;
  const P d1 = weight * loss_d1 + mul0(weight_d1, loss);
  const P d2 = weight * loss_d2 + P(2) * (weight_d1 * loss_d1) + mul0(weight_d1 * (P(o.gamma_neg - 1.0) * relative + (rest - p)), loss);
  const auto counts = q > P(0);
  return value_and_derivatives<P, P, P>{select(counts, value, P(0)), select(counts, d1, P(0)), select(counts, d2, P(0))};
}

template <class P>
struct asymmetric_of {
  P target;
  asymmetric_options options;

  FASTLOSS_FN auto operator()(P z) const {
    const logistic_terms l(z);
    const auto positive = asymmetric_positive<P>(l, options);
    const auto negative = asymmetric_negative<P>(l, options);
    const P rest = 1 - target;
    return value_and_derivatives<P, P, P>{mul0(target, positive.value) + mul0(rest, negative.value),
                                          target * positive.d1 + rest * negative.d1, target * positive.d2 + rest * negative.d2};
  }
};

}  // namespace detail

template <class Z, class T>
FASTLOSS_FN auto asymmetric_cross_entropy(Z z, T target, double gamma_neg, double gamma_pos, double clip, double eps) {
  using P = detail::common_pack<Z, T>;
  const detail::asymmetric_options options{gamma_neg, gamma_pos, clip, eps};
  if constexpr (is_dual<T>) {
    const detail::logistic_terms l(z);
    const P d1 = detail::asymmetric_positive<P>(l, options).value - detail::asymmetric_negative<P>(l, options).value;
    return detail::make_dual(asymmetric_cross_entropy(z, target.value, gamma_neg, gamma_pos, clip, eps), d1 * target.tangent);
  } else {
    return detail::derivatives_of(detail::asymmetric_of<P>{detail::as_pack<P>(target), options}, z).value;
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

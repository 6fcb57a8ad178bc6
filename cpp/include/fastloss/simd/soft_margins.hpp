// Smooth losses of a margin, the product of a label and a score. Their derivative in the label is the score times a sigmoid
// or an exponential, which vanishes while that product does not.
#pragma once

#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// a e^-z / (1 + e^-z), and a e^-z, for packs: half of the exponential on either side of a, so that it neither vanishes nor
// overflows before the product does. An infinite a loses against an exponential that is 0.
template <class P>
FASTLOSS_FN P times_sigmoid_negated(P a, P z) {
  const P root = exp_nonpositive(P(0.5) * negative_abs(z));
  const P square = root * root;
  return select(z > P(0), mul0(root, a * root), a) / (square + 1);
}
template <class P>
FASTLOSS_FN P times_exp_negated(P a, P z) {
  const P root = exp(P(-0.5) * z);
  return mul0(root, a * root);
}

}  // namespace detail

// log(1 + e^-z) for z = label * score.
template <class Y, class X>
FASTLOSS_FN auto logistic_margin(Y label, X score) {
  if constexpr (is_dual<Y>) {
    const auto z = mul0(label.value, score);
    return detail::make_dual(softplus2(z).negative, -detail::times_sigmoid_negated(score, z) * label.tangent);
  } else {
    return softplus2(mul0(label, score)).negative;
  }
}

// e^-z for z = label * score.
template <class Y, class X>
FASTLOSS_FN auto exponential_margin(Y label, X score) {
  if constexpr (is_dual<Y>) {
    const auto z = mul0(label.value, score);
    return detail::make_dual(exp(-z), -detail::times_exp_negated(score, z) * label.tangent);
  } else {
    return exp(-mul0(label, score));
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Losses of a binary classification with probabilities from a logit.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/simd/cross_entropy.hpp"
#include "fastloss/simd/logistic_cross_entropy.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// t (1 - s) + s / 2: a target moved towards one half. 1 - t is smoothed by the same formula, to all its digits.
template <class T>
FASTLOSS_FN auto smoothed(T target, double smoothing) {
  // The fused form costs the losses without smoothing, whose bits it does not change, half of the other's 4 %.
  if constexpr (is_pack<T>) return fma(target, T(1.0 - smoothing), T(0.5 * smoothing));
  else return target * (1.0 - smoothing) + 0.5 * smoothing;
}

// -t log(x) - (1 - t) log(1 - x), with torch's bounds: logarithms not below -100, a gradient of at most 1e12
struct binary_cross_entropy {
  double label_smoothing = 0.0;

  static constexpr const char* name = "binary_cross_entropy";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.7};
  static constexpr operand operands[] = {{"input", differentiable, checked_in_pass(between(0, 1))},
                                         {"target", differentiable, checked_in_pass(between(0, 1))},
                                         {"weight", differentiable | optional | multiplies | trailing}};
  static constexpr auto options() {
    return std::array{option<binary_cross_entropy>{"label_smoothing", &binary_cross_entropy::label_smoothing, between(0, 1)}};
  }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return clamped_cross_entropy(input, smoothed(target, label_smoothing), smoothed(1 - target, label_smoothing));
  }
};

// (1 - t) softplus(z) + pos_weight t softplus(-z): a sum of terms that do not cancel, so tiny losses keep their digits
struct binary_cross_entropy_with_logits {
  double label_smoothing = 0.0;

  static constexpr const char* name = "binary_cross_entropy_with_logits";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.4};
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"target", differentiable, between(0, 1)},
                                         {"weight", differentiable | optional | multiplies | trailing},
                                         {"pos_weight", differentiable | optional | trailing}};
  static constexpr auto options() {
    return std::array{
        option<binary_cross_entropy_with_logits>{"label_smoothing", &binary_cross_entropy_with_logits::label_smoothing, between(0, 1)}};
  }

  template <class Z, class T, class P>
  FASTLOSS_FN auto value(Z input, T target, P pos_weight) const {
    const auto positive = smoothed(target, label_smoothing);
    const auto negative = smoothed(1 - target, label_smoothing);
    if constexpr (is_one<P>) {
      return logistic_cross_entropy(input, positive, negative);
    } else {
      const auto s = softplus2(input);
      return mul0(negative, s.positive) + mul0_fraction(pos_weight, positive, s.negative);
    }
  }
};

using binary_losses = type_list<binary_cross_entropy, binary_cross_entropy_with_logits>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

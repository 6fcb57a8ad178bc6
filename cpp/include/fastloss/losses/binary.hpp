// Losses of a binary classification with probabilities from a logit.
#pragma once

#include "fastloss/core/loss.hpp"
#include "fastloss/core/type_list.hpp"
#include "fastloss/simd/logistic_cross_entropy.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// (1 - t) softplus(z) + pos_weight t softplus(-z): a sum of terms that do not cancel, so tiny losses keep their digits
struct binary_cross_entropy_with_logits {
  static constexpr const char* name = "binary_cross_entropy_with_logits";
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"target", differentiable, between(0, 1)},
                                         {"weight", differentiable | optional | multiplies | trailing},
                                         {"pos_weight", differentiable | optional | trailing}};
  static constexpr double nanoseconds = 0.4;

  template <class Z, class T, class P>
  FASTLOSS_FN auto value(Z input, T target, P pos_weight) const {
    if constexpr (is_one<P>) {
      return logistic_cross_entropy(input, target);
    } else {
      const auto s = softplus2(input);
      return mul0(1 - target, s.positive) + mul0(pos_weight * target, s.negative);
    }
  }
};

using binary_losses = type_list<binary_cross_entropy_with_logits>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

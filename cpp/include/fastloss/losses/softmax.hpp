// Losses of softmax probabilities. The formula of a class sees u, the logarithm of its probability, and its share t of the
// target.
#pragma once

#include <array>

#include "fastloss/core/loss.hpp"
#include "fastloss/core/type_list.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// -sum_c t_c u_c
struct cross_entropy {
  double label_smoothing = 0.0;
  double z_loss = 0.0;       // times lse^2 is added
  double softcap = 0.0;      // logits become softcap tanh(z / softcap); 0: they stay
  double temperature = 1.0;  // divides the logits
  bool from_logits = true;   // or probabilities, which need not have the sum 1
  double eps = 1e-7;         // the least probability, where the input is probabilities

  static constexpr const char* name = "cross_entropy";
  static constexpr row_reference reference = row_reference::log_sum_exp;
  static constexpr denominator mean_over = denominator::weight;
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"target", class_index | distribution | differentiable},
                                         {"weight", differentiable | optional | multiplies | per_class}};
  static constexpr double nanoseconds = 0.3;
  static constexpr auto options() {
    using L = cross_entropy;
    return std::array{option<L>{"label_smoothing", &L::label_smoothing, between(0, 1)},
                      option<L>{"z_loss", &L::z_loss, at_least(0)},
                      option<L>{"softcap", &L::softcap, at_least(0), 0.0},
                      option<L>{"temperature", &L::temperature, above(0)},
                      option<L>{"from_logits", &L::from_logits},
                      option<L>{"eps", &L::eps, strictly_between(0, 1)}};
  }

  constexpr bool linear() const { return from_logits; }
  constexpr bool transforms() const { return !from_logits || softcap != 0.0 || temperature != 1.0; }
  constexpr bool regularises() const { return z_loss != 0.0; }

  template <class U, class T>
  FASTLOSS_FN auto value(U log_probability, T target) const {
    return -mul0(target, log_probability);
  }
  template <class Z>
  FASTLOSS_FN auto logit(Z z) const {
    return z;
  }
  template <class R>
  FASTLOSS_FN auto of_reference(R lse) const {
    return z_loss * lse * lse;
  }
};

using softmax_losses = type_list<cross_entropy>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

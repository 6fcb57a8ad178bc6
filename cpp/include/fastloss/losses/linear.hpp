// Losses of the class scores that a linear layer gives, which are never held as a whole: input linear_weight^T + linear_bias,
// then a row-wise loss.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/linear.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

struct linear_cross_entropy {
  double label_smoothing = 0.0;
  double z_loss = 0.0;
  double softcap = 0.0;
  double temperature = 1.0;

  static constexpr const char* name = "linear_cross_entropy";
  // The options above are those of its loss of scores.
  static constexpr linear_traits traits{.loss_of_scores = "cross_entropy", .mean_over = denominator::weight};
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"linear_weight", differentiable},
                                         {"target", class_index | distribution},
                                         {"linear_bias", differentiable | optional},
                                         {"weight", optional | multiplies | per_class}};
  static constexpr auto options() {
    using L = linear_cross_entropy;
    return std::array{option<L>{"label_smoothing", &L::label_smoothing, between(0, 1)}, option<L>{"z_loss", &L::z_loss, at_least(0)},
                      option<L>{"softcap", &L::softcap, at_least(0), 0.0}, option<L>{"temperature", &L::temperature, above(0)}};
  }
};

using linear_losses = type_list<linear_cross_entropy>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Losses of class scores that are no logits: how far the score of the right class is ahead of the others; and those of
// several right classes at once.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/rowwise.hpp"
#include "fastloss/simd/logistic_cross_entropy.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// max(0, margin + u)^p of every class but the target, for the lead u of the class over the target; at the tie the gradient is 0
struct multi_margin {
  double p = 1.0;
  double margin = 1.0;

  static constexpr const char* name = "multi_margin_loss";
  static constexpr rowwise_traits traits{.shift = row_shift::label_score, .mean_over_classes = true, .cost_ns_per_element = 0.3};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", class_index | one_of_a_row}, {"weight", differentiable | optional | multiplies | per_class}};
  static constexpr auto options() {
    return std::array{option<multi_margin>{"p", &multi_margin::p, either(1, 2)},
                      option<multi_margin>{"margin", &multi_margin::margin, everywhere()}};
  }

  template <class U, class T>
  FASTLOSS_FN auto value(U lead, T counts) const {
    const auto excess = strict_max0(margin + lead);
    return mul0(counts, choose(p == 2.0, [&] { return square(excess); }, [&] { return excess; }));
  }
};

// max(0, 1 + u) of every class that is not listed, for its lead u over each class that is; at the tie the gradient is 0
struct multilabel_margin {
  static constexpr const char* name = "multilabel_margin_loss";
  static constexpr rowwise_traits traits{.shift = row_shift::label_score, .mean_over_classes = true, .cost_ns_per_element = 0.6};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", class_list}};

  template <class U, class T>
  FASTLOSS_FN auto value(U lead, T counts) const {
    return mul0(counts, strict_max0(1.0 + lead));
  }
};

// max(0, margin - u) for the lead u of the target over the best other class; the tie passes the gradient
struct categorical_hinge {
  double margin = 1.0;

  static constexpr const char* name = "categorical_hinge_loss";
  static constexpr rowwise_traits traits{.shift = row_shift::runner_up, .cost_ns_per_element = 0.2};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", class_index}};
  static constexpr auto options() { return std::array{option<categorical_hinge>{"margin", &categorical_hinge::margin, everywhere()}}; }

  template <class U, class T>
  FASTLOSS_FN auto value(U lead, T target) const {
    return mul0(target, hinge_max0(margin - lead));
  }
};

// -u, the Fenchel-Young loss of the projection onto the simplex
struct multiclass_sparsemax {
  static constexpr const char* name = "multiclass_sparsemax_loss";
  static constexpr rowwise_traits traits{.shift = row_shift::sparsemax, .may_be_linear = true, .cost_ns_per_element = 2.0};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", class_index}};
  constexpr bool linear() const { return true; }

  template <class U, class T>
  FASTLOSS_FN auto value(U score, T target) const {
    return -mul0(target, score);
  }
};

// -t log(sigmoid(z)) - (1 - t) log(sigmoid(-z))
struct multilabel_soft_margin {
  static constexpr const char* name = "multilabel_soft_margin_loss";
  static constexpr rowwise_traits traits{.shift = row_shift::zero, .mean_over_classes = true, .cost_ns_per_element = 0.4};
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"target", distribution | differentiable, between(0, 1)},
                                         {"weight", differentiable | optional | multiplies | per_class}};

  template <class U, class T>
  FASTLOSS_FN auto value(U logit, T target) const {
    return logistic_cross_entropy(logit, target);
  }
};

using multiclass_margin_losses =
    type_list<multi_margin, multilabel_margin, categorical_hinge, multiclass_sparsemax, multilabel_soft_margin>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Losses of the margin: the product of a score and a label of -1 or 1.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/soft_margins.hpp"
#include "fastloss/simd/validity.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

inline constexpr const char* label_choices[] = {"signed", "01"};

// How the target spells the two labels.
enum label_spelling { signed_labels, zero_one_labels };

constexpr domain domain_of_labels(int labels) { return labels == signed_labels ? either(-1, 1) : either(0, 1); }

// The label as -1 or 1: two numbers per call, so that no formula has a branch.
template <class T>
FASTLOSS_FN auto signed_label(T target, int labels) {
  const double scale = labels == signed_labels ? 1.0 : 2.0, shift = labels == signed_labels ? 0.0 : 1.0;
  return scale * target - shift;
}

// max(0, margin - t x); the tie passes the gradient
struct hinge {
  double margin = 1.0;
  int labels = signed_labels;

  static constexpr const char* name = "hinge_loss";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 0.08};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() {
    return std::array{option<hinge>{"margin", &hinge::margin, everywhere()}, option<hinge>{"labels", &hinge::labels, label_choices}};
  }
  constexpr domain values(int operand) const { return operand == 1 ? domain_of_labels(labels) : domain{}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return hinge_max0(margin - mul0(signed_label(target, labels), input));
  }
};

// max(0, margin - t x)^2
struct squared_hinge {
  double margin = 1.0;
  int labels = signed_labels;

  static constexpr const char* name = "squared_hinge_loss";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 0.09};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() {
    return std::array{option<squared_hinge>{"margin", &squared_hinge::margin, everywhere()},
                      option<squared_hinge>{"labels", &squared_hinge::labels, label_choices}};
  }
  constexpr domain values(int operand) const { return operand == 1 ? domain_of_labels(labels) : domain{}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return square(hinge_max0(margin - mul0(signed_label(target, labels), input)));
  }
};

// max(0, 1 - t x)^2 where t x >= -1, else the tangent there, -4 t x
struct modified_huber {
  int labels = signed_labels;

  static constexpr const char* name = "modified_huber_loss";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 0.1};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<modified_huber>{"labels", &modified_huber::labels, label_choices}}; }
  constexpr domain values(int operand) const { return operand == 1 ? domain_of_labels(labels) : domain{}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    const auto margin = mul0(signed_label(target, labels), input);
    return select(margin < -1.0, -4.0 * margin, square(hinge_max0(1.0 - margin)));
  }
};

// max(0, -t x): at 0, where every model that starts at zero is, the gradient passes
struct perceptron {
  int labels = signed_labels;

  static constexpr const char* name = "perceptron_loss";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 0.08};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<perceptron>{"labels", &perceptron::labels, label_choices}}; }
  constexpr domain values(int operand) const { return operand == 1 ? domain_of_labels(labels) : domain{}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return hinge_max0(0.0 - mul0(signed_label(target, labels), input));
  }
};

// log(1 + e^(-t x))
struct soft_margin {
  int labels = signed_labels;

  static constexpr const char* name = "soft_margin_loss";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 0.25};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<soft_margin>{"labels", &soft_margin::labels, label_choices}}; }
  constexpr domain values(int operand) const { return operand == 1 ? domain_of_labels(labels) : domain{}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return logistic_margin(signed_label(target, labels), input);
  }
};

// e^(-t x)
struct exponential {
  int labels = signed_labels;

  static constexpr const char* name = "exponential_loss";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 0.13};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<exponential>{"labels", &exponential::labels, label_choices}}; }
  constexpr domain values(int operand) const { return operand == 1 ? domain_of_labels(labels) : domain{}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return exponential_margin(signed_label(target, labels), input);
  }
};

// x for a label of 1, max(0, margin - x) for -1; any other label gets both, as in torch
struct hinge_embedding {
  double margin = 1.0;

  static constexpr const char* name = "hinge_embedding_loss";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.08};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", 0, either(-1, 1)}};
  static constexpr auto options() { return std::array{option<hinge_embedding>{"margin", &hinge_embedding::margin, everywhere()}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return select(target != 1, hinge_max0(margin - input), zero_t{}) + select(target != -1, input, zero_t{});
  }
};

// max(0, margin - t (x1 - x2))
struct margin_ranking {
  double margin = 0.0;

  static constexpr const char* name = "margin_ranking_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.1};
  static constexpr operand operands[] = {{"input1", differentiable}, {"input2", differentiable}, {"target", differentiable, either(-1, 1)}};
  static constexpr auto options() { return std::array{option<margin_ranking>{"margin", &margin_ranking::margin, everywhere()}}; }

  template <class X1, class X2, class T>
  FASTLOSS_FN auto value(X1 input1, X2 input2, T target) const {
    const auto lead = input1 - input2;
    // inf - inf: the hinge would pass a number as its derivative.
    return hinge_max0(margin - mul0(target, nan_unless(lead == lead, lead)));
  }
};

// d^2 of a pair that belongs together, max(0, margin - d)^2 of another, from its distance d
struct contrastive_distance {
  double margin = 1.0, positive_label = 1.0;

  static constexpr const char* name = "contrastive_distance_loss";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.12};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", 0, checked_always(either(0, 1))}};
  static constexpr auto options() {
    using L = contrastive_distance;
    return std::array{option<L>{"margin", &L::margin, above(0)}, option<L>{"positive_label", &L::positive_label, either(0, 1)}};
  }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return nan_unless(target == target, select(target == positive_label, square(input), square(hinge_max0(margin - input))));
  }
};

inline constexpr double no_margin[] = {0.0};

// log(1 + e^-(chosen - rejected - margin))
struct bradley_terry {
  static constexpr const char* name = "bradley_terry_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.25};
  static constexpr operand operands[] = {
      {"chosen", differentiable}, {"rejected", differentiable}, {"margin", differentiable, everywhere(), no_margin}};

  template <class C, class R, class M>
  FASTLOSS_FN auto value(C chosen, R rejected, M margin) const {
    return softplus2((chosen - rejected) - margin).negative;
  }
};

// log(1 + exp(-(positive - negative)))
struct bpr {
  static constexpr const char* name = "bpr_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.25};
  static constexpr operand operands[] = {{"positive", differentiable}, {"negative", differentiable}};

  template <class X, class Y>
  FASTLOSS_FN auto value(X positive, Y negative) const {
    return softplus2(positive - negative).negative;
  }
};

using margin_losses = type_list<hinge, squared_hinge, modified_huber, perceptron, soft_margin, exponential, hinge_embedding, margin_ranking,
                                contrastive_distance, bradley_terry, bpr>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

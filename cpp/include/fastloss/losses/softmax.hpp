// Losses of softmax probabilities. The formula of a class sees u, the logarithm of its probability, and its entry t of the
// target.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/rowwise.hpp"
#include "fastloss/simd/log_divergence.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/softmax_terms.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// Class indices, or probabilities of the classes; and torch's weights of the classes.
inline constexpr operand class_target{"target", class_index | distribution | differentiable};
inline constexpr operand index_target{"target", class_index};
inline constexpr operand class_weight{"weight", differentiable | optional | multiplies | per_class};

// -sum_c t_c u_c
struct cross_entropy {
  double label_smoothing = 0.0;
  double z_loss = 0.0;       // times lse^2 is added
  double softcap = 0.0;      // logits become softcap tanh(z / softcap); 0: they stay
  double temperature = 1.0;  // divides the logits
  bool from_logits = true;   // or probabilities, which need not have the sum 1
  double eps = 1e-7;         // the least probability, where the input is probabilities

  static constexpr const char* name = "cross_entropy";
  static constexpr rowwise_traits traits{.shift = row_shift::log_sum_exp,
                                         .mean_over = denominator::weight,
                                         .domains_vary = true,
                                         .may_be_linear = true,
                                         .cost_ns_per_element = 0.3};
  static constexpr operand operands[] = {{"input", differentiable}, class_target, class_weight};
  static constexpr auto options() {
    using L = cross_entropy;
    return std::array{option<L>{"label_smoothing", &L::label_smoothing, between(0, 1)},
                      option<L>{"z_loss", &L::z_loss, at_least(0)},
                      option<L>{"softcap", &L::softcap, at_least(0), 0.0},
                      option<L>{"temperature", &L::temperature, above(0)},
                      option<L>{"from_logits", &L::from_logits},
                      option<L>{"eps", &L::eps, strictly_between(0, 1)}};
  }
  constexpr domain values(int operand) const { return operand == 0 && !from_logits ? at_least(0) : domain{}; }

  constexpr bool linear() const { return from_logits; }
  constexpr bool transforms() const { return !from_logits || softcap != 0.0 || temperature != 1.0; }
  constexpr bool regularises() const { return z_loss != 0.0; }

  template <class U, class T>
  FASTLOSS_FN auto value(U log_probability, T target) const {
    return -mul0(target,
                 choose(from_logits, [&] { return log_probability; }, [&] { return clamp_min_straight_through(log_probability, eps); }));
  }
  template <class Z>
  FASTLOSS_FN auto logit(Z input) const {
    const auto z = choose(from_logits, [&] { return input; }, [&] { return log_of_amount(input); });
    return choose(softcap != 0.0, [&] { return softcap * tanh(z / softcap); }, [&] { return z; }) / temperature;
  }
  template <class R>
  FASTLOSS_FN auto of_shift(R lse) const {
    return z_loss * lse * lse;
  }
};

// -u; the input is log-probabilities already
struct nll {
  static constexpr const char* name = "nll_loss";
  static constexpr rowwise_traits traits{
      .shift = row_shift::zero, .mean_over = denominator::weight, .may_be_linear = true, .cost_ns_per_element = 0.05};
  static constexpr operand operands[] = {{"input", differentiable, at_most(0)}, index_target, class_weight};
  constexpr bool linear() const { return true; }

  template <class U, class T>
  FASTLOSS_FN auto value(U log_probability, T target) const {
    return -mul0(target, log_probability);
  }
};

// -alpha t (1 - p)^gamma u
struct softmax_focal {
  double alpha = 1.0;
  double gamma = 2.0;
  double label_smoothing = 0.0;

  static constexpr const char* name = "softmax_focal_loss";
  static constexpr rowwise_traits traits{.shift = row_shift::log_sum_exp, .mean_over = denominator::weight, .cost_ns_per_element = 0.3};
  static constexpr operand operands[] = {{"input", differentiable}, class_target, class_weight};
  static constexpr auto options() {
    using L = softmax_focal;
    return std::array{option<L>{"alpha", &L::alpha, at_least(0), 1.0}, option<L>{"gamma", &L::gamma, at_least(0)},
                      option<L>{"label_smoothing", &L::label_smoothing, between(0, 1)}};
  }

  template <class U, class T>
  FASTLOSS_FN auto value(U log_probability, T target) const {
    return mul0(alpha * target, softmax_focal_term(log_probability, gamma));
  }
};

// t (-u + epsilon (1 - p))
struct poly {
  double epsilon = 2.0;
  double label_smoothing = 0.0;

  static constexpr const char* name = "poly_loss";
  static constexpr rowwise_traits traits{.shift = row_shift::log_sum_exp, .mean_over = denominator::weight, .cost_ns_per_element = 0.3};
  static constexpr operand operands[] = {{"input", differentiable}, class_target, class_weight};
  static constexpr auto options() {
    using L = poly;
    return std::array{option<L>{"epsilon", &L::epsilon, at_least(-1)}, option<L>{"label_smoothing", &L::label_smoothing, between(0, 1)}};
  }

  template <class U, class T>
  FASTLOSS_FN auto value(U log_probability, T target) const {
    return mul0(target, poly_term(log_probability, epsilon));
  }
};

// t (1 - p^q) / q
struct generalized_cross_entropy {
  double q = 0.5;

  static constexpr const char* name = "generalized_cross_entropy";
  static constexpr rowwise_traits traits{.shift = row_shift::log_sum_exp, .mean_over = denominator::weight, .cost_ns_per_element = 0.3};
  static constexpr operand operands[] = {{"input", differentiable}, class_target, class_weight};
  static constexpr auto options() {
    return std::array{option<generalized_cross_entropy>{"q", &generalized_cross_entropy::q, between(0, 1)}};
  }

  template <class U, class T>
  FASTLOSS_FN auto value(U log_probability, T target) const {
    return mul0(target, box_cox_term(log_probability, q));
  }
};

// -alpha u - beta log(clip) (1 - p): of the reverse cross-entropy -sum_c p_c log(t_c), the classes beside the target have
// 1 - p in all, and the logarithm of clip.
struct symmetric_cross_entropy {
  double alpha = 0.1;
  double beta = 1.0;
  double clip = 1e-4;

  static constexpr const char* name = "symmetric_cross_entropy";
  static constexpr rowwise_traits traits{.shift = row_shift::log_sum_exp, .mean_over = denominator::weight, .cost_ns_per_element = 0.3};
  static constexpr operand operands[] = {{"input", differentiable}, index_target, class_weight};
  static constexpr auto options() {
    using L = symmetric_cross_entropy;
    return std::array{option<L>{"alpha", &L::alpha, at_least(0)}, option<L>{"beta", &L::beta, at_least(0)},
                      option<L>{"clip", &L::clip, strictly_between(0, 1)}};
  }

  template <class U, class T>
  FASTLOSS_FN auto value(U log_probability, T target) const {
    const auto reverse = logarithm_of<U>(clip) * expm1(log_probability);
    return mul0(target, mul0(alpha, -log_probability) + beta * reverse);
  }
};

// The cross-entropy of z + tau log(prior)
struct logit_adjusted_cross_entropy {
  double tau = 1.0;
  double label_smoothing = 0.0;

  static constexpr const char* name = "logit_adjusted_cross_entropy";
  static constexpr rowwise_traits traits{
      .shift = row_shift::log_sum_exp, .mean_over = denominator::weight, .may_be_linear = true, .cost_ns_per_element = 0.4};
  static constexpr operand operands[] = {
      {"input", differentiable}, class_target, {"prior", differentiable | per_class | in_logit, at_least(0)}, class_weight};
  static constexpr auto options() {
    using L = logit_adjusted_cross_entropy;
    return std::array{option<L>{"tau", &L::tau, at_least(0)}, option<L>{"label_smoothing", &L::label_smoothing, between(0, 1)}};
  }

  constexpr bool linear() const { return true; }
  constexpr bool transforms() const { return true; }

  template <class U, class T>
  FASTLOSS_FN auto value(U log_probability, T target) const {
    return -mul0(target, log_probability);
  }
  template <class Z, class P>
  FASTLOSS_FN auto logit(Z input, P prior) const {
    return input + log_shift(prior, tau);
  }
};

// The cross-entropy of z + log(counts)
struct balanced_softmax {
  double label_smoothing = 0.0;

  static constexpr const char* name = "balanced_softmax_loss";
  static constexpr rowwise_traits traits{
      .shift = row_shift::log_sum_exp, .mean_over = denominator::weight, .may_be_linear = true, .cost_ns_per_element = 0.4};
  static constexpr operand operands[] = {
      {"input", differentiable}, class_target, {"counts", per_class | in_logit, at_least(0)}, class_weight};
  static constexpr auto options() {
    return std::array{option<balanced_softmax>{"label_smoothing", &balanced_softmax::label_smoothing, between(0, 1)}};
  }

  constexpr bool linear() const { return true; }
  constexpr bool transforms() const { return true; }

  template <class U, class T>
  FASTLOSS_FN auto value(U log_probability, T target) const {
    return -mul0(target, log_probability);
  }
  template <class Z, class N>
  FASTLOSS_FN auto logit(Z input, N counts) const {
    return input + log_shift(counts, 1.0);
  }
};

// The cross-entropy of scale (z - margin of the target), where the margin is max_margin (least count / count)^(1/4)
struct ldam {
  double max_margin = 0.5;
  double scale = 30.0;

  static constexpr const char* name = "ldam_loss";
  static constexpr rowwise_traits traits{
      .shift = row_shift::log_sum_exp, .mean_over = denominator::weight, .may_be_linear = true, .cost_ns_per_element = 0.4};
  static constexpr operand operands[] = {
      {"input", differentiable}, index_target, {"class_counts", per_class | in_logit | over_least, above(0)}, class_weight};
  static constexpr auto options() {
    return std::array{option<ldam>{"max_margin", &ldam::max_margin, at_least(0)}, option<ldam>{"scale", &ldam::scale, above(0)}};
  }

  constexpr bool linear() const { return true; }
  constexpr bool transforms() const { return true; }

  template <class U, class T>
  FASTLOSS_FN auto value(U log_probability, T target) const {
    return -mul0(target, log_probability);
  }
  template <class Z, class N, class T>
  FASTLOSS_FN auto logit(Z input, N count_over_least, T is_target) const {
    return scale * (input - mul0(is_target, max_margin / sqrt(sqrt(count_over_least))));
  }
};

// -sum_c t_c u_c for relevances t, which have no sum in particular
struct ranking_softmax {
  static constexpr const char* name = "ranking_softmax_loss";
  static constexpr rowwise_traits traits{.shift = row_shift::log_sum_exp, .may_be_linear = true, .cost_ns_per_element = 0.4};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", distribution | differentiable, at_least(0)}};
  constexpr bool linear() const { return true; }

  template <class U, class T>
  FASTLOSS_FN auto value(U log_probability, T target) const {
    return -mul0(target, log_probability);
  }
};

// temperature^2 KL(teacher || input), of their probabilities at that temperature; where there are class indices beside the teacher,
// their cross-entropy at the temperature 1 has the weight 1 - alpha
struct distillation {
  double temperature = 1.0;
  double alpha = 0.5;

  static constexpr const char* name = "distillation_loss";
  static constexpr rowwise_traits traits{.shift = row_shift::log_sum_exp, .cost_ns_per_element = 1.5};
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"teacher", distribution | as_logits | differentiable},
                                         {"target", class_index | optional | in_label_term}};
  static constexpr auto options() {
    return std::array{option<distillation>{"temperature", &distillation::temperature, above(0)},
                      option<distillation>{"alpha", &distillation::alpha, between(0, 1)}};
  }

  constexpr bool transforms() const { return temperature != 1.0; }
  constexpr double mix_weight() const { return alpha; }

  template <class U, class V>
  FASTLOSS_FN auto value(U log_probability, V log_of_teacher) const {
    return temperature * temperature * log_divergence(log_probability, log_of_teacher);
  }
  template <class Z>
  FASTLOSS_FN auto logit(Z input) const {
    return input / temperature;
  }
  template <class U>
  FASTLOSS_FN auto of_label(U log_probability) const {
    return -log_probability;
  }
};

using softmax_losses = type_list<cross_entropy, nll, softmax_focal, poly, generalized_cross_entropy, symmetric_cross_entropy,
                                 logit_adjusted_cross_entropy, balanced_softmax, ldam, ranking_softmax, distillation>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

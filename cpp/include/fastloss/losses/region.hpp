// Losses of regions, each written in what a predicted and a true region have in common and in their sizes (engines/region.hpp).
#pragma once

#include <algorithm>
#include <array>
#include <span>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/region.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

inline constexpr const char* activations[] = {"False", "True", "sigmoid", "softmax"};
inline constexpr const char* absent_classes[] = {"count", "zero", "skip"};
inline constexpr const char* intersections[] = {"product", "l1"};
inline constexpr const char* weightings[] = {"square", "simple", "uniform"};
inline constexpr const char* weights_of_absent_classes[] = {"zero", "largest"};
inline constexpr domain smooth_range = at_least(0), positive_exponent = above(0), probability = between(0, 1);

inline constexpr operand region_input_operand = {"input", differentiable, probability};
inline constexpr operand region_target_operand = {"target", differentiable | class_index | distribution, probability};
inline constexpr operand regions[] = {region_input_operand, region_target_operand, {"weight", optional | multiplies | per_class}};
inline constexpr operand regions_of_one_index[] = {region_input_operand, region_target_operand};

// The options that most losses of regions begin with, and then those of a loss.
template <class L, class... More>
constexpr auto region_options(More... more) {
  return std::array{option<L>{"from_logits", &L::from_logits, activations}, option<L>{"include_background", &L::include_background},
                    option<L>{"batch", &L::batch}, option<L>{"merge_classes", &L::merge_classes}, more...};
}

template <class L>
constexpr region_form region_form_of(const L& l) {
  region_form form{static_cast<region_activation>(l.from_logits), absent_class::count, l.include_background, l.batch, true, false, false};
  if constexpr (requires { l.merge_classes; }) form.merge_classes = l.merge_classes;
  if constexpr (requires { l.absent; } && !kernel::has_class_weights<L>)  // whose weights say what an absent class counts
    form.absent = static_cast<absent_class>(l.absent);
  if constexpr (requires { l.squared; }) form.squared = l.squared;
  if constexpr (requires { l.intersection; }) form.l1_intersection = l.intersection != 0;
  return form;
}

// Probabilities are in their range; logits may be anything.
template <class L>
constexpr domain region_domain(const L& l, int operand) {
  return operand == 1 || (operand == 0 && l.from_logits == 0) ? probability : everywhere();
}

// 1 - index, of the index right / (right + wrong). Neither it nor its derivatives, index * wrong' - (1 - index) * right' over the same sum,
// are differences of numbers that cancel.
// 0 / 0 is agreement, without a derivative.
template <class A, class B>
FASTLOSS_FN auto missing_of(A right, B wrong) {
  const auto both = right.value + wrong.value;
  const auto index = right.value / both, missing = wrong.value / both;
  const auto found = detail::make_dual(missing, (wrong.tangent * index - right.tangent * missing) / both);
  return select((right.value == 0.0) & (wrong.value == 0.0), 0.0, found);
}

// The loss of the index right / (right + wrong): 1 - index, or -log(index) of at least 1e-7.
template <class A, class B>
FASTLOSS_FN auto loss_of_index(A right, B wrong, bool log_loss) {
  constexpr double least = 1e-7, log_of_least = -16.11809565095832;
  const auto missing = missing_of(right, wrong);
  return choose(
      log_loss,
      [&] {
        const auto index =
            select(missing.value == 0.0, 1.0,
                   right.value / (right.value + wrong.value));  // has its digits where it is small, as 1 - index has where that is
        const auto log_of_index = select(index < 0.5, log(index), log1p(-missing.value));
        return select(index < least, -log_of_least, detail::make_dual(-log_of_index, missing.tangent / index));
      },
      [&] { return missing; });
}

template <class Terms>
FASTLOSS_FN auto dice_of(const Terms& of, double smooth, bool log_loss) {
  return loss_of_index(2.0 * of.intersection() + smooth, of.false_positives() + of.false_negatives(), log_loss);
}

// 1 - (2 I + s) / (P + T + s)
struct dice {
  int from_logits = 0;
  bool include_background = true, batch = false, merge_classes = false, squared = false;
  int intersection = 0;
  double smooth = 1e-6;
  int absent = 0;
  bool log_loss = false;

  static constexpr const char* name = "dice_loss";
  static constexpr region_traits traits{};
  static constexpr std::span<const operand> operands = regions;
  static constexpr auto options() {
    using L = dice;
    return region_options<L>(option<L>{"squared", &L::squared}, option<L>{"intersection", &L::intersection, intersections},
                             option<L>{"smooth", &L::smooth, smooth_range}, option<L>{"absent", &L::absent, absent_classes},
                             option<L>{"log_loss", &L::log_loss});
  }
  region_form form() const { return region_form_of(*this); }
  constexpr domain values(int operand) const { return region_domain(*this, operand); }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    return dice_of(of, smooth, log_loss);
  }
};

// 1 - (I + s) / (P + T - I + s)
struct jaccard {
  int from_logits = 0;
  bool include_background = true, batch = false, merge_classes = false;
  int intersection = 0;
  double smooth = 1e-6;
  int absent = 0;
  bool log_loss = false;

  static constexpr const char* name = "jaccard_loss";
  static constexpr region_traits traits{};
  static constexpr std::span<const operand> operands = regions;
  static constexpr auto options() {
    using L = jaccard;
    return region_options<L>(option<L>{"intersection", &L::intersection, intersections}, option<L>{"smooth", &L::smooth, smooth_range},
                             option<L>{"absent", &L::absent, absent_classes}, option<L>{"log_loss", &L::log_loss});
  }
  region_form form() const { return region_form_of(*this); }
  constexpr domain values(int operand) const { return region_domain(*this, operand); }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    return loss_of_index(of.intersection() + smooth, of.false_positives() + of.false_negatives(), log_loss);
  }
};

// 1 - (I + s) / (I + alpha FP + beta FN + s)
struct tversky {
  int from_logits = 0;
  bool include_background = true, batch = false, merge_classes = false;
  double alpha = 0.5, beta = 0.5;
  int intersection = 0;
  double smooth = 1e-6;
  int absent = 0;
  bool log_loss = false;

  static constexpr const char* name = "tversky_loss";
  static constexpr region_traits traits{};
  static constexpr std::span<const operand> operands = regions;
  static constexpr auto options() {
    using L = tversky;
    return region_options<L>(option<L>{"alpha", &L::alpha, at_least(0)}, option<L>{"beta", &L::beta, at_least(0)},
                             option<L>{"intersection", &L::intersection, intersections}, option<L>{"smooth", &L::smooth, smooth_range},
                             option<L>{"absent", &L::absent, absent_classes}, option<L>{"log_loss", &L::log_loss});
  }
  region_form form() const { return region_form_of(*this); }
  constexpr domain values(int operand) const { return region_domain(*this, operand); }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    return loss_of_index(of.intersection() + smooth, alpha * of.false_positives() + beta * of.false_negatives(), log_loss);
  }
};

// (1 - Tversky's index)^gamma, with derivative 0 where the index is 1
struct focal_tversky {
  int from_logits = 0;
  bool include_background = true, batch = false, merge_classes = false;
  double alpha = 0.5, beta = 0.5, gamma = 0.75;
  int intersection = 0;
  double smooth = 1e-6;
  int absent = 0;

  static constexpr const char* name = "focal_tversky_loss";
  static constexpr region_traits traits{};
  static constexpr std::span<const operand> operands = regions;
  static constexpr auto options() {
    using L = focal_tversky;
    return region_options<L>(option<L>{"alpha", &L::alpha, at_least(0)}, option<L>{"beta", &L::beta, at_least(0)},
                             option<L>{"gamma", &L::gamma, positive_exponent}, option<L>{"intersection", &L::intersection, intersections},
                             option<L>{"smooth", &L::smooth, smooth_range}, option<L>{"absent", &L::absent, absent_classes});
  }
  region_form form() const { return region_form_of(*this); }
  constexpr domain values(int operand) const { return region_domain(*this, operand); }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    const auto missing = missing_of(of.intersection() + smooth, alpha * of.false_positives() + beta * of.false_negatives());
    return select(detail::innermost(missing) <= 0.0, 0.0, pow(missing, gamma));
  }
};

// 1 - (2 sum w I + s) / (sum w (P + T) + s), of sums that are weighted by the size of each class in the target
struct generalized_dice {
  int from_logits = 0;
  bool include_background = true, batch = false;
  int weighting = 0;
  bool squared = false;
  double smooth = 1e-6;
  int absent = 0;
  bool log_loss = false;

  static constexpr const char* name = "generalized_dice_loss";
  static constexpr region_traits traits{};
  static constexpr std::span<const operand> operands = regions_of_one_index;
  static constexpr auto options() {
    using L = generalized_dice;
    return std::array{option<L>{"from_logits", &L::from_logits, activations},
                      option<L>{"include_background", &L::include_background},
                      option<L>{"batch", &L::batch},
                      option<L>{"weighting", &L::weighting, weightings},
                      option<L>{"squared", &L::squared},
                      option<L>{"smooth", &L::smooth, smooth_range},
                      option<L>{"absent", &L::absent, weights_of_absent_classes},
                      option<L>{"log_loss", &L::log_loss}};
  }
  region_form form() const { return region_form_of(*this); }
  constexpr domain values(int operand) const { return region_domain(*this, operand); }

  void class_weights(std::span<const double> target_sizes, std::span<double> weights) const {
    constexpr double most = 1e300;  // of a soft region so small that the square of its size is 0
    double largest = 0.0;
    for (std::size_t c = 0; c < weights.size(); ++c) {
      const double inverse = 1.0 / target_sizes[c];
      weights[c] = target_sizes[c] == 0.0 ? 0.0 : weighting == 0 ? std::min(inverse * inverse, most) : weighting == 1 ? inverse : 1.0;
      largest = std::max(largest, weights[c]);
    }
    if (absent == 0) return;
    for (std::size_t c = 0; c < weights.size(); ++c)
      if (target_sizes[c] == 0.0) weights[c] = largest;
  }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    return dice_of(of, smooth, log_loss);
  }
};

// 1 - (TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN))
struct mcc {
  int from_logits = 0;
  bool include_background = true, batch = false, merge_classes = false;
  double eps = 1e-5;
  int absent = 0;

  static constexpr const char* name = "mcc_loss";
  static constexpr region_traits traits{};
  static constexpr std::span<const operand> operands = regions;
  static constexpr auto options() {
    using L = mcc;
    return region_options<L>(option<L>{"eps", &L::eps, smooth_range}, option<L>{"absent", &L::absent, absent_classes});
  }
  region_form form() const { return region_form_of(*this); }
  constexpr domain values(int operand) const { return region_domain(*this, operand); }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    const auto tp = of.intersection() + eps, fp = of.false_positives() + eps, fn = of.false_negatives() + eps,
               tn = of.true_negatives() + eps;
    const auto square = ((tp + fp) * (tn + fn)) * ((tp + fn) * (tn + fp));
    const auto one_minus = 1.0 - (tp * tn - fp * fn) * pow(square, -0.5);
    // 0 / 0: one of the regions is nothing or everything. They agree, or have nothing to do with each other.
    return select(square.value == 0.0, select(fp.value + fn.value == 0.0, 0.0, 1.0), one_minus);
  }
};

// 1 - ((1 + beta^2) I + s) / ((1 + beta^2) I + beta^2 FN + FP + s)
struct soft_fbeta {
  int from_logits = 0;
  bool include_background = true, batch = false, merge_classes = false;
  double beta = 1.0, smooth = 1e-6;
  int absent = 0;
  bool log_loss = false;

  static constexpr const char* name = "soft_fbeta_loss";
  static constexpr region_traits traits{};
  static constexpr std::span<const operand> operands = regions;
  static constexpr auto options() {
    using L = soft_fbeta;
    return region_options<L>(option<L>{"beta", &L::beta, above(0)}, option<L>{"smooth", &L::smooth, smooth_range},
                             option<L>{"absent", &L::absent, absent_classes}, option<L>{"log_loss", &L::log_loss});
  }
  region_form form() const { return region_form_of(*this); }
  constexpr domain values(int operand) const { return region_domain(*this, operand); }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    const double recall = beta * beta;
    const auto right = (1.0 + recall) * of.intersection() + smooth;
    const auto wrong = recall * of.false_negatives() + of.false_positives();
    return loss_of_index(right, wrong, log_loss);
  }
};

using region_losses = type_list<dice, jaccard, tversky, focal_tversky, generalized_dice, mcc, soft_fbeta>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

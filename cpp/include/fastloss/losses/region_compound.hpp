// Sums of a loss of regions and one of pixels, of logits: the Dice loss and a loss of each pixel's classes, in one pass.
#pragma once

#include <array>
#include <span>

#include "fastloss/core/type_list.hpp"
#include "fastloss/losses/region.hpp"
#include "fastloss/simd/focal.hpp"
#include "fastloss/simd/logistic_cross_entropy.hpp"
#include "fastloss/simd/softmax_terms.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// A term of each pixel is one of logits: there is no choice without.
inline constexpr const char* logit_activations[] = {"True", "sigmoid", "softmax"};

inline constexpr operand regions_of_logits[] = {
    {"input", differentiable}, region_target_operand, {"weight", optional | multiplies | per_class}};

template <class L, class... More>
constexpr auto compound_options(More... more) {
  return std::array{option<L>{"from_logits", &L::from_logits, logit_activations},
                    option<L>{"include_background", &L::include_background},
                    option<L>{"batch", &L::batch},
                    option<L>{"merge_classes", &L::merge_classes},
                    option<L>{"squared", &L::squared},
                    option<L>{"intersection", &L::intersection, intersections},
                    option<L>{"smooth", &L::smooth, smooth_range},
                    option<L>{"absent", &L::absent, absent_classes},
                    more...};
}

template <class L>
constexpr region_form compound_form_of(const L& l, double term_weight) {
  region_form form = region_form_of(l);
  form.from_logits = static_cast<region_activation>(l.from_logits + static_cast<int>(region_activation::by_target));
  form.overlap_weight = l.dice_weight;
  form.term_weight = term_weight;
  return form;
}

// dice_weight * (1 - (2 I + s) / (P + T + s)), and ce_weight times the cross-entropy of each pixel
struct dice_ce {
  int from_logits = 0;
  bool include_background = true, batch = false, merge_classes = false, squared = false;
  int intersection = 0;
  double smooth = 1e-6;
  int absent = 0;
  double dice_weight = 1.0, ce_weight = 1.0;

  static constexpr const char* name = "dice_ce_loss";
  static constexpr region_traits traits{.cost_ns_per_element = 1.0};
  static constexpr std::span<const operand> operands = regions_of_logits;
  static constexpr auto options() {
    using L = dice_ce;
    return compound_options<L>(option<L>{"dice_weight", &L::dice_weight, at_least(0)}, option<L>{"ce_weight", &L::ce_weight, at_least(0)});
  }
  region_form form() const { return compound_form_of(*this, ce_weight); }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    return dice_of(of, smooth, false);
  }
  template <class X, class T>
  FASTLOSS_FN auto of_logit(X logit, T target) const {
    return logistic_cross_entropy(logit, target);
  }
  template <class U, class T>
  FASTLOSS_FN auto of_log_probability(U log_probability, T target) const {
    return -mul0(target, log_probability);
  }
};

// dice_weight * (1 - (2 I + s) / (P + T + s)), and focal_weight times the focal loss of each pixel
struct dice_focal {
  int from_logits = 0;
  bool include_background = true, batch = false, merge_classes = false, squared = false;
  int intersection = 0;
  double smooth = 1e-6;
  int absent = 0;
  double gamma = 2.0, dice_weight = 1.0, focal_weight = 1.0;

  static constexpr const char* name = "dice_focal_loss";
  static constexpr region_traits traits{.cost_ns_per_element = 1.2};
  static constexpr std::span<const operand> operands = regions_of_logits;
  static constexpr auto options() {
    using L = dice_focal;
    return compound_options<L>(option<L>{"gamma", &L::gamma, at_least(0)}, option<L>{"dice_weight", &L::dice_weight, at_least(0)},
                               option<L>{"focal_weight", &L::focal_weight, at_least(0)});
  }
  region_form form() const { return compound_form_of(*this, focal_weight); }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    return dice_of(of, smooth, false);
  }
  template <class X, class T>
  FASTLOSS_FN auto of_logit(X logit, T target) const {
    return focal_cross_entropy(logit, target, -1.0, gamma);
  }
  template <class U, class T>
  FASTLOSS_FN auto of_log_probability(U log_probability, T target) const {
    return mul0(target, softmax_focal_term(log_probability, gamma));
  }
};

using region_compound_losses = type_list<dice_ce, dice_focal>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

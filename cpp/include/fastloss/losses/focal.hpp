// Losses of a logit that turn down what is already right, for rare positives and dense detection.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/simd/asymmetric.hpp"
#include "fastloss/simd/focal.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// alpha_t (1 - p_t)^gamma BCE(z, t)
struct sigmoid_focal {
  double alpha = 0.25;  // of the positive class; negative: both classes have the factor 1
  double gamma = 2.0;

  static constexpr const char* name = "sigmoid_focal_loss";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.6};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable, between(0, 1)}};
  static constexpr auto options() {
    return std::array{option<sigmoid_focal>{"alpha", &sigmoid_focal::alpha, between(-1, 1), -1.0},
                      option<sigmoid_focal>{"gamma", &sigmoid_focal::gamma, at_least(0)}};
  }

  template <class Z, class T>
  FASTLOSS_FN auto value(Z input, T target) const {
    return focal_cross_entropy(input, target, alpha, gamma);
  }
};

// |p - t|^beta BCE(z, t)
struct quality_focal {
  double beta = 2.0;

  static constexpr const char* name = "quality_focal_loss";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.6};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable, between(0, 1)}};
  static constexpr auto options() { return std::array{option<quality_focal>{"beta", &quality_focal::beta, at_least(0)}}; }

  template <class Z, class T>
  FASTLOSS_FN auto value(Z input, T target) const {
    return distance_focal_cross_entropy(input, target, beta);
  }
};

// t > 0: t BCE(z, t), or BCE(z, t) if not iou_weighted; t = 0: alpha p^gamma BCE(z, 0).
// The two do not meet at t = 0, so there is no derivative in t.
struct varifocal {
  double alpha = 0.75;
  double gamma = 2.0;
  bool iou_weighted = true;

  static constexpr const char* name = "varifocal_loss";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.6};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", 0, between(0, 1)}};
  static constexpr auto options() {
    return std::array{option<varifocal>{"alpha", &varifocal::alpha, at_least(0)},
                      option<varifocal>{"gamma", &varifocal::gamma, at_least(0)},
                      option<varifocal>{"iou_weighted", &varifocal::iou_weighted}};
  }

  template <class Z, class T>
  FASTLOSS_FN auto value(Z input, T target) const {
    return varifocal_cross_entropy(input, target, alpha, gamma, iou_weighted);
  }
};

// -t (1 - p)^gamma_pos log p - (1 - t) q^gamma_neg log(1 - q), q = max(p - clip, 0)
struct asymmetric {
  double gamma_neg = 4.0;
  double gamma_pos = 1.0;
  double clip = 0.05;
  double eps = 1e-8;

  static constexpr const char* name = "asymmetric_loss";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 1.3};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable, between(0, 1)}};
  static constexpr auto options() {
    return std::array{option<asymmetric>{"gamma_neg", &asymmetric::gamma_neg, at_least(0)},
                      option<asymmetric>{"gamma_pos", &asymmetric::gamma_pos, at_least(0)},
                      option<asymmetric>{"clip", &asymmetric::clip, between(0, 1)},
                      option<asymmetric>{"eps", &asymmetric::eps, between(0, 1)}};
  }

  template <class Z, class T>
  FASTLOSS_FN auto value(Z input, T target) const {
    return asymmetric_cross_entropy(input, target, gamma_neg, gamma_pos, clip, eps);
  }
};

using focal_losses = type_list<sigmoid_focal, quality_focal, varifocal, asymmetric>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Losses of a difference that bound the pull of outliers: far from the target the gradient stays constant or dies away.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/simd/general_robust.hpp"
#include "fastloss/simd/robust.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

inline constexpr double robust_default[] = {1.0};

// |alpha - 2| / alpha (((r / c)^2 / |alpha - 2| + 1)^(alpha / 2) - 1) for the scale c, and its limits at alpha = 0, 2 and
// infinity of either sign
struct general_robust {
  static constexpr const char* name = "general_robust_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.47};
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"target", differentiable},
                                         {"alpha", differentiable | trailing, everywhere(), robust_default},
                                         {"scale", differentiable | trailing, above(0), robust_default}};

  template <class X, class T, class A, class C>
  FASTLOSS_FN auto value(X input, T target, A alpha, C scale) const {
    return general_robust_function(input - target, alpha, scale);
  }
};

// log(1 + (r / c)^2 / 2)
struct cauchy {
  double c = 1.0;

  static constexpr const char* name = "cauchy_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.57};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<cauchy>{"c", &cauchy::c, above(0)}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return function_of_width<detail::cauchy_of>(input - target, c);
  }
};

// 1 - exp(-(r / c)^2 / 2)
struct welsch {
  double c = 1.0;

  static constexpr const char* name = "welsch_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.42};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<welsch>{"c", &welsch::c, above(0)}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return function_of_width<detail::welsch_of>(input - target, c);
  }
};

// 2 (r / c)^2 / ((r / c)^2 + 4)
struct geman_mcclure {
  double c = 1.0;

  static constexpr const char* name = "geman_mcclure_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.26};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<geman_mcclure>{"c", &geman_mcclure::c, above(0)}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return function_of_width<detail::geman_mcclure_of>(input - target, c);
  }
};

// c^2 / 6 (1 - (1 - (r / c)^2)^3) where |r| <= c, else c^2 / 6
struct tukey {
  double c = 4.685;

  static constexpr const char* name = "tukey_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.23};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<tukey>{"c", &tukey::c, above(0)}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return function_of_width<detail::tukey_of>(input - target, c);
  }
};

// c^2 (|r| / c - log(1 + |r| / c))
struct fair {
  double c = 1.0;

  static constexpr const char* name = "fair_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.73};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<fair>{"c", &fair::c, above(0)}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return function_of_width<detail::fair_of>(input - target, c);
  }
};

// With b = exp(gamma / alpha) - 1: alpha / b (b |r| + 1) log(b |r| / beta + 1) - alpha |r| where |r| < beta, else
// gamma |r| + gamma / b - alpha beta
struct balanced_l1 {
  double alpha = 0.5;
  double gamma = 1.5;
  double beta = 1.0;

  static constexpr const char* name = "balanced_l1_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.83};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() {
    return std::array{option<balanced_l1>{"alpha", &balanced_l1::alpha, above(0)},
                      option<balanced_l1>{"gamma", &balanced_l1::gamma, above(0)},
                      option<balanced_l1>{"beta", &balanced_l1::beta, above(0)}};
  }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return balanced_l1_function(input - target, alpha, gamma, beta);
  }
};

// width log(1 + |r| / curvature) where |r| < width, else |r| - width + width log(1 + width / curvature)
struct wing {
  double width = 5.0;
  double curvature = 0.5;

  static constexpr const char* name = "wing_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.64};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() {
    return std::array{option<wing>{"width", &wing::width, above(0)}, option<wing>{"curvature", &wing::curvature, above(0)}};
  }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return wing_function(input - target, width, curvature);
  }
};

using robust_losses = type_list<general_robust, cauchy, welsch, geman_mcclure, tukey, fair, balanced_l1, wing>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

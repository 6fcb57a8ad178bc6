// Scoring rules: what a forecast distribution is worth once the outcome is known. In closed form, each is the scale s
// times a function of z = (x - t) / s.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/simd/crps.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// s (z erf(z / sqrt(2)) + sqrt(2 / pi) exp(-z^2 / 2) - 1 / sqrt(pi)); |x - t| at s = 0
struct crps_gaussian {
  static constexpr const char* name = "crps_gaussian";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.75};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"scale", differentiable | leading, checked_always(at_least(0))}};

  template <class X, class T, class S>
  FASTLOSS_FN auto value(X input, T target, S scale) const {
    return scaled_crps(detail::gaussian_crps{}, input - target, scale);
  }
};

// s (|z| + exp(-|z|) - 3/4); |x - t| at s = 0
struct crps_laplace {
  static constexpr const char* name = "crps_laplace";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.4};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"scale", differentiable | leading, checked_always(at_least(0))}};

  template <class X, class T, class S>
  FASTLOSS_FN auto value(X input, T target, S scale) const {
    return scaled_crps(detail::laplace_crps{}, input - target, scale);
  }
};

// s (log(1 + e^z) + log(1 + e^-z) - 1); |x - t| at s = 0
struct crps_logistic {
  static constexpr const char* name = "crps_logistic";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 1.1};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"scale", differentiable | leading, checked_always(at_least(0))}};

  template <class X, class T, class S>
  FASTLOSS_FN auto value(X input, T target, S scale) const {
    return scaled_crps(detail::logistic_crps{}, input - target, scale);
  }
};

using scoring_losses = type_list<crps_gaussian, crps_laplace, crps_logistic>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

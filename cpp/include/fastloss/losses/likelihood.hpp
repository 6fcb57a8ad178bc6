// Negative log-likelihoods of a distribution whose parameters are predicted.
#pragma once

#include <array>

#include "fastloss/core/loss.hpp"
#include "fastloss/core/type_list.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/quotients.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// (log v + (x - t)^2 / v) / 2 with v = max(var, eps), plus log(2 pi) / 2 if full.
// torch clamps the variance without differentiating the clamp: below eps the gradient is that at eps.
struct gaussian_nll {
  bool full = false;
  double eps = 1e-6;

  static constexpr const char* name = "gaussian_nll_loss";
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"var", differentiable | leading, checked_always(at_least(0))}};
  static constexpr bool of_difference = true;
  static constexpr double nanoseconds = 0.4;
  static constexpr auto options() {
    return std::array{option<gaussian_nll>{"full", &gaussian_nll::full}, option<gaussian_nll>{"eps", &gaussian_nll::eps, above(0)}};
  }

  template <class X, class T, class V>
  FASTLOSS_FN auto value(X input, T target, V var) const {
    const auto v = clamp_below(var, eps);
    return 0.5 * log(v) + half_squared_quotient(input - target, v) + (full ? 0.91893853320467274178 : 0.0);
  }
};

using likelihood_losses = type_list<gaussian_nll>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

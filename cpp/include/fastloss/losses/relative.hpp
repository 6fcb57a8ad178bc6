// Losses of the error in proportion to the size of the target.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/simd/relative.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// scale |x - t| / max(|t|, eps)
struct mape {
  double eps = 1e-7;
  double scale = 1.0;

  static constexpr const char* name = "mape_loss";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.29};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() {
    return std::array{option<mape>{"eps", &mape::eps, above(0)}, option<mape>{"scale", &mape::scale, above(0)}};
  }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return scale * relative_error(input, target, eps);
  }
};

// |x - t| / max(|x| + |t|, eps); 0 / 0 is 0
struct smape {
  double eps = 1e-8;

  static constexpr const char* name = "smape_loss";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.41};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<smape>{"eps", &smape::eps, at_least(0)}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return symmetric_relative_error(input, target, eps);
  }
};

// (log(1 + x) - log(1 + t))^2
struct msle {
  static constexpr const char* name = "msle_loss";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.72};
  static constexpr operand operands[] = {{"input", differentiable, at_least(-1)}, {"target", differentiable, at_least(-1)}};

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return squared_logarithmic_error(input, target);
  }
};

using relative_losses = type_list<mape, smape, msle>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

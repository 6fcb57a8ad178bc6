// Losses of the margin: the product of a score and a label of -1 or 1.
#pragma once

#include <array>

#include "fastloss/core/loss.hpp"
#include "fastloss/core/type_list.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

inline constexpr const char* label_choices[] = {"signed", "01"};

// max(0, margin - t x); the tie passes the gradient
struct hinge {
  double margin = 1.0;
  int labels = 0;  // 0: target is -1 or 1; 1: target is 0 or 1

  static constexpr const char* name = "hinge_loss";
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr double nanoseconds = 0.08;
  static constexpr auto options() {
    return std::array{option<hinge>{"margin", &hinge::margin, everywhere()}, option<hinge>{"labels", &hinge::labels, label_choices}};
  }
  constexpr domain values(int operand) const { return operand == 1 ? (labels == 0 ? either(-1, 1) : either(0, 1)) : domain{}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    // The label map is two numbers per call, so that the formula has no branch.
    const double scale = labels == 0 ? 1.0 : 2.0, shift = labels == 0 ? 0.0 : 1.0;
    return hinge_max0(margin - mul0(scale * target - shift, input));
  }
};

using margin_losses = type_list<hinge>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Lovász losses, each written in the error of a pixel (engines/lovasz.hpp).
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/lovasz.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

inline constexpr const char* averaged_classes[] = {"present", "all"};

// 1 - x where the pixel is of the class, 1 + x where it is not
struct lovasz_hinge {
  bool per_image = false;

  static constexpr const char* name = "lovasz_hinge_loss";
  static constexpr lovasz_traits traits{};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", binary_mask}};
  static constexpr auto options() { return std::array{option<lovasz_hinge>{"per_image", &lovasz_hinge::per_image}}; }
  lovasz_form form() const { return {.per_image = per_image}; }

  template <class X, class T>
  FASTLOSS_FN auto error(X input, T target) const {
    return 1.0 - input * (2.0 * target - 1.0);
  }
};

// |p - t|
struct lovasz_softmax {
  bool from_logits = false, per_image = false;
  int classes = 0;

  static constexpr const char* name = "lovasz_softmax_loss";
  static constexpr lovasz_traits traits{};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", class_index}};
  static constexpr auto options() {
    using L = lovasz_softmax;
    return std::array{option<L>{"from_logits", &L::from_logits}, option<L>{"per_image", &L::per_image},
                      option<L>{"classes", &L::classes, averaged_classes}};
  }
  lovasz_form form() const { return {per_image, from_logits, classes == 1}; }

  template <class X, class T>
  FASTLOSS_FN auto error(X input, T target) const {
    return abs(input - target);
  }
};

using lovasz_losses = type_list<lovasz_hinge, lovasz_softmax>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

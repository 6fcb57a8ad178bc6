// Functions of two sets of boxes, each box of one with each of the other. In C++ box_iou is a call_plan of find_function("box_iou"), with
// reduction::none and what it was asked for as of any loss: value() is (N, M), gradient(i) has the shape of its operand, and grad_output
// is (N, M) or a number.
#pragma once

#include <array>
#include <span>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/box_matrix.hpp"
#include "fastloss/losses/boxes.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// The IoU that box_iou_loss is 1 less
struct box_iou_matrix {
  double eps = 1e-7;
  int fmt = 0;

  static constexpr const char* name = "box_iou";
  static constexpr box_matrix_traits traits{.cost_ns_per_element = 1.0};
  static constexpr std::span<const operand> operands = pair_of_boxes;
  static constexpr auto options() {
    using L = box_iou_matrix;
    return std::array{option<L>{"eps", &L::eps, divisor_range}, option<L>{"fmt", &L::fmt, box_formats}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    return pair.iou(eps);
  }
};

using box_matrix_losses = type_list<box_iou_matrix>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Losses of keypoints, each written in the squared distance of one from its target (engines/keypoint.hpp).
#pragma once

#include <array>
#include <span>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/keypoint.hpp"
#include "fastloss/simd/saturation.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// Of a person: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles.
inline constexpr double coco_sigmas[] = {0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072,
                                         0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089};

// 1 - the mean of exp(-e), the similarity of a keypoint with its target
struct oks {
  double eps = 1e-9;

  static constexpr const char* name = "oks_loss";
  static constexpr keypoint_traits traits{.sigmas = coco_sigmas, .cost_ns_per_element = 1.0};
  static constexpr std::span<const operand> operands = keypoint_operands;
  static constexpr auto options() { return std::array{option<oks>{"eps", &oks::eps, added_area_range}}; }

  template <class E>
  FASTLOSS_FN auto value(E e) const {
    return saturation(e);
  }
};

using keypoints_losses = type_list<oks>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

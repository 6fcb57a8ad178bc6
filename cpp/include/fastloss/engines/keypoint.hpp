// Losses of keypoints: a unit is an instance, such as a person, with a number of keypoints. The struct of a loss has
//
//   value(e)   the formula of a keypoint, 0 at e = 0: e is its squared distance from the target over twice its variance, which is
//              (2 sigma)^2 (area + eps). The loss of an instance is the mean over its visible keypoints
//   eps        an option
//   traits     keypoint_traits
//
// Operands are those of keypoint_operands: input and target of one shape (..., K, 2), the areas of the instances, and, optionally, sigma
// of each of the K keypoints and weights of the keypoints. The units have the axes before the last two.
#pragma once

#include <span>

#include "fastloss/engine/engine.hpp"
#include "fastloss/engine/keypoint_loop.hpp"
#include "fastloss/engine/loss_members.hpp"

namespace fastloss {

FASTLOSS_API extern const engine keypoint_engine;

// The roles of operands.
inline constexpr unsigned per_keypoint = 1u << first_role;  // one number for each keypoint of an instance
inline constexpr unsigned visibility = 2u << first_role;    // weights of keypoints, of each instance or of all
inline constexpr const char* keypoint_roles[] = {"per_keypoint", "visibility"};

// What is divided by: 1 / sigma and the root of 1 / eps must be numbers of float32, and so must their product with any area's.
inline constexpr domain sigma_range = checked_always(between(1e-10, 1e10)), added_area_range = at_least(1e-30);

inline constexpr operand keypoint_operands[] = {{"input", differentiable},
                                                {"target", differentiable},
                                                {"area", 0, at_least(0)},
                                                {"sigmas", optional | per_keypoint, sigma_range},
                                                {"visible", optional | visibility, at_least(0)}};

struct keypoint_traits {
  std::span<const double> sigmas;  // where they are not given, of as many keypoints
  denominator mean_over = denominator::count;
  double cost_ns_per_element = 1.0;  // of a keypoint
};

// A loss to the engine.
struct keypoint_loss {
  std::span<const double> sigmas;
};

inline const keypoint_loss& keypoint_loss_of(const loss_info& info) { return *static_cast<const keypoint_loss*>(info.traits); }

inline namespace FASTLOSS_ISA {

template <class L>
inline constexpr keypoint_loss described_keypoint{L::traits.sigmas};

}  // namespace FASTLOSS_ISA

template <>
struct engine_of<keypoint_traits> {
  static constexpr const engine* description = &keypoint_engine;

  template <class L>
  static constexpr bool validate() {
    static_assert(std::span<const operand>(L::operands).data() == std::span<const operand>(keypoint_operands).data(),
                  "the operands of a loss of keypoints are keypoint_operands");
    static_assert(L::traits.mean_over == denominator::count, "the mean of a loss of keypoints is over instances");
    static_assert(requires(const L& l) { static_cast<double>(l.eps); }, "a loss of keypoints has an option eps");
    static_assert(members::takes<members::value, L, 1>, "a loss of keypoints has value(), of a squared distance");
    members::refuse_those_of_rows<L>();
    members::refuse_those_of_elements<L, 2>();
    return true;
  }

  template <class L>
  static constexpr unsigned parts() {
    return 0u;
  }

  template <class L>
  static constexpr const void* traits() {
    return &described_keypoint<L>;
  }

  template <class L>
  static constexpr keypoint_kernels kernels() {
    return {{kernel::make_keypoint_kernels<L, float>(), kernel::make_keypoint_kernels<L, double>()}};
  }
};

}  // namespace fastloss

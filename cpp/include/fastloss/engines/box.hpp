// Losses of boxes: a unit is a pair of boxes, four numbers each. The struct of a loss has
//
//   value(pair)   the formula, of the areas and extents of a box_pair (simd/boxes.hpp)
//   fmt           an option with the choices box_formats: what the four numbers are
//   traits        box_traits
//
// Operands are input and target, of one shape (..., 4). The units have the axes before the last. Where both have the role `rotated`, boxes
// have five numbers, the pair is a rotated_pair (simd/rotated_boxes.hpp), and in place of `fmt` there is `eps`, the least width or height.
#pragma once

#include "fastloss/engine/box_loop.hpp"
#include "fastloss/engine/engine.hpp"
#include "fastloss/engine/loss_members.hpp"

namespace fastloss {

FASTLOSS_API extern const engine box_engine;

struct box_traits {
  denominator mean_over = denominator::count;
  double cost_ns_per_element = 2.0;  // of a pair
};

// A loss to the engine.
struct box_loss {
  int (*fmt)(const void* loss);  // index in box_formats; of rotated boxes without meaning
};

inline const box_loss& box_loss_of(const loss_info& info) { return *static_cast<const box_loss*>(info.traits); }

inline namespace FASTLOSS_ISA {

template <class L>
inline constexpr box_loss described_box{[]([[maybe_unused]] const void* loss) {
  if constexpr (L::operands[0].is(rotated)) return 0;
  else return static_cast<const L*>(loss)->fmt;
}};

}  // namespace FASTLOSS_ISA

template <>
struct engine_of<box_traits> {
  static constexpr const engine* description = &box_engine;

  template <class L>
  static constexpr bool validate() {
    static_assert(std::size(L::operands) == 2 && L::operands[0].is(differentiable) && L::operands[1].is(differentiable),
                  "a loss of boxes has two operands, both differentiable");
    static_assert(((L::operands[0].flags | L::operands[1].flags) >> first_role & ~1u) == 0,
                  "the operands of a loss of boxes have flags of another engine");
    static_assert(L::operands[0].is(rotated) == L::operands[1].is(rotated), "both boxes of a pair are rotated, or neither");
    static_assert(L::traits.mean_over == denominator::count, "the mean of a loss of boxes is over pairs");
    using pack = native_pack<double>;
    if constexpr (L::operands[0].is(rotated)) {
      static_assert(requires(const L& l) { static_cast<double>(l.eps); }, "a loss of rotated boxes has an option eps");
      static_assert(
          requires(const L& l, const rotated_pair<pack, true, true>& pair) { l.value(pair); },
          "a loss of rotated boxes has value(), of a pair of them");
    } else {
      static_assert(requires(const L& l) { static_cast<int>(l.fmt); }, "a loss of boxes has an option fmt");
      static_assert(
          requires(const L& l, const box_pair<pack, true, true>& pair) { l.value(pair); },
          "a loss of boxes has value(), of a pair of boxes");
    }
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
    return &described_box<L>;
  }

  template <class L>
  static constexpr box_kernels kernels() {
    return {{kernel::make_box_kernels<L, float>(), kernel::make_box_kernels<L, double>()}};
  }
};

}  // namespace fastloss

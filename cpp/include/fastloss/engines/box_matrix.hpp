// Functions of two sets of boxes, each box of one with each of the other. The struct of a function has
//
//   value(pair)   the formula, of overlapping_boxes where no gradient is wanted (engine/box_matrix_loop.hpp), else of a box_pair
//   fmt           an option with the choices box_formats: what the four numbers are
//   traits        box_matrix_traits
//
// Operands are input, (N, 4), and target, (M, 4). The units are the pairs, (N, M), and nothing reduces them.
#pragma once

#include "fastloss/engine/box_matrix_loop.hpp"
#include "fastloss/engines/box.hpp"

namespace fastloss {

FASTLOSS_API extern const engine box_matrix_engine;

struct box_matrix_traits {
  denominator mean_over = denominator::count;
  double cost_ns_per_element = 0.5;  // of a pair
};

template <>
struct engine_of<box_matrix_traits> {
  static constexpr const engine* description = &box_matrix_engine;

  template <class L>
  static constexpr bool validate() {
    static_assert(
        requires(const L& l, const overlapping_boxes<native_pack<double>>& pair) { l.value(pair); },
        "a function of two sets of boxes has value(), of boxes whose overlap and union are known");
    return engine_of<box_traits>::validate<L>();
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
  static constexpr box_matrix_kernels kernels() {
    return {{kernel::make_box_matrix_kernels<L, float>(), kernel::make_box_matrix_kernels<L, double>()}};
  }
};

}  // namespace fastloss

// Lovász losses: the Lovász extension of the Jaccard loss, of the errors of a class's pixels, which are sorted for it. The struct of a
// loss has
//
//   error(x, t)   the error of a pixel, of its input and of 1 or 0, whether it is of the class; what is not above 0 costs
//                 nothing, and where it is above 0 its derivative in x is 1 or -1
//   form          a lovasz_form: the options that every such loss has
//   traits        lovasz_traits
//
// Operands are input and target: of one class a mask of the input's shape, of several class indices, of its shape without the axis of
// classes. Units are samples (N,) with `per_image`, or else all of them together are one.
#pragma once

#include "fastloss/engine/class_roles.hpp"
#include "fastloss/engine/engine.hpp"
#include "fastloss/engine/loss_members.hpp"
#include "fastloss/engine/lovasz_loop.hpp"

namespace fastloss {

FASTLOSS_API extern const engine lovasz_engine;

// The roles of targets: class indices, and this, of any dtype.
inline constexpr unsigned binary_mask = 1u << (first_role + 1);  // 0 and 1
inline constexpr const char* lovasz_roles[] = {"class_index", "binary_mask"};

// Options of every Lovász loss. A loss that lacks one has its default.
struct lovasz_form {
  bool per_image = false, from_logits = false, all_classes = false;
};

struct lovasz_traits {
  denominator mean_over = denominator::count;
  double cost_ns_per_element = 20.0;  // of a pixel of a class
};

// A loss to the engine.
struct lovasz_loss {
  lovasz_form (*form)(const void* loss);
};
inline const lovasz_loss& lovasz_loss_of(const loss_info& info) { return *static_cast<const lovasz_loss*>(info.traits); }
// Whether the target is class indices, or else a mask.
inline bool has_classes(const loss_info& info) { return info.operands[1].is(class_index); }

inline namespace FASTLOSS_ISA {

template <class L>
inline constexpr lovasz_loss described_lovasz{[](const void* loss) { return static_cast<const L*>(loss)->form(); }};

}  // namespace FASTLOSS_ISA

template <>
struct engine_of<lovasz_traits> {
  static constexpr const engine* description = &lovasz_engine;

  template <class L>
  static constexpr bool validate() {
    static_assert(std::size(L::operands) == 2 && L::operands[0].flags == differentiable &&
                      (L::operands[1].flags == class_index || L::operands[1].flags == binary_mask),
                  "a Lovász loss has the operands input and target, which is class indices or a mask");
    static_assert(L::traits.mean_over == denominator::count, "the mean of a Lovász loss is over its units");
    static_assert(requires(const L& l) { lovasz_form(l.form()); }, "a Lovász loss has a form");
    static_assert(
        requires(const L& l, native_pack<double> x) { l.error(detail::make_dual(x, one_t{}), x).tangent; },
        "a Lovász loss has error(), of a pixel's input and target");
    members::refuse_those_of_rows<L>();
    members::refuse_those_of_elements<L, 2>();
    return true;
  }

  template <class L>
  static constexpr unsigned parts() {
    return part_ignore_index | (L::operands[1].is(class_index) ? part_axis : 0u);
  }

  template <class L>
  static constexpr const void* traits() {
    return &described_lovasz<L>;
  }

  template <class L>
  static constexpr lovasz_kernels kernels() {
    return {{kernel::make_lovasz_kernels<L, float>(), kernel::make_lovasz_kernels<L, double>()}};
  }
};

}  // namespace fastloss

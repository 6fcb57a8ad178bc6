// Losses of linear scores: a unit is a row of the class scores that a linear layer gives, and its loss a row-wise one. The scores are
// computed, used and forgotten some rows at a time. The struct of a loss has no formula of its own, but
//
//   traits    linear_traits, which name the row-wise loss; its options are those of the same name
//
// Operands, with D features, C classes, and any axes n before and k behind:
//   input          (n..., D)
//   linear_weight  (C, k..., D)
//   target         class indices (n..., k...) or probabilities (n..., C, k...)
//   linear_bias    (C, k...), may be absent
//   and those of the row-wise loss that have one number for each class.
// The rows' shape is (n..., k...).
#pragma once

#include "fastloss/engines/rowwise.hpp"

namespace fastloss {

struct linear_traits {
  const char* loss_of_scores;  // the name of a registered row-wise loss
  denominator mean_over = denominator::count;
  double cost_ns_per_element = 0.03;  // of each number of the input and each line of linear_weight
};

// A loss to the engine.
struct linear_loss {
  const char* loss_of_scores;
};

inline const linear_loss& linear_loss_of(const loss_info& info) { return *static_cast<const linear_loss*>(info.traits); }

// Those of the row-wise loss serve it.
struct linear_kernels {};

inline namespace FASTLOSS_ISA {

template <class L>
inline constexpr linear_loss described_linear{L::traits.loss_of_scores};

}  // namespace FASTLOSS_ISA

template <>
struct engine_of<linear_traits> {
  static constexpr const engine* description = &linear_engine;

  template <class L>
  static constexpr bool validate() {
    static_assert(L::traits.mean_over != denominator::term, "the mean of a loss of linear scores is over rows or their weights");
    static_assert(!members::takes<members::value, L, 2>, "a loss of linear scores has the formula of its row-wise loss");
    members::refuse_those_of_rows<L>();
    members::refuse_those_of_elements<L, 1>();
    return true;
  }

  template <class L>
  static constexpr unsigned parts() {
    return takes_class_indices<L>() ? part_ignore_index : 0u;
  }

  template <class L>
  static constexpr const void* traits() {
    return &described_linear<L>;
  }

  template <class L>
  static constexpr linear_kernels kernels() {
    return {};
  }
};

}  // namespace fastloss

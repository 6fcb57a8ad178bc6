// Pointwise losses: a unit is an element. The struct of a loss has
//
//   value(operands...)              the formula, of the operands without those that multiply it from outside
//   traits                          pointwise_traits, which say what else there is
//   denominator_term(operands...)   with mean_over = denominator::term: what an element adds to the denominator
//   head(sum, denominator)          with has_head: the reduced loss, where that is no mean
//   of_element(operands...)         beside a head, if the loss wants it: head(value, 1) in one formula
//   values(operand)                 with domains_vary: the domain of an operand under these options
#pragma once

#include "fastloss/engine/engine.hpp"
#include "fastloss/engine/formula_loop.hpp"
#include "fastloss/engine/loss_members.hpp"

namespace fastloss {

struct pointwise_traits {
  denominator mean_over = denominator::count;
  bool of_difference = false;  // a formula of input - target: the target's gradient is minus the input's
  bool has_head = false;
  bool domains_vary = false;
  double cost_ns_per_element = 0.3;  // of an element

  static constexpr bool is_seen_by_value(const operand& o) { return !o.is(multiplies); }
  static constexpr bool may_be_absent(const operand& o) { return o.is(optional); }
};

// The value of a head h(S, D) and its derivatives in S and D.
struct head_value {
  double value, d_sum, d_denominator;
};

// A loss to the engine.
struct pointwise_loss {
  bool of_difference;
  head_value (*head)(const loss_info&, const void* loss, double sum, double denominator);  // null: sum / denominator
};

inline const pointwise_loss& pointwise_loss_of(const loss_info& info) { return *static_cast<const pointwise_loss*>(info.traits); }

// Indexed by [float64][optional operands present].
struct pointwise_kernels {
  formula_kernels statistic[2][2];  // l, of which a reduction is a head
  formula_kernels element[2][2];    // what reduction::none gives: head(l, 1); the same as l without a head
};

inline namespace FASTLOSS_ISA {

template <class L>
head_value evaluate_head(const loss_info&, const void* loss, double sum, double denominator) {
  using P = pack<double, 1>;
  using D = dual<P, one_t>;
  const L& l = *static_cast<const L*>(loss);
  const P s(sum), d(denominator);
  const auto of_sum = l.head(D{s, {}}, d);
  const auto of_denominator = l.head(s, D{d, {}});
  const auto scalar = [](P p) {
    double x;
    p.store(&x);
    return x;
  };
  return {scalar(value_of<P>(of_sum)), scalar(first_derivative<P>(of_sum)), scalar(first_derivative<P>(of_denominator))};
}

template <class L>
constexpr pointwise_loss describe_pointwise() {
  pointwise_loss described{L::traits.of_difference, nullptr};
  if constexpr (L::traits.has_head) described.head = evaluate_head<L>;
  return described;
}

template <class L>
inline constexpr pointwise_loss described_pointwise = describe_pointwise<L>();

}  // namespace FASTLOSS_ISA

template <>
struct engine_of<pointwise_traits> {
  static constexpr const engine* description = &pointwise_engine;

  template <class L>
  static constexpr bool validate() {
    constexpr int n = kernel::formula_operands<L>();
    static_assert(members::only_common_flags<L>(), "the operands of a pointwise loss have flags of another engine");
    static_assert(members::takes<members::value, L, n>, "a pointwise loss has value(), of the operands that do not multiply it");
    static_assert(members::takes<members::denominator_term, L, n> == (L::traits.mean_over == denominator::term),
                  "mean_over = denominator::term and denominator_term() go together");
    static_assert(members::takes<members::head, L, 2> == L::traits.has_head, "has_head and head() go together");
    static_assert(!members::takes<members::of_element, L, n> || L::traits.has_head, "of_element() belongs to a head");
    static_assert(members::has_values<L> == L::traits.domains_vary, "domains_vary and values() go together");
    members::refuse_those_of_rows<L>();
    return true;
  }

  template <class L>
  static constexpr unsigned parts() {
    return L::traits.has_head ? 0u : part_hess | part_ufunc;
  }

  template <class L>
  static constexpr const void* traits() {
    return &described_pointwise<L>;
  }

  template <class L>
  static constexpr pointwise_kernels kernels() {
    constexpr int operands = kernel::formula_operands<L>(), required = operands - kernel::optional_operands<L>();
    constexpr auto each = std::make_integer_sequence<int, operands>{};
    pointwise_kernels k{};
    k.statistic[0][0] = kernel::make<L, float, kernel::statistic_formula, required>(each);
    k.statistic[0][1] = kernel::make<L, float, kernel::statistic_formula, operands>(each);
    k.statistic[1][0] = kernel::make<L, double, kernel::statistic_formula, required>(each);
    k.statistic[1][1] = kernel::make<L, double, kernel::statistic_formula, operands>(each);
    if constexpr (L::traits.has_head) {
      k.element[0][0] = kernel::make<L, float, kernel::unit_formula, required>(each);
      k.element[0][1] = kernel::make<L, float, kernel::unit_formula, operands>(each);
      k.element[1][0] = kernel::make<L, double, kernel::unit_formula, required>(each);
      k.element[1][1] = kernel::make<L, double, kernel::unit_formula, operands>(each);
    } else {
      for (int s = 0; s < 2; ++s)
        for (int p = 0; p < 2; ++p) k.element[s][p] = k.statistic[s][p];
    }
    return k;
  }
};

}  // namespace fastloss

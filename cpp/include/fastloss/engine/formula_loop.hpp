// Makes the kernels of a loss from its formula: the loop over packs, the operand that is a dual number, NaN. Engines whose losses
// are formulas of one element make theirs with it.
//
// Nothing here is specific to a loss. A kernel reads contiguous tiles of whole packs,
// so there is no scalar tail and a result does not depend on an element's position.
#pragma once

#include <type_traits>
#include <utility>

#include "fastloss/engine/formula_kernels.hpp"
#include "fastloss/simd/dual.hpp"
#include "fastloss/simd/pack.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace kernel {

template <class L>
constexpr int formula_operands() {
  int n = 0;
  for (const operand& o : L::operands) n += L::traits.is_seen_by_value(o);
  return n;
}

// Of these, those that the formula may have to do without: it sees the constant 1 then.
template <class L>
constexpr int optional_operands() {
  int n = 0;
  for (const operand& o : L::operands) n += L::traits.is_seen_by_value(o) && L::traits.may_be_absent(o);
  return n;
}

// The I-th operand that the formula sees.
template <class L>
constexpr operand formula_operand(int i) {
  for (const operand& o : L::operands)
    if (L::traits.is_seen_by_value(o) && i-- == 0) return o;
  return {};
}

// Unnamed, so that every kernel made from these is private to its object: two objects with kernels of one loss may be compiled
// with different flags.
namespace {

struct statistic_formula {
  template <class L, class... Xs>
  FASTLOSS_FN auto operator()(const L& loss, Xs... xs) const {
    return loss.value(xs...);
  }
};

// What a reduction of one element gives: the head of that element alone, or the loss's own form of it.
struct unit_formula {
  template <class L, class... Xs>
  FASTLOSS_FN auto operator()(const L& loss, Xs... xs) const {
    if constexpr (requires { loss.of_element(xs...); }) return loss.of_element(xs...);
    else return loss.head(loss.value(xs...), one_t{});
  }
};

struct denominator_formula {
  template <class L, class... Xs>
  FASTLOSS_FN auto operator()(const L& loss, Xs... xs) const {
    return loss.denominator_term(xs...);
  }
};

}  // namespace

// The tag of an operand that is not given, a plain pack, or the one dual operand seeded for first or second derivatives.
template <int I, int Present, int Dual, int Order, class P>
FASTLOSS_FN auto seeded(P x) {
  if constexpr (I >= Present) return one_t{};
  else if constexpr (I != Dual || Order == 0) return x;
  else if constexpr (Order == 1) return dual<P, one_t>{x, {}};
  else return dual<dual<P, one_t>, one_t>{{x, {}}, {}};
}

// The mask of elements with a NaN in any operand: one comparison covers two operands.
template <class P, int Present>
FASTLOSS_FN auto any_nan(const P (&x)[Present]) {
  auto m = unordered(x[0], x[Present > 1 ? 1 : 0]);
  if constexpr (Present > 2) m = m | unordered(x[2], x[Present > 3 ? 3 : 2]);
  if constexpr (Present > 4) m = m | unordered(x[4], x[Present > 5 ? 5 : 4]);
  return m;
}

template <class L, class S, class Formula, int Present, int Dual, bool Value, bool Gradient, bool Hessian,
          int Operands = formula_operands<L>()>
struct loop {
  using P = native_pack<S>;
  static constexpr int order = Hessian ? 2 : Gradient ? 1 : 0;

  template <int... I>
  FASTLOSS_FN static auto evaluate(const L& loss, const P (&x)[Present], std::integer_sequence<int, I...>) {
    return Formula{}(loss, seeded<I, Present, Dual, order>(x[I < Present ? I : 0])...);
  }

  // Flattened: the lambdas that formulas hand to choose() are not always-inline by themselves.
  [[gnu::flatten]] static void run(const void* options, const tile& t) {
    const L loss = *static_cast<const L*>(options);
    const S* in[Present];
    for (int k = 0; k < Present; ++k) in[k] = static_cast<const S*>(t.operand[k]);
    S* const value = static_cast<S*>(t.value);
    S* const gradient = static_cast<S*>(t.gradient);
    S* const hessian = static_cast<S*>(t.hessian);
    const P nan(__builtin_nan(""));
    const P scale(t.scale);
    const std::size_t count = t.count;
    const bool streams = t.streams;
    for (std::size_t i = 0; i < count; i += P::width) {
      P x[Present];
      for (int k = 0; k < Present; ++k) x[k] = P::load(in[k] + i);
      const auto result = evaluate(loss, x, std::make_integer_sequence<int, Operands>{});
      const auto missing = any_nan(x);
      if constexpr (Value) select(missing, nan, P(value_of<P>(result))).store(value + i);
      if constexpr (Gradient) {
        const P g = select(missing, nan, P(first_derivative<P>(result)) * scale);
        if (streams) g.stream(gradient + i);
        else g.store(gradient + i);
      }
      if constexpr (Hessian) select(missing, nan, P(second_derivative<P>(result))).store(hessian + i);
    }
  }
};

// The driver takes the gradient in the target of a difference from that in the input, unless the denominator depends on it.
template <class L>
constexpr bool mirrors_the_input(int k) {
  return k == 1 && L::traits.of_difference && L::traits.mean_over != denominator::term;
}

template <class L, class S, class Formula, int Present, int K>
constexpr tile_kernel gradient_of() {
  if constexpr (K >= Present || mirrors_the_input<L>(K)) return nullptr;
  else if constexpr (!formula_operand<L>(K).is(differentiable)) return nullptr;
  else return loop<L, S, Formula, Present, K, false, true, false>::run;
}

template <class L, class S, class Formula, int Present, int... K>
constexpr formula_kernels make(std::integer_sequence<int, K...>) {
  formula_kernels table{};
  table.value = loop<L, S, Formula, Present, -1, true, false, false>::run;
  ((table.gradient[K] = gradient_of<L, S, Formula, Present, K>()), ...);
  if constexpr (formula_operand<L>(0).is(differentiable)) {
    table.value_and_gradient = loop<L, S, Formula, Present, 0, true, true, false>::run;
    if constexpr (!L::traits.has_head) {
      table.hessian = loop<L, S, Formula, Present, 0, false, false, true>::run;
      table.gradient_and_hessian = loop<L, S, Formula, Present, 0, false, true, true>::run;
    }
  }
  if constexpr (L::traits.mean_over == denominator::term && std::is_same_v<Formula, statistic_formula>) {
    table.denominator_term = loop<L, S, denominator_formula, Present, -1, true, false, false>::run;
    ((table.denominator_term_gradient[K] = gradient_of<L, S, denominator_formula, Present, K>()), ...);
  }
  return table;
}

}  // namespace kernel
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

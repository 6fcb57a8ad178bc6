// Makes the kernels of a loss from its formula: the loop over packs, the operand that is a dual number, NaN.
//
// Nothing here is specific to a loss, and no loss needs anything else. A kernel reads contiguous tiles of whole packs,
// so there is no scalar tail and a result does not depend on an element's position.
#pragma once

#include <type_traits>
#include <utility>

#include "fastloss/engine/loss_traits.hpp"
#include "fastloss/engine/pointwise_kernels.hpp"
#include "fastloss/simd/dual.hpp"
#include "fastloss/simd/pack.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace kernel {

template <class L>
constexpr int formula_operands() {
  int n = 0;
  for (const operand& o : L::operands) n += is_seen_by_value(o);
  return n;
}

// A class index is an operand that may be absent: the formula is then that of the target class, whose target is 1.
template <class L>
constexpr int optional_operands() {
  int n = 0;
  for (const operand& o : L::operands) n += is_seen_by_value(o) && (o.is(optional) || o.is(class_index));
  return n;
}

// The I-th operand that the formula sees.
template <class L>
constexpr operand formula_operand(int i) {
  for (const operand& o : L::operands)
    if (is_seen_by_value(o) && i-- == 0) return o;
  return {};
}

template <class L>
concept has_head = requires(const L& l) { l.head(native_pack<double>(1.0), native_pack<double>(1.0)); };

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
struct elementwise_formula {
  template <class L, class... Xs>
  FASTLOSS_FN auto operator()(const L& loss, Xs... xs) const {
    if constexpr (requires { loss.elementwise(xs...); }) return loss.elementwise(xs...);
    else return loss.head(loss.value(xs...), one_t{});
  }
};

struct share_formula {
  template <class L, class... Xs>
  FASTLOSS_FN auto operator()(const L& loss, Xs... xs) const {
    return loss.share(xs...);
  }
};

struct reference_formula {
  template <class L, class R>
  FASTLOSS_FN auto operator()(const L& loss, R r) const {
    return loss.of_reference(r);
  }
};

struct label_formula {
  template <class L, class U>
  FASTLOSS_FN auto operator()(const L& loss, U u) const {
    return loss.of_label(u);
  }
};

struct logit_formula {
  template <class L, class... Xs>
  FASTLOSS_FN auto operator()(const L& loss, Xs... xs) const {
    return loss.logit(xs...);
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
  return k == 1 && is_of_difference<L>() && mean_over_of<L>() != denominator::share;
}

template <class L, class S, class Formula, int Present, int K>
constexpr tile_kernel gradient_of() {
  if constexpr (K >= Present || mirrors_the_input<L>(K)) return nullptr;
  else if constexpr (!formula_operand<L>(K).is(differentiable)) return nullptr;
  else return loop<L, S, Formula, Present, K, false, true, false>::run;
}

template <class L, class S, class Formula, int Present, int... K>
constexpr pointwise_kernels make(std::integer_sequence<int, K...>) {
  pointwise_kernels table{};
  table.value = loop<L, S, Formula, Present, -1, true, false, false>::run;
  ((table.gradient[K] = gradient_of<L, S, Formula, Present, K>()), ...);
  if constexpr (formula_operand<L>(0).is(differentiable)) {
    table.value_and_gradient = loop<L, S, Formula, Present, 0, true, true, false>::run;
    if constexpr (!has_head<L>) {
      table.hessian = loop<L, S, Formula, Present, 0, false, false, true>::run;
      table.gradient_and_hessian = loop<L, S, Formula, Present, 0, false, true, true>::run;
    }
  }
  if constexpr (mean_over_of<L>() == denominator::share && std::is_same_v<Formula, statistic_formula>) {
    table.share = loop<L, S, share_formula, Present, -1, true, false, false>::run;
    ((table.share_gradient[K] = gradient_of<L, S, share_formula, Present, K>()), ...);
  }
  return table;
}

// Arguments of `logit`: the score, the operand that is there for it alone, and whether the class is the row's target.
template <class L>
constexpr int logit_arguments() {
  using P = native_pack<double>;
  if constexpr (requires(const L& l, P x) { l.logit(x); }) return 1;
  else if constexpr (requires(const L& l, P x) { l.logit(x, x); }) return 2;
  else if constexpr (requires(const L& l, P x) { l.logit(x, x, x); }) return 3;
  else return 0;
}

template <class L>
constexpr bool takes_lists() {
  for (const operand& o : L::operands)
    if (o.is(class_list)) return true;
  return false;
}

namespace {

template <class L, class S, bool Slopes>
struct list_loop {
  using P = native_pack<S>;
  static constexpr std::size_t line = 64 / sizeof(S);
  // That many references share the loads of a class.
  static constexpr std::size_t at_once = 4;

  template <std::size_t N>
  FASTLOSS_FN static void run_some(const L& loss, const list_pass& p, std::size_t first, std::size_t lane) {
    const P zero(0), nan(__builtin_nan(""));
    P reference[N], present[N], value[N], slope[N];
    for (std::size_t k = 0; k < N; ++k) {
      reference[k] = P::load(static_cast<const S*>(p.references) + (first + k) * line + lane);
      present[k] = P::load(static_cast<const S*>(p.present) + (first + k) * line + lane);
      value[k] = slope[k] = zero;
    }
    const S *score = static_cast<const S*>(p.scores) + lane, *share = static_cast<const S*>(p.shares) + lane;
    S* own = static_cast<S*>(p.slopes) + (Slopes ? lane : 0);
    for (std::size_t i = 0; i < p.lines; ++i, score += p.score_stride, share += p.share_stride) {
      const P x = P::load(score), t = P::load(share);
      P sum(0);
      if constexpr (Slopes) sum = P::load(own);
      for (std::size_t k = 0; k < N; ++k) {
        const P u = x - reference[k], count = t * present[k];
        const auto nothing = count == zero, missing = is_nan(u);
        const auto result = loss.value(seeded<0, 2, Slopes ? 0 : -1, Slopes ? 1 : 0>(u), count);
        value[k] += select(nothing, zero, select(missing, nan, P(value_of<P>(result))));
        if constexpr (Slopes) {
          const P g = select(nothing, zero, select(missing, nan, P(first_derivative<P>(result))));
          slope[k] += g;
          sum += g;
        }
      }
      if constexpr (Slopes) {
        sum.store(own);
        own += p.slope_stride;
      }
    }
    for (std::size_t k = 0; k < N; ++k) {
      value[k].store(static_cast<S*>(p.values) + (first + k) * line + lane);
      if constexpr (Slopes) slope[k].store(static_cast<S*>(p.slope_sums) + (first + k) * line + lane);
    }
  }

  [[gnu::flatten]] static void run(const void* options, const list_pass& p) {
    const L loss = *static_cast<const L*>(options);
    for (std::size_t lane = 0; lane < line; lane += P::width) {
      std::size_t k = 0;
      for (; k + at_once <= p.reference_count; k += at_once) run_some<at_once>(loss, p, k, lane);
      for (; k < p.reference_count; ++k) run_some<1>(loss, p, k, lane);
    }
  }
};

}  // namespace

template <class L, class S>
constexpr row_kernels make_row() {
  row_kernels k{};
  if constexpr (requires(const L& l, native_pack<S> r) { l.of_reference(r); }) {
    k.reference_term = loop<L, S, reference_formula, 1, 0, true, true, false, 1>::run;
    k.reference_curvature = loop<L, S, reference_formula, 1, 0, false, false, true, 1>::run;
  }
  if constexpr (requires(const L& l, native_pack<S> u) { l.of_label(u); }) {
    k.label_term = loop<L, S, label_formula, 1, 0, true, true, false, 1>::run;
    k.label_curvature = loop<L, S, label_formula, 1, 0, false, false, true, 1>::run;
  }
  constexpr int n = logit_arguments<L>();
  if constexpr (n > 0) {
    k.logit = loop<L, S, logit_formula, n, -1, true, false, false, n>::run;
    k.logit_slope = loop<L, S, logit_formula, n, 0, false, true, false, n>::run;
    k.logit_curvature = loop<L, S, logit_formula, n, 0, false, false, true, n>::run;
  }
  if constexpr (n > 1) k.logit_slope_of_argument = loop<L, S, logit_formula, n, 1, false, true, false, n>::run;
  if constexpr (takes_lists<L>()) {
    k.list_values = list_loop<L, S, false>::run;
    k.list_values_and_slopes = list_loop<L, S, true>::run;
  }
  return k;
}

template <class L>
constexpr loss_kernels of_formula() {
  constexpr int operands = formula_operands<L>(), required = operands - optional_operands<L>();
  constexpr auto each = std::make_integer_sequence<int, operands>{};
  loss_kernels k{};
  k.statistic[0][0] = make<L, float, statistic_formula, required>(each);
  k.statistic[0][1] = make<L, float, statistic_formula, operands>(each);
  k.statistic[1][0] = make<L, double, statistic_formula, required>(each);
  k.statistic[1][1] = make<L, double, statistic_formula, operands>(each);
  k.row[0] = make_row<L, float>();
  k.row[1] = make_row<L, double>();
  if constexpr (has_head<L>) {
    k.elementwise[0][0] = make<L, float, elementwise_formula, required>(each);
    k.elementwise[0][1] = make<L, float, elementwise_formula, operands>(each);
    k.elementwise[1][0] = make<L, double, elementwise_formula, required>(each);
    k.elementwise[1][1] = make<L, double, elementwise_formula, operands>(each);
  } else {
    for (int s = 0; s < 2; ++s)
      for (int p = 0; p < 2; ++p) k.elementwise[s][p] = k.statistic[s][p];
  }
  return k;
}

template <class L>
constexpr loss_kernels all() {
  if constexpr (linear_of<L>() != nullptr) return {};  // those of the row-wise loss serve it
  else return of_formula<L>();
}

}  // namespace kernel
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

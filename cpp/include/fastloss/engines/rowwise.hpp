// Row-wise losses: a unit is a row of class scores. What the formula of a class sees is u, its score less the shift of its row. The
// struct of a loss has
//
//   value(u, t)                     the formula of a class: t is its entry of the target, 1 for the class of an index
//   traits                          rowwise_traits, which say what else there is
//   logit(score, ...), transforms() what becomes of the scores first, and whether they change under these options. Further arguments:
//                                   the operand flagged in_logit, and whether the class is the row's target
//   of_shift(r), regularises()      a term of the shift itself, and whether there is one under these options
//   of_label(u), mix_weight()
//                                   of class indices beside a distribution: a term of the logarithm of the class's probability under
//                                   the scores as they are given, and the coefficient of `value` then
//   linear()                        with may_be_linear: whether value(u, t) is -t u under these options, which has faster kernels
//   values(operand)                 with domains_vary: the domain of an operand under these options
//
// An option called label_smoothing is the engine's business.
#pragma once

#include "fastloss/engine/class_roles.hpp"
#include "fastloss/engine/engine.hpp"
#include "fastloss/engine/formula_loop.hpp"
#include "fastloss/engine/loss_members.hpp"

namespace fastloss {

// The roles of operands: those of all engines with classes, and
inline constexpr unsigned in_logit = 1u << 13;    // an argument of the loss's `logit`, not of its `value`
inline constexpr unsigned over_least = 1u << 14;  // with per_class: divided by the least of its numbers before any formula sees it
inline constexpr unsigned as_logits = 1u << 15;   // with distribution: scores; formulas see the logarithms of their probabilities
// Class indices beside a distribution: an argument of the loss's `of_label`, not of its `value`.
inline constexpr unsigned in_label_term = 1u << 16;

// Their names, in this order.
inline constexpr const char* row_roles[] = {"class_index", "distribution", "per_class", "class_list",   "one_of_a_row",
                                            "in_logit",    "over_least",   "as_logits", "in_label_term"};

// What is subtracted from the scores of a row.
enum class row_shift : unsigned char {
  log_sum_exp,  // u is the logarithm of a softmax probability
  zero,         // u is the score itself
  runner_up,    // the largest score of the other classes: u is the margin of the target class
  label_score,  // the score of the target class: u is by how much a class is ahead of it
  sparsemax,    // the conjugate of the squared norm on the simplex, whose gradient is sparsemax
};

struct rowwise_traits {
  row_shift shift;
  denominator mean_over = denominator::count;
  bool mean_over_classes = false;  // the loss of a row is the mean over its classes, not the sum
  bool domains_vary = false;
  bool may_be_linear = false;
  double cost_ns_per_element = 0.3;  // of a class of a row

  static constexpr bool of_difference = false, has_head = false;  // to the kernels of a formula
  static constexpr bool is_seen_by_value(const operand& o) { return !o.is(multiplies | in_logit | in_label_term); }
  // The formula is then that of the target class, whose entry of the target is 1.
  static constexpr bool may_be_absent(const operand& o) { return o.is(optional | class_index); }
};

// What a loss is under its options: what is not there need not be computed.
struct row_features {
  double label_smoothing = 0.0;  // the part of a target that is spread over all classes
  bool linear = false;           // value(u, t) = -t u
  bool transforms = false;       // `logit` is not the identity
  bool regularises = false;      // `of_shift` is not 0
  // Where there are class indices beside a distribution: the coefficient of `value` in the loss. `of_label` has the rest.
  double mix_weight = 1.0;
};

// A loss to the engine.
struct rowwise_loss {
  row_shift shift;
  bool mean_over_classes;
  row_features (*features)(const loss_info&, const void* loss);
};

inline const rowwise_loss& rowwise_loss_of(const loss_info& info) { return *static_cast<const rowwise_loss*>(info.traits); }

// For rows that list several classes: sums of the formula of u = score - shift over classes, for several shifts. Numbers
// come in lines of 64 bytes: of neighbouring classes of one row, or of neighbouring rows.
struct list_pass {
  const void* scores;
  const void* targets;                                    // t; terms where it is 0 are not formed
  void* d1;                                               // derivatives in u, added to what is there; null: values alone
  std::ptrdiff_t score_stride, target_stride, d1_stride;  // from line to line, in elements
  std::size_t lines;
  const void* shifts;   // a line for each
  const void* present;  // likewise: 1, or 0 where there is no such shift
  void* values;         // likewise: sums of the formula, lane by lane
  void* d1_sums;        // likewise: of its derivatives
  std::size_t shift_count;
};

using list_kernel = void (*)(const void* loss, const list_pass&);

// Formulas that only row-wise losses have. A null pointer: the loss does not have it.
struct row_kernels {
  tile_kernel shift_term;          // of the row's shift r: what is added to the loss of the row, and its derivative
  tile_kernel d2_shift_term;       // its second derivative
  tile_kernel logit;               // of the scores and what else `logit` takes: the logits that the loss is a formula of
  tile_kernel d_logit;             // their derivative in the scores
  tile_kernel d_logit_argument;    // and in the operand that only `logit` takes
  tile_kernel d2_logit;            // second derivative in the scores
  tile_kernel label_term;          // of the label's class under the scores as they are given, and its derivative
  tile_kernel d2_label_term;       // its second derivative
  list_kernel list_values;         // of losses of class lists: values alone
  list_kernel list_values_and_d1;  // and with derivatives
};

// Indexed by [float64].
struct rowwise_kernels {
  formula_kernels of_label[2];    // value(u, 1)
  formula_kernels of_classes[2];  // value(u, t)
  row_kernels row[2];
};

inline namespace FASTLOSS_ISA {
namespace kernel {

// Unnamed for the same reason as the kernels of a formula: formula_loop.hpp.
namespace {

struct shift_formula {
  template <class L, class R>
  FASTLOSS_FN auto operator()(const L& loss, R r) const {
    return loss.of_shift(r);
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

template <class L, class S, bool Derivatives>
struct list_loop {
  using P = native_pack<S>;
  static constexpr std::size_t line = 64 / sizeof(S);
  // That many shifts share the loads of a class.
  static constexpr std::size_t at_once = 4;

  template <std::size_t N>
  FASTLOSS_FN static void run_some(const L& loss, const list_pass& p, std::size_t first, std::size_t lane) {
    const P zero(0), nan(__builtin_nan(""));
    P shift[N], present[N], value[N], d1[N];
    for (std::size_t k = 0; k < N; ++k) {
      shift[k] = P::load(static_cast<const S*>(p.shifts) + (first + k) * line + lane);
      present[k] = P::load(static_cast<const S*>(p.present) + (first + k) * line + lane);
      value[k] = d1[k] = zero;
    }
    const S *score = static_cast<const S*>(p.scores) + lane, *target = static_cast<const S*>(p.targets) + lane;
    S* own = static_cast<S*>(p.d1) + (Derivatives ? lane : 0);
    for (std::size_t i = 0; i < p.lines; ++i, score += p.score_stride, target += p.target_stride) {
      const P x = P::load(score), t = P::load(target);
      P sum(0);
      if constexpr (Derivatives) sum = P::load(own);
      for (std::size_t k = 0; k < N; ++k) {
        const P u = x - shift[k], count = t * present[k];
        const auto nothing = count == zero, missing = is_nan(u);
        const auto result = loss.value(seeded<0, 2, Derivatives ? 0 : -1, Derivatives ? 1 : 0>(u), count);
        value[k] += select(nothing, zero, select(missing, nan, P(value_of<P>(result))));
        if constexpr (Derivatives) {
          const P g = select(nothing, zero, select(missing, nan, P(first_derivative<P>(result))));
          d1[k] += g;
          sum += g;
        }
      }
      if constexpr (Derivatives) {
        sum.store(own);
        own += p.d1_stride;
      }
    }
    for (std::size_t k = 0; k < N; ++k) {
      value[k].store(static_cast<S*>(p.values) + (first + k) * line + lane);
      if constexpr (Derivatives) d1[k].store(static_cast<S*>(p.d1_sums) + (first + k) * line + lane);
    }
  }

  [[gnu::flatten]] static void run(const void* options, const list_pass& p) {
    const L loss = *static_cast<const L*>(options);
    for (std::size_t lane = 0; lane < line; lane += P::width) {
      std::size_t k = 0;
      for (; k + at_once <= p.shift_count; k += at_once) run_some<at_once>(loss, p, k, lane);
      for (; k < p.shift_count; ++k) run_some<1>(loss, p, k, lane);
    }
  }
};

}  // namespace

template <class L, class S>
constexpr row_kernels make_row() {
  row_kernels k{};
  if constexpr (requires(const L& l, native_pack<S> r) { l.of_shift(r); }) {
    k.shift_term = loop<L, S, shift_formula, 1, 0, true, true, false, 1>::run;
    k.d2_shift_term = loop<L, S, shift_formula, 1, 0, false, false, true, 1>::run;
  }
  if constexpr (requires(const L& l, native_pack<S> u) { l.of_label(u); }) {
    k.label_term = loop<L, S, label_formula, 1, 0, true, true, false, 1>::run;
    k.d2_label_term = loop<L, S, label_formula, 1, 0, false, false, true, 1>::run;
  }
  constexpr int n = logit_arguments<L>();
  if constexpr (n > 0) {
    k.logit = loop<L, S, logit_formula, n, -1, true, false, false, n>::run;
    k.d_logit = loop<L, S, logit_formula, n, 0, false, true, false, n>::run;
    k.d2_logit = loop<L, S, logit_formula, n, 0, false, false, true, n>::run;
  }
  if constexpr (n > 1) k.d_logit_argument = loop<L, S, logit_formula, n, 1, false, true, false, n>::run;
  if constexpr (takes_lists<L>()) {
    k.list_values = list_loop<L, S, false>::run;
    k.list_values_and_d1 = list_loop<L, S, true>::run;
  }
  return k;
}

}  // namespace kernel

template <class L>
row_features features_of(const loss_info&, const void* options) {
  const L& loss = *static_cast<const L*>(options);
  row_features f;
  if constexpr (requires { loss.label_smoothing; }) f.label_smoothing = loss.label_smoothing;
  if constexpr (members::has_linear<L>) f.linear = loss.linear();
  if constexpr (members::has_transforms<L>) f.transforms = loss.transforms();
  if constexpr (members::has_regularises<L>) f.regularises = loss.regularises();
  if constexpr (members::has_mix_weight<L>) f.mix_weight = loss.mix_weight();
  return f;
}

template <class L>
inline constexpr rowwise_loss described_rowwise{L::traits.shift, L::traits.mean_over_classes, features_of<L>};

// A distribution given as logits has a softmax of its own, and no part in the derivative of what else a logit is made of.
template <class L>
constexpr bool logits_of_distributions_are_plain() {
  bool given = false, differentiates = false;
  for (const operand& o : L::operands) {
    given |= o.is(as_logits);
    differentiates |= o.is(in_logit) && o.is(differentiable);
    if (o.is(as_logits) && (!o.is(distribution) || o.is(class_index))) return false;
  }
  return !given || (L::traits.shift == row_shift::log_sum_exp && !differentiates);
}

// Class indices that come beside a distribution may be left out, and are those of a softmax.
template <class L>
constexpr bool has_label_term() {
  for (const operand& o : L::operands)
    if (o.is(in_label_term)) return true;
  return false;
}
template <class L>
constexpr bool label_term_is_whole() {
  for (const operand& o : L::operands)
    if (o.is(in_label_term) && (!o.is(class_index) || o.is(distribution) || !o.is(optional))) return false;
  return !has_label_term<L>() || L::traits.shift == row_shift::log_sum_exp;
}

// Terms relative to several classes of a row: nothing else is known of the row that a weight or a smoothed target could be of.
template <class L>
constexpr bool lists_are_understood() {
  if (!kernel::takes_lists<L>()) return true;
  for (const operand& o : L::operands)
    if (o.is(class_index | distribution | per_class | multiplies)) return false;
  if constexpr (requires(const L& l) { l.label_smoothing; }) return false;
  return L::traits.shift == row_shift::label_score;
}

// A default is one number, or one for each class.
template <class L>
constexpr bool only_classes_have_defaults() {
  for (const operand& o : L::operands)
    if (!o.initial.empty() && !o.is(per_class)) return false;
  return true;
}

template <class L>
constexpr bool takes_class_indices() {
  for (const operand& o : L::operands)
    if (o.is(class_index)) return true;
  return false;
}

}  // namespace FASTLOSS_ISA

template <>
struct engine_of<rowwise_traits> {
  static constexpr const engine* description = &rowwise_engine;

  template <class L>
  static constexpr bool validate() {
    static_assert(L::traits.mean_over != denominator::term, "the mean of a row-wise loss is over rows or their weights");
    constexpr int n = kernel::formula_operands<L>();
    static_assert(members::takes<members::value, L, n>, "a row-wise loss has value(), of u and the operands that are not of the logit");
    static_assert((kernel::logit_arguments<L>() > 0) == members::has_transforms<L>, "logit() and transforms() go together");
    static_assert(members::takes<members::of_shift, L, 1> == members::has_regularises<L>, "of_shift() and regularises() go together");
    static_assert(members::takes<members::of_label, L, 1> == has_label_term<L>() && members::has_mix_weight<L> == has_label_term<L>(),
                  "an operand flagged in_label_term, of_label() and mix_weight() go together");
    static_assert(members::has_linear<L> == L::traits.may_be_linear, "may_be_linear and linear() go together");
    static_assert(members::has_values<L> == L::traits.domains_vary, "domains_vary and values() go together");
    static_assert(logits_of_distributions_are_plain<L>(), "a distribution given as logits belongs to a loss of softmax probabilities");
    static_assert(label_term_is_whole<L>(), "class indices in a label term are optional, and beside a distribution of a softmax");
    static_assert(lists_are_understood<L>(), "a loss of class lists is relative to the classes that are listed, and has no weights");
    static_assert(only_classes_have_defaults<L>(), "only operands with one number for each class have a default");
    members::refuse_those_of_elements<L, n>();
    return true;
  }

  template <class L>
  static constexpr unsigned parts() {
    unsigned parts = part_hess | part_vector | part_axis | part_ufunc;
    if (takes_class_indices<L>()) parts |= part_ignore_index;
    if (L::traits.shift == row_shift::log_sum_exp) parts |= part_extras;
    return parts;
  }

  template <class L>
  static constexpr const void* traits() {
    return &described_rowwise<L>;
  }

  template <class L>
  static constexpr rowwise_kernels kernels() {
    constexpr int operands = kernel::formula_operands<L>(), required = operands - kernel::optional_operands<L>();
    constexpr auto each = std::make_integer_sequence<int, operands>{};
    rowwise_kernels k{};
    k.of_label[0] = kernel::make<L, float, kernel::statistic_formula, required>(each);
    k.of_classes[0] = kernel::make<L, float, kernel::statistic_formula, operands>(each);
    k.of_label[1] = kernel::make<L, double, kernel::statistic_formula, required>(each);
    k.of_classes[1] = kernel::make<L, double, kernel::statistic_formula, operands>(each);
    k.row[0] = kernel::make_row<L, float>();
    k.row[1] = kernel::make_row<L, double>();
    return k;
  }
};

}  // namespace fastloss

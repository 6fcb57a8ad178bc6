// Erases the type of a loss struct: from its members and descriptions to the loss_info that the front door reads.
#pragma once

#include <array>
#include <new>
#include <type_traits>

#include "fastloss/core/loss.hpp"
#include "fastloss/engine/loss_traits.hpp"
#include "fastloss/engine/pointwise_kernel.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

template <class L>
constexpr bool has_differentiable_integers() {
  for (const operand& o : L::operands)
    if (o.is(integer) && o.is(differentiable)) return true;
  return false;
}

template <class L>
constexpr bool defaults_are_in_range() {
  for (const operand& o : L::operands) {
    if (o.initial.size() > max_initial || (!o.initial.empty() && (o.is(optional) || o.is(integer)))) return false;
    for (const double x : o.initial)
      if (!o.values.contains(x)) return false;
  }
  return true;
}

// A distribution given as logits has a softmax of its own, and no part in the derivative of what else a logit is made of.
template <class L>
constexpr bool logits_of_distributions_are_plain() {
  bool given = false, differentiates = false;
  for (const operand& o : L::operands) {
    given |= o.is(as_logits);
    differentiates |= o.is(in_logit) && o.is(differentiable);
    if (o.is(as_logits) && (!o.is(distribution) || o.is(class_index))) return false;
  }
  return !given || (reference_of<L>() == row_reference::log_sum_exp && !differentiates);
}

// Class indices that come beside a distribution may be left out, and are those of a softmax.
template <class L>
constexpr bool label_term_is_whole() {
  for (const operand& o : L::operands)
    if (o.is(in_label_term) && (!o.is(class_index) || o.is(distribution) || !o.is(optional))) return false;
    else if (o.is(in_label_term))
  return reference_of<L>() == row_reference::log_sum_exp&&
           requires(const L & l, native_pack<double> u)
  {
    l.of_label(u);
  };
  return true;
}

// Terms relative to several classes of a row: nothing else is known of the row that a weight or a smoothed target could be of.
template <class L>
constexpr bool lists_are_understood() {
  if (!kernel::takes_lists<L>()) return true;
  for (const operand& o : L::operands)
    if (o.is(class_index | distribution | per_class | multiplies)) return false;
  if constexpr (requires(const L& l) { l.label_smoothing; }) return false;
  return reference_of<L>() == row_reference::picked;
}

template <class L>
constexpr bool validate_loss() {
  static_assert(std::is_aggregate_v<L> && std::is_trivially_copyable_v<L>, "a loss struct holds its options and nothing else");
  static_assert(sizeof(L) <= max_loss_bytes);
  static_assert(operand_count<L> >= 1 && operand_count<L> <= max_operands);
  static_assert(options_of<L>().size() <= max_options);
  static_assert(!L::operands[0].may_be_left_out() && !L::operands[0].is(multiplies), "the first operand is the prediction");
  static_assert(defaults_are_in_range<L>(), "an operand is optional, or has a default of real numbers in its domain");
  static_assert(logits_of_distributions_are_plain<L>(), "a distribution given as logits belongs to a loss of softmax probabilities");
  static_assert(label_term_is_whole<L>(), "optional class indices beside a distribution need `of_label`");
  static_assert(!has_differentiable_integers<L>(), "there is no derivative in an integer");
  static_assert(lists_are_understood<L>(), "a loss of class lists is relative to the classes that are picked, and has no weights");
  return true;
}

template <class L>
constexpr double option_value(const option<L>& o, const L& loss) {
  if (o.number != nullptr) return loss.*o.number;
  if (o.toggle != nullptr) return loss.*o.toggle ? 1.0 : 0.0;
  return static_cast<double>(loss.*o.choice);
}

template <class L>
double get_option(const void* loss, int i) {
  static constexpr auto all = options_of<L>();
  return option_value(all[static_cast<std::size_t>(i)], *static_cast<const L*>(loss));
}

template <class L>
void set_option(void* loss, int i, double value) {
  static constexpr auto all = options_of<L>();
  const auto& o = all[static_cast<std::size_t>(i)];
  L& l = *static_cast<L*>(loss);
  if (o.number != nullptr) l.*o.number = value;
  else if (o.toggle != nullptr) l.*o.toggle = value != 0.0;
  else l.*o.choice = static_cast<int>(value);
}

template <class L>
head_value evaluate_head(const void* loss, double sum, double denominator) {
  using P = pack<double, 1>;
  using D = dual<P, one_t>;
  const L& l = *static_cast<const L*>(loss);
  const P s(sum), d(denominator);
  const auto by_sum = l.head(D{s, {}}, d);
  const auto by_denominator = l.head(s, D{d, {}});
  const auto scalar = [](P p) {
    double x;
    p.store(&x);
    return x;
  };
  return {scalar(value_of<P>(by_sum)), scalar(first_derivative<P>(by_sum)), scalar(first_derivative<P>(by_denominator))};
}

template <class L>
constexpr auto describe_options() {
  constexpr auto from = options_of<L>();
  std::array<option_info, from.size()> to{};
  for (std::size_t i = 0; i < from.size(); ++i) {
    const auto& o = from[i];
    const option_kind kind = o.number != nullptr ? option_kind::number : o.toggle != nullptr ? option_kind::toggle : option_kind::choice;
    to[i] = {o.name, kind, o.values, o.choices, o.choice_count, option_value(o, L{}), o.none};
  }
  return to;
}

template <class L>
inline constexpr auto option_descriptions = describe_options<L>();

template <class L>
constexpr loss_info describe(int index, const loss_kernels* kernels = nullptr) {
  static_assert(validate_loss<L>());
  loss_info info{};
  info.name = L::name;
  info.operands = L::operands;
  info.options = option_descriptions<L>;
  info.bytes = sizeof(L);
  info.construct = [](void* loss) { ::new (loss) L{}; };
  info.set = set_option<L>;
  info.get = get_option<L>;
  info.values = nullptr;
  if constexpr (requires(const L& l) { l.values(0); })
    info.values = [](const void* loss, int operand) { return static_cast<const L*>(loss)->values(operand); };
  info.head = nullptr;
  if constexpr (kernel::has_head<L>) info.head = evaluate_head<L>;
  info.share = mean_over_of<L>();
  info.of_difference = is_of_difference<L>();
  info.reference = reference_of<L>();
  info.linear_of = linear_of<L>();
  info.elementwise = !kernel::has_head<L> && info.reference == row_reference::absent && info.linear_of == nullptr;
  info.mean_over_classes = is_mean_over_classes<L>();
  info.row = nullptr;
  if constexpr (reference_of<L>() != row_reference::absent)
    info.row = [](const void* loss) { return row_traits_of(*static_cast<const L*>(loss)); };
  info.nanoseconds = nanoseconds_of<L>();
  info.index = index;
  info.kernels = kernels;
  return info;
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

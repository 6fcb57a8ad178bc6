// Erases the type of a loss struct: from its members and descriptions to the loss_info that checks and runs calls.
#pragma once

#include <array>
#include <new>
#include <type_traits>

#include "fastloss/core/loss.hpp"
#include "fastloss/engine/engine.hpp"
#include "fastloss/engine/loss_members.hpp"

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

template <class L>
constexpr bool validate_loss() {
  static_assert(std::is_aggregate_v<L> && std::is_trivially_copyable_v<L>, "a loss struct holds its options and nothing else");
  static_assert(sizeof(L) <= max_loss_bytes);
  constexpr std::size_t operands = std::size(L::operands), options = members::options_of<L>().size();
  static_assert(operands >= 1 && operands <= max_operands);
  static_assert(options <= max_options);
  static_assert(std::is_empty_v<L> ? options == 0 : members::count_data<L>() == options,
                "the numbers, switches and choices that a loss struct holds are its options: options() has one for each");
  static_assert(!L::operands[0].may_be_left_out() && !L::operands[0].is(multiplies), "the first operand is the prediction");
  static_assert(defaults_are_in_range<L>(), "an operand is optional, or has a default of real numbers in its domain");
  static_assert(!has_differentiable_integers<L>(), "there is no derivative in an integer");
  return engine_of_loss<L>::template validate<L>();
}

template <class L>
constexpr double option_value(const option<L>& o, const L& loss) {
  if (o.number != nullptr) return loss.*o.number;
  if (o.toggle != nullptr) return loss.*o.toggle ? 1.0 : 0.0;
  return static_cast<double>(loss.*o.choice);
}

template <class L>
double get_option(const loss_info&, const void* loss, int i) {
  static constexpr auto all = members::options_of<L>();
  return option_value(all[static_cast<std::size_t>(i)], *static_cast<const L*>(loss));
}

template <class L>
void set_option(const loss_info&, void* loss, int i, double value) {
  static constexpr auto all = members::options_of<L>();
  const auto& o = all[static_cast<std::size_t>(i)];
  L& l = *static_cast<L*>(loss);
  if (o.number != nullptr) l.*o.number = value;
  else if (o.toggle != nullptr) l.*o.toggle = value != 0.0;
  else l.*o.choice = static_cast<int>(value);
}

template <class L>
constexpr auto describe_options() {
  constexpr auto from = members::options_of<L>();
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

// The description of a loss. `kernels`: those of a user's own loss, from engine_of_loss<L>::kernels<L>().
template <class L>
constexpr loss_info describe(int index, const void* kernels = nullptr) {
  static_assert(validate_loss<L>());
  loss_info info{};
  info.name = L::name;
  info.engine = engine_of_loss<L>::description;
  info.operands = L::operands;
  info.options = option_descriptions<L>;
  info.bytes = sizeof(L);
  info.functions.construct = [](const loss_info&, void* loss) { ::new (loss) L{}; };
  info.functions.set = set_option<L>;
  info.functions.get = get_option<L>;
  if constexpr (members::has_values<L>)
    info.functions.values = [](const loss_info&, const void* loss, int operand) { return static_cast<const L*>(loss)->values(operand); };
  info.mean_over = L::traits.mean_over;
  info.parts = engine_of_loss<L>::template parts<L>();
  if constexpr (requires { engine_of_loss<L>::template default_wrt<L>(); }) info.default_wrt = engine_of_loss<L>::template default_wrt<L>();
  else info.default_wrt = 1u;
  info.cost_ns_per_element = L::traits.cost_ns_per_element;
  info.traits = engine_of_loss<L>::template traits<L>();
  info.index = index;
  info.kernels = kernels;
  return info;
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

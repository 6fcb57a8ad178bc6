// Which members a loss struct has: what the engines hold it to. A constant that no engine knows is refused by the type of `traits`,
// whose initialiser names its members; a function, by the trait that announces it; a number that is no option, by their count.
#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "fastloss/core/loss.hpp"
#include "fastloss/simd/pack.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace members {

// One type for each function that a loss may have.
#define FASTLOSS_MEMBER(NAME)                                                  \
  struct NAME {                                                                \
    template <class L, class... X>                                             \
    auto operator()(const L& loss, X... x) const -> decltype(loss.NAME(x...)); \
  };
FASTLOSS_MEMBER(value)
FASTLOSS_MEMBER(denominator_term)
FASTLOSS_MEMBER(head)
FASTLOSS_MEMBER(of_element)
FASTLOSS_MEMBER(logit)
FASTLOSS_MEMBER(of_shift)
FASTLOSS_MEMBER(of_label)
#undef FASTLOSS_MEMBER

template <class Member, class L, class Sequence>
struct takes_packs;
template <class Member, class L, std::size_t... I>
struct takes_packs<Member, L, std::index_sequence<I...>>
    : std::is_invocable<Member, const L&, std::conditional_t<I != max_operands + 1, native_pack<double>, void>...> {};

// Whether the loss has this function, of so many arguments.
template <class Member, class L, int Arguments>
inline constexpr bool takes = takes_packs<Member, L, std::make_index_sequence<Arguments>>::value;

template <class L>
inline constexpr bool has_values = requires(const L& l) { l.values(0); };
template <class L>
inline constexpr bool has_transforms = requires(const L& l) { l.transforms(); };
template <class L>
inline constexpr bool has_regularises = requires(const L& l) { l.regularises(); };
template <class L>
inline constexpr bool has_linear = requires(const L& l) { l.linear(); };
template <class L>
inline constexpr bool has_mix_weight = requires(const L& l) { l.mix_weight(); };
template <class L>
inline constexpr bool has_options = requires { L::options(); };

template <class L>
constexpr auto options_of() {
  if constexpr (has_options<L>) return L::options();
  else return std::array<option<L>, 0>{};
}

// How many numbers, switches and choices the struct holds: the most that it can be initialised with.
struct anything {
  template <class T>
  operator T() const;
};
template <class L, class... Given>
constexpr std::size_t count_data() {
  if constexpr (requires { L{std::declval<Given>()..., anything{}}; }) return count_data<L, Given..., anything>();
  else return sizeof...(Given);
}

template <class L>
constexpr bool only_common_flags() {
  for (const operand& o : L::operands)
    if ((o.flags >> first_role) != 0) return false;
  return true;
}

template <class L>
constexpr void refuse_those_of_rows() {
  static_assert(!takes<logit, L, 1> && !takes<logit, L, 2> && !takes<logit, L, 3>, "logit() belongs to row-wise losses");
  static_assert(!takes<of_shift, L, 1>, "of_shift() belongs to row-wise losses");
  static_assert(!takes<of_label, L, 1>, "of_label() belongs to row-wise losses");
  static_assert(!has_transforms<L>, "transforms() belongs to row-wise losses");
  static_assert(!has_regularises<L>, "regularises() belongs to row-wise losses");
  static_assert(!has_linear<L>, "linear() belongs to row-wise losses");
  static_assert(!has_mix_weight<L>, "mix_weight() belongs to row-wise losses");
}

template <class L, int Operands>
constexpr void refuse_those_of_elements() {
  static_assert(!takes<denominator_term, L, Operands> && !takes<denominator_term, L, 1>, "denominator_term() belongs to pointwise losses");
  static_assert(!takes<head, L, 2>, "head() belongs to pointwise losses");
  static_assert(!takes<of_element, L, Operands>, "of_element() belongs to pointwise losses");
}

}  // namespace members
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

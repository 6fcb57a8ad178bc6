// What a loss struct may leave unsaid, and what then holds.
#pragma once

#include <array>

#include "fastloss/core/loss.hpp"

namespace fastloss {

// What each element adds to the denominator of the mean: the `mean_over` of the loss, a `share` formula, or 1.
template <class L>
constexpr denominator mean_over_of() {
  if constexpr (requires { L::mean_over; }) return L::mean_over;
  else return denominator::count;
}

template <class L>
constexpr bool is_of_difference() {
  if constexpr (requires { L::of_difference; }) return L::of_difference;
  else return false;
}

template <class L>
constexpr double nanoseconds_of() {
  if constexpr (requires { L::nanoseconds; }) return L::nanoseconds;
  else return 0.3;
}

template <class L>
constexpr auto options_of() {
  if constexpr (requires { L::options(); }) return L::options();
  else return std::array<option<L>, 0>{};
}

template <class L>
constexpr int operand_count = static_cast<int>(sizeof(L::operands) / sizeof(operand));

}  // namespace fastloss

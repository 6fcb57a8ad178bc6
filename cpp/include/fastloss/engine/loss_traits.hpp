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

// What the formula of a row-wise loss subtracts from the scores of a row; absent: the loss is pointwise.
template <class L>
constexpr row_reference reference_of() {
  if constexpr (requires { L::reference; }) return L::reference;
  else return row_reference::absent;
}

template <class L>
constexpr bool is_mean_over_classes() {
  if constexpr (requires { L::mean_over_classes; }) return L::mean_over_classes;
  else return false;
}

// The row-wise loss whose scores are those of a linear layer here; null: the loss is not of that kind.
template <class L>
constexpr const char* linear_of() {
  if constexpr (requires { L::linear_of; }) return L::linear_of;
  else return nullptr;
}

template <class L>
row_traits row_traits_of(const L& loss) {
  row_traits t;
  if constexpr (requires { loss.label_smoothing; }) t.label_smoothing = loss.label_smoothing;
  if constexpr (requires { loss.linear(); }) t.linear = loss.linear();
  if constexpr (requires { loss.transforms(); }) t.transforms = loss.transforms();
  if constexpr (requires { loss.regularises(); }) t.regularises = loss.regularises();
  if constexpr (requires { loss.distribution_share(); }) t.distribution_share = loss.distribution_share();
  return t;
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

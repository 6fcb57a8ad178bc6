// Whether a call gives or asks for what its loss would ignore. Of a small call every instruction counts: here is what all calls go
// through, without a loop and without words; checks.cpp and output_checks.cpp say what is wrong.
#pragma once

#include <cstddef>

#include "fastloss/engine/call.hpp"

namespace fastloss {

// What the call gives or asks for beside what every call may.
inline unsigned parts_of(const loss_call& call) {
  unsigned parts = call.hessian ? part_hess : 0u;
  if (!call.vector.absent()) parts |= part_vector;
  if (call.extras != 0) parts |= part_extras;
  if (call.call.axis.has_value()) parts |= part_axis;
  if (call.call.ignore_index != call_options{}.ignore_index) parts |= part_ignore_index;
  return parts;
}

// Calls f for the places of an array of operands from the first one on.
template <class F>
FASTLOSS_FN void for_places_from(std::size_t first, const F& f) {
  static_assert(max_operands == 6);
  switch (first) {
    case 0:
      f(0);
      [[fallthrough]];
    case 1:
      f(1);
      [[fallthrough]];
    case 2:
      f(2);
      [[fallthrough]];
    case 3:
      f(3);
      [[fallthrough]];
    case 4:
      f(4);
      [[fallthrough]];
    case 5:
      f(5);
      break;
    default:
      break;
  }
}

// An absent array has a negative rank, and so has the bitwise and of several.
inline bool ignores_inputs(const loss_call& call) {
  const std::size_t operands = call.loss->operands.size(), gradients = static_cast<std::size_t>(call.gradient_count);
  int ranks = -1, beyond = 0;
  for_places_from(operands, [&](std::size_t k) { ranks &= call.operands[k].rank; });
  for_places_from(gradients, [&](std::size_t i) { beyond |= call.gradient_of[i]; });
  return (parts_of(call) & ~call.loss->parts) != 0 || ranks >= 0 || gradients > operands || beyond != 0;
}

inline bool ignores_outputs(const loss_call& call, const loss_outputs& outputs) {
  int ranks = call.value && call.call.reduction == reduction::none ? -1 : outputs.value.rank;
  for_places_from(static_cast<std::size_t>(call.gradient_count), [&](std::size_t i) { ranks &= outputs.gradients[i].rank; });
  if (!call.hessian) ranks &= outputs.hessian.rank;
  const auto& e = outputs.extras;
  if (call.extras == 0) ranks &= e[0].rank & e[1].rank & e[2].rank & e[3].rank & e[4].rank;
  else
    for (std::size_t i = 0; i < row_extra_count; ++i)
      if ((call.extras >> i & 1u) == 0) ranks &= e[i].rank;
  return ranks >= 0;
}

}  // namespace fastloss

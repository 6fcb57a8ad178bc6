// Class indices of a call: one for each unit, or lists of them.
#pragma once

#include <cstdint>
#include <string>

#include "fastloss/engine/class_roles.hpp"
#include "fastloss/engine/plan.hpp"

namespace fastloss {

inline constexpr std::int64_t end_of_list = -1;

// The classes that indices are of: an axis of an operand.
struct class_extent {
  std::size_t count;
  int operand, axis;
};

// Whether an array given for this operand is class indices: where it may be probabilities too, its dtype says so.
inline bool holds_class_indices(const operand& o, const const_array& a) {
  return o.is(class_index | class_list) && !a.absent() && !is_floating(a.type);
}
// Whether the call has class indices, one for each unit.
bool has_class_indices(const loss_call&);

// Class indices are not bool, and not floating.
void check_class_index_dtype(const loss_info&, const operand&, const const_array&);
[[noreturn]] void fail_ignore_index(const loss_call&, const operand&, const char* why);
// ignore_index is given and the operand is no class indices: `why` says what it is.
inline void check_ignore_index(const loss_call& call, const operand& o, const char* why) {
  if (call.call.ignore_index >= 0) fail_ignore_index(call, o, why);
}

// Whether a unit, by its place in C order, is masked.
bool is_masked(const call_plan&, std::size_t unit);
// Whether it is masked, or its class index is that which is ignored.
bool counts_nowhere(const call_plan&, const class_extent&, std::size_t unit);
// The unit that an element of an array with an axis of classes is in.
std::size_t unit_of(const call_plan&, const const_array&, const std::ptrdiff_t* index);

// Throws for the first class index of a unit that counts which is out of range, if there is one.
void check_class_indices(const call_plan&, const class_extent&);
// Of the one at this index of operand k.
[[noreturn]] void fail_class_index_at(const call_plan&, std::size_t k, const class_extent&, const std::ptrdiff_t* index);
// The same where one was found.
[[noreturn]] void fail_class_index(const call_plan&, const class_extent&);

}  // namespace fastloss

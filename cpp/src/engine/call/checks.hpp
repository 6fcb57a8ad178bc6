// Checks that the front doors share. Each throws an error that names the argument, what it got and what it needs.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "engine/call/ignored.hpp"
#include "engine/memory/layout.hpp"
#include "fastloss/engine/call.hpp"

namespace fastloss {

[[noreturn]] void fail_value(const loss_info&, const std::string& what);
[[noreturn]] void fail_type(const loss_info&, const std::string& what);

// The axes of the loss's elements: those that an unreduced value has.
struct element_shape {
  int rank;
  const std::ptrdiff_t* shape;
  const char* of;            // the operand that they are the axes of
  const char* without = "";  // in words, which of its axes are not among them
};

[[noreturn]] void fail_without_loss(const loss_call&);
// The call has a loss, and its options.
inline void check_loss(const loss_call& call) {
  if (call.loss == nullptr || call.options == nullptr) fail_without_loss(call);
}

[[noreturn]] void fail_ignored(const loss_call&, unsigned taken);
// The call asks for nothing, and gives nothing, that the engine would ignore: it takes these parts beside what all engines take.
inline void check_ignored(const loss_call& call, unsigned taken) {
  if (ignores_inputs(call, taken)) fail_ignored(call, taken);
}

void check_options(const loss_info&, const void* options);
[[noreturn]] void fail_rank(const loss_info&, const char* name, const const_array&);
inline void check_rank(const loss_info& loss, const char* name, const const_array& a) {
  if (a.rank > max_rank) fail_rank(loss, name, a);
}
// Tiles hold class indices in integers of the size of the computation dtype.
inline constexpr std::ptrdiff_t most_float32_classes = std::numeric_limits<std::int32_t>::max();
[[noreturn]] void fail_class_count(const loss_info&, int operand, std::ptrdiff_t classes, int axis);
inline void check_class_count(const loss_info& loss, int operand, std::ptrdiff_t classes, int axis, dtype computation) {
  if (classes > most_float32_classes && computation == dtype::float32) fail_class_count(loss, operand, classes, axis);
}
void check_shape(const loss_info&, const char* name, const const_array&, alignment, const element_shape&);
// sample_weight, where, normalizer and grad_output.
void check_call_options(const loss_call&, const element_shape&);
// The operands that gradients are asked for.
void check_gradients(const loss_call&);

}  // namespace fastloss

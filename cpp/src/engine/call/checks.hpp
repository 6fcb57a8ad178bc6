// The checks of call_plan, and those that engines make of their operands. Each throws an error that names the argument, what it got and
// what it needs.
#pragma once

#include <cstdint>
#include <limits>
#include <string>

#include "engine/call/ignored.hpp"
#include "engine/memory/layout.hpp"
#include "fastloss/engine/plan.hpp"

namespace fastloss {

[[noreturn]] void fail_value(const loss_info&, const std::string& what);
[[noreturn]] void fail_type(const loss_info&, const std::string& what);

[[noreturn]] void fail_without_loss(const loss_call&);
// The call has a loss, with an engine and kernels, and its options.
inline void check_loss(const loss_call& call) {
  const loss_info* const loss = call.loss;
  if (loss == nullptr || loss->engine == nullptr || (loss->index < 0 && loss->kernels == nullptr) || call.options == nullptr)
    fail_without_loss(call);
}

[[noreturn]] void fail_ignored(const loss_call&);
// The call asks for nothing, and gives nothing, that the loss would ignore.
inline void check_ignored(const loss_call& call) {
  if (ignores_inputs(call)) fail_ignored(call);
}

// As check_options(), in the library's floating-point mode.
void check_option_values(const loss_info&, const void* options);
[[noreturn]] void fail_rank(const loss_info&, const char* name, const const_array&);
inline void check_rank(const loss_info& loss, const char* name, const const_array& a) {
  if (a.rank > max_rank) fail_rank(loss, name, a);
}
// Whether an operand that is not optional is left out, or one has more axes than are supported.
inline bool has_unusual_operands(const loss_call& call) {
  bool unusual = false;
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k) {
    const int rank = call.operands[k].rank;  // negative: absent
    unusual |= rank > max_rank || (rank < 0 && !call.loss->operands[k].is(optional));
  }
  return unusual;
}
// What must be given is, and has no more axes than are supported.
void check_operands(const loss_call&);

// The promotion of the first `count` operands, of those that are floating: float32 or float64. A bare number decides only where nothing
// else does; integers never do, except as predictions, which count as float64 (NumPy's rule).
inline dtype promoted(const loss_call& call, std::size_t count) {
  bool any = false, wide = false;
  for (std::size_t k = 0; k < count; ++k) {
    const const_array& a = call.operands[k];
    if (a.absent() || a.weak) continue;
    if (is_floating(a.type)) {
      any = true;
      wide |= a.type == dtype::float64;
    } else if (k == 0) {
      any = wide = true;
    }
  }
  return any && !wide ? dtype::float32 : dtype::float64;
}

bool same_shape(const const_array& a, int rank, const std::ptrdiff_t* shape);
[[noreturn]] void fail_shape(const loss_info&, const char* name, const const_array&, const std::string& need);

// Tiles hold class indices in integers of the size of the computation dtype.
inline constexpr std::ptrdiff_t most_float32_classes = std::numeric_limits<std::int32_t>::max();
[[noreturn]] void fail_class_count(const loss_info&, int operand, std::ptrdiff_t classes, int axis);
inline void check_class_count(const loss_info& loss, int operand, std::ptrdiff_t classes, int axis, dtype computation) {
  if (classes > most_float32_classes && computation == dtype::float32) fail_class_count(loss, operand, classes, axis);
}
void check_shape(const loss_info&, const char* name, const const_array&, alignment, const unit_axes&);
// sample_weight, where, normalizer and grad_output.
void check_call_options(const loss_call&, const unit_axes&);
// The operands that gradients are asked for.
void check_gradients(const loss_call&);
// What a second derivative is multiplied with.
void check_vector(const loss_call&);

}  // namespace fastloss

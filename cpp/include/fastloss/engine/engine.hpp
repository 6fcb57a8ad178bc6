// What an engine is to everything beside it: a name, the roles of its operands, its rules for shapes, and what computes. A loss_info
// points at one of these, and nothing else tells engines apart.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <type_traits>

#include "fastloss/engine/call.hpp"

namespace fastloss {

class call_plan;

// The axes of the units of a call: the places with a loss of their own, such as elements or rows. An unreduced value has them, and
// weights and masks of samples are aligned to them.
struct unit_axes {
  int rank;
  const std::ptrdiff_t* shape;
  const char* of;                           // in words: the operand that they are axes of
  const char* without = "";                 // which of its axes are not among them
  const std::ptrdiff_t* strides = nullptr;  // of memory in whose order an unreduced value is to lie; null: C order
};

// What an engine makes of the shapes and dtypes of a call. It never looks at data.
struct call_shape {
  unit_axes units;
  dtype computation;  // float32 or float64
  double work;        // what `cost_ns_per_element` of the loss is the cost of one of
  int class_axis;     // of the first operand, not negative; engines without classes leave it alone
  // Room for the extents of units that no operand has as they are, and for their strides.
  std::array<std::ptrdiff_t, max_rank> extents, strides;

  call_shape() {}  // of a small call every instruction counts: nothing is cleared
};

struct engine {
  const char* name;
  std::span<const char* const> roles;                                   // the names of its flags of operands, from bit 8 on
  void (*shape)(const loss_call&, call_shape&);                         // checks the operands; throws
  double (*run)(const call_plan&, const loss_outputs&, bool in_place);  // `in_place`: an output is one of the operands
  dtype (*value_dtype)(const loss_call&, dtype computation) = nullptr;  // of an unreduced value; null: that of the computation
  std::ptrdiff_t (*batch)(const loss_call&) = nullptr;                  // what "batchmean" divides by; null: the first extent of the units
  bool masks_units = true;  // `where` is aligned to the units; otherwise shape() checks what it is aligned to
};

FASTLOSS_API extern const engine pointwise_engine, rowwise_engine, linear_engine;

// What a loss struct of an engine has to be, what else is known of it, and its kernels: one for each kind of `traits`.
template <class Traits>
struct engine_of;
template <class L>
using engine_of_loss = engine_of<std::remove_cvref_t<decltype(L::traits)>>;

}  // namespace fastloss

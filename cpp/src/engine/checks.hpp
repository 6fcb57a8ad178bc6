// Checks that the front doors share. Each throws an error that names the argument, what it got and what it needs.
#pragma once

#include <string>

#include "engine/layout.hpp"
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

// Parts of a call that not every engine reads.
enum call_part : unsigned {
  second_derivative = 1u,
  vector_of_product = 2u,
  row_extras = 4u,
  axis_of_classes = 8u,
  ignored_class = 16u,  // another than the default
};

// The call has a loss, and its options.
void check_loss(const loss_call&);
// The call asks for nothing, and gives nothing, that the engine would ignore: it takes these parts beside what all engines take.
void check_parts(const loss_call&, unsigned taken);
void check_options(const loss_info&, const void* options);
void check_rank(const loss_info&, const char* name, const const_array&);
// The operand's axis of classes has no more than tiles of the computation dtype can hold the indices of.
void check_class_count(const loss_info&, int operand, const const_array&, int axis, dtype computation);
void check_shape(const loss_info&, const char* name, const const_array&, alignment, const element_shape&);
// sample_weight, where, normalizer and grad_output.
void check_call_options(const loss_call&, const element_shape&);
// The operands that gradients are asked for.
void check_gradients(const loss_call&);

}  // namespace fastloss

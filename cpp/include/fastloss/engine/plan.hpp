// The entry point of every loss: the only place that checks a call, the same for C++ and Python.
//
//   call_plan plan(call);               // checks everything that can be checked without the results' memory; throws
//   ... allocate plan.value(), plan.gradient(k), plan.hessian(), plan.extra(e) ...
//   double value = plan.run(outputs);   // checks the outputs, and class indices, then computes
#pragma once

#include <optional>
#include <span>

#include "fastloss/engine/call.hpp"
#include "fastloss/engine/engine.hpp"

namespace fastloss {

class FASTLOSS_API call_plan {
 public:
  // Keeps a reference to the call; both must outlive run().
  explicit call_plan(const loss_call& call);
  call_plan(const call_plan&) = delete;
  call_plan& operator=(const call_plan&) = delete;

  // With the defaults of operands that were left out.
  const loss_call& call() const { return *call_; }
  const loss_info& loss() const { return *call_->loss; }
  const unit_axes& units() const { return shape_.units; }
  dtype computation() const { return shape_.computation; }  // float32 or float64
  bool reduced() const { return call_->call.reduction != reduction::none; }
  int class_axis() const { return shape_.class_axis; }                               // of the first operand, where the engine has classes
  double cost_ns() const { return shape_.work * call_->loss->cost_ns_per_element; }  // estimated, of value and gradient on one thread

  array_spec value() const;           // of reduction::none; rank 0 otherwise
  array_spec gradient(int i) const;   // of the i-th gradient asked for
  array_spec hessian() const;         // of the second derivative, or of its product with a vector
  array_spec extra(row_extra) const;  // lse of the computation dtype, probabilities of the input's, int64, bool

  // Computes. Returns the reduced value, rounded to the computation dtype (0 where none was asked for). Shapes, dtypes and overlaps
  // of the outputs, and class indices, are checked before anything is written.
  double run(const loss_outputs& outputs) const;

 private:
  std::optional<loss_call> completed_;  // the call with those defaults, if there are any
  const loss_call* call_;
  call_shape shape_;
};

// Writes a reduced value to an array of no axes and a floating dtype, rounded once.
FASTLOSS_API void store_number(double x, const mutable_array& to);

// Throws unless the options are in their ranges; so does every call.
FASTLOSS_API void check_options(const loss_info& loss, const void* options);
// Throws unless `x` may be a default of the operand under these options: for numbers that calls are to take later.
FASTLOSS_API void check_operand_value(const loss_info& loss, const void* options, int operand, double x);

// The registered losses, in the order of losses/registry.hpp.
FASTLOSS_API std::span<const loss_info> registered_losses();
// Null if there is none of that name.
FASTLOSS_API const loss_info* find_loss(const char* name);

// Functions that are no losses, and are computed as such: called with reduction::none, or as the sum over the rows. losses/log_sum_exp.hpp
// and losses/box_matrix.hpp say how. And parts of losses that Python composes.
struct named_function {
  const char* key;  // the function, or its derivative
  loss_info loss;   // under the function's name
};
FASTLOSS_API std::span<const named_function> functions();
// Null if there is none with that key.
FASTLOSS_API const loss_info* find_function(const char* key);

}  // namespace fastloss

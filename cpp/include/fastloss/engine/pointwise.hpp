// The front door of the pointwise losses: the only place that checks a call, the same for C++ and Python.
//
//   pointwise_plan plan(call);          // checks everything that can be checked without the results' memory; throws
//   ... allocate plan.value(), plan.gradient(k), plan.hessian() ...
//   double value = plan.run(outputs);   // checks the outputs, then computes
#pragma once

#include <optional>
#include <span>

#include "fastloss/engine/call.hpp"

namespace fastloss {

class FASTLOSS_API pointwise_plan {
 public:
  // Keeps a reference to the call; both must outlive run().
  explicit pointwise_plan(const loss_call& call);
  pointwise_plan(const pointwise_plan&) = delete;
  pointwise_plan& operator=(const pointwise_plan&) = delete;

  dtype computation() const { return computation_; }  // float32 or float64
  bool reduced() const { return call_->call.reduction != reduction::none; }
  array_spec value() const;          // of reduction::none; rank 0 otherwise
  array_spec gradient(int i) const;  // of the i-th gradient asked for
  array_spec hessian() const;

  // Computes. Returns the reduced value, rounded to the computation dtype (0 where none was asked for).
  // Shapes, dtypes and overlaps of the outputs are checked before anything is written.
  double run(const loss_outputs& outputs) const;

 private:
  double compute(const loss_outputs& outputs) const;

  std::optional<loss_call> completed_;  // the call with the defaults of operands that were left out, if there are any
  const loss_call* call_;
  dtype computation_;
};

// Throws unless `x` may be a default of the operand under these options: for numbers that calls are to take later.
FASTLOSS_API void check_operand_value(const loss_info& loss, const void* options, int operand, double x);

// The registered losses, in the order of losses/registry.hpp.
FASTLOSS_API std::span<const loss_info> registered_losses();
// Null if there is none of that name.
FASTLOSS_API const loss_info* find_loss(const char* name);

}  // namespace fastloss

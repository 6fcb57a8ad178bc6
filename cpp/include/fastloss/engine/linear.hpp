// The front door of the losses of linear scores: a row-wise loss of the scores that a linear layer gives, such as
// linear_cross_entropy. The scores are computed, used and forgotten some rows at a time.
//
// Operands, with D features, C classes, and any axes n before and k behind:
//   input          (n..., D)
//   linear_weight  (C, k..., D)
//   target         class indices (n..., k...) or probabilities (n..., C, k...)
//   linear_bias    (C, k...), may be absent
//   and those of the row-wise loss that have one number for each class.
// The rows' shape is (n..., k...).
//
//   linear_plan plan(call);             // checks everything that can be checked without the results' memory; throws
//   ... allocate plan.value(), plan.gradient(k) ...
//   double value = plan.run(outputs);   // checks the outputs and the class indices, then computes
#pragma once

#include <array>

#include "fastloss/engine/call.hpp"

namespace fastloss {

class FASTLOSS_API linear_plan {
 public:
  // Keeps a reference to the call; both must outlive run().
  explicit linear_plan(const loss_call& call);
  linear_plan(const linear_plan&) = delete;
  linear_plan& operator=(const linear_plan&) = delete;

  dtype computation() const { return computation_; }  // float64 unless input and linear_weight are narrower floats
  bool reduced() const { return call_->call.reduction != reduction::none; }
  array_spec value() const;          // of reduction::none; rank 0 otherwise
  array_spec gradient(int i) const;  // of the i-th gradient asked for

  // Computes. Returns the reduced value, rounded to the computation dtype (0 where none was asked for).
  // Shapes, dtypes and overlaps of the outputs, and class indices, are checked before anything is written.
  double run(const loss_outputs& outputs) const;

 private:
  double compute(const loss_outputs& outputs) const;

  const loss_call* call_;
  dtype computation_;
  int rank_ = 0;                               // of the rows' shape
  std::array<std::ptrdiff_t, max_rank> rows_;  // input's leading axes, then the middle ones of linear_weight
};

}  // namespace fastloss

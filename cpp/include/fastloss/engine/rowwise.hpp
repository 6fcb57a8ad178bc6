// The front door of the row-wise losses: those of a row of class scores, such as cross-entropy.
//
// The classes of the input lie along one axis; every place on the other axes is a row, and has one loss. The rows' shape, the
// input's without the class axis, is that of class indices, of weights and masks of samples, and of an unreduced value. Of an input
// that is one row by itself it is () or, where the loss takes class indices of that shape and they have it, (1,).
//
//   rowwise_plan plan(call);            // checks everything that can be checked without the results' memory; throws
//   ... allocate plan.value(), plan.gradient(k), plan.hessian(), plan.extra(e) ...
//   double value = plan.run(outputs);   // checks the outputs and the class indices, then computes
#pragma once

#include <array>

#include "fastloss/engine/call.hpp"

namespace fastloss {

class FASTLOSS_API rowwise_plan {
 public:
  // Keeps a reference to the call; both must outlive run().
  explicit rowwise_plan(const loss_call& call);
  rowwise_plan(const rowwise_plan&) = delete;
  rowwise_plan& operator=(const rowwise_plan&) = delete;

  dtype computation() const { return computation_; }  // float32 or float64, as the input's dtype says
  bool reduced() const { return call_->call.reduction != reduction::none; }
  int axis() const { return axis_; }  // of the classes, not negative
  int row_rank() const { return row_rank_; }
  const std::ptrdiff_t* rows() const { return rows_.data(); }  // the rows' shape, `row_rank` extents
  array_spec value() const;                                    // of reduction::none; rank 0 otherwise
  array_spec gradient(int i) const;                            // of the i-th gradient asked for
  array_spec hessian() const;                                  // of the second derivative, or of its product with a vector
  array_spec extra(row_extra) const;                           // lse of the computation dtype, probabilities of the input's, int64, bool

  // Computes. Returns the reduced value, rounded to the computation dtype (0 where none was asked for).
  // Shapes, dtypes and overlaps of the outputs, and class indices, are checked before anything is written.
  double run(const loss_outputs& outputs) const;

 private:
  double compute(const loss_outputs& outputs) const;

  const loss_call* call_;
  dtype computation_;
  int axis_, row_rank_ = 0;
  std::array<std::ptrdiff_t, max_rank> rows_;
};

}  // namespace fastloss

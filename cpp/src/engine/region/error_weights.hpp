// Weights of squared errors by their distances from the boundaries of the predicted and of the true region.
#pragma once

#include <cstddef>
#include <memory>

#include "engine/region/job.hpp"

namespace fastloss {

class error_weights {
 public:
  // Nothing, where the loss has none.
  explicit error_weights(const call_plan&);
  // Of the input's shape, in the computation dtype; absent where there are none.
  const const_array& array() const { return array_; }
  // Measures the distances. The job is of these weights, and its masks and class indices are checked.
  void measure(const region_job&);

 private:
  mutable_array like_input(std::byte* numbers) const;
  void threshold(const region_job&, bool of_target, std::byte* regions) const;

  const loss_call& call_;
  const dtype computation_;
  const region_axes axes_;
  const region_form form_;
  std::size_t bytes_ = 0;
  std::ptrdiff_t strides_[max_rank];
  std::unique_ptr<std::byte[]> numbers_{};
  const_array array_{};
};

}  // namespace fastloss

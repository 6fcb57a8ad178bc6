// The last step of a broadcast operand's gradient.
#pragma once

#include "engine/pointwise/job.hpp"

namespace fastloss {

// Scales the sums of a broadcast operand and stores them.
void store_sums(const pointwise_job&, const loss_call&, const gradient_target&, double scale, const mutable_array& to, pointwise_findings&);

}  // namespace fastloss

// Outputs of a pointwise call: their checks, and the last step of a stretched operand's gradient.
#pragma once

#include "engine/pointwise/job.hpp"

namespace fastloss {

// Throws unless every output has the right shape and dtype, and each is exactly an operand or shares no memory with anything
// else. True if an output is an input.
bool check_outputs(const loss_call&, const pointwise_plan&, const loss_outputs&);

// Scales the sums of a stretched operand and stores them.
void store_sums(const pointwise_job&, const loss_call&, const gradient_target&, double scale, const mutable_array& to, pointwise_findings&);

}  // namespace fastloss

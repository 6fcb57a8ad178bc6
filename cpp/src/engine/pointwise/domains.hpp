// Domains of the operands of a pointwise call. What has been checked is no longer in the job's `checked`.
#pragma once

#include "engine/pointwise/job.hpp"

namespace fastloss {

// Checks the operands that are one number; throws value_error for one outside its domain that some element sees.
void check_numbers(const loss_call&, pointwise_job&);

// Checks the others in walks over each of them alone, in parallel, but for those that are checked in the pass unless `all` is set;
// throws value_error.
void check_operands(const loss_call&, pointwise_job&, bool all, int threads);

// Finds the first element outside its operand's domain and throws an error that names it.
[[noreturn]] void fail_domain(const loss_call&, const pointwise_job&);

}  // namespace fastloss

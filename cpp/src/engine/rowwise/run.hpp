// From a checked row-wise call and its outputs to results.
#pragma once

#include "fastloss/engine/plan.hpp"

namespace fastloss {

double run_rowwise(const call_plan&, const loss_outputs&, bool in_place);

}  // namespace fastloss

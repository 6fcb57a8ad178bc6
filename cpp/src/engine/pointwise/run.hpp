// From a checked pointwise call and its outputs to results.
#pragma once

#include "fastloss/engine/plan.hpp"

namespace fastloss {

double run_pointwise(const call_plan&, const loss_outputs&, bool in_place);

}  // namespace fastloss

// From a checked call of a loss of similarities and its outputs to results.
#pragma once

#include "fastloss/engine/plan.hpp"

namespace fastloss {

double run_similarity(const call_plan&, const loss_outputs&, bool in_place);

}  // namespace fastloss

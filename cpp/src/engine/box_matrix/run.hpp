// From a checked call of a function of two sets of boxes and its outputs to results.
#pragma once

#include "fastloss/engine/plan.hpp"

namespace fastloss {

double run_box_matrix(const call_plan&, const loss_outputs&, bool in_place);

}  // namespace fastloss

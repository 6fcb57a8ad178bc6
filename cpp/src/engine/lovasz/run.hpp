// From a checked call of a Lovász loss and its outputs to results.
#pragma once

#include "fastloss/engine/plan.hpp"

namespace fastloss {

double run_lovasz(const call_plan&, const loss_outputs&, bool in_place);

}  // namespace fastloss

// From a checked call of a loss of embeddings and its outputs to results.
#pragma once

#include "fastloss/engine/plan.hpp"

namespace fastloss {

// The axis of features of a call whose embeddings have any.
int feature_axis_of(const loss_call&);

double run_distances(const call_plan&, const loss_outputs&, bool in_place);

}  // namespace fastloss

// Checks of the outputs of a call.
#pragma once

#include "fastloss/engine/plan.hpp"

namespace fastloss {

// In the order of row_extra.
inline constexpr const char* extra_names[row_extra_count] = {"lse", "probabilities", "log_probabilities", "prediction", "correct"};

// Throws unless exactly those outputs are given that the call asks for, each of the right shape and dtype, and exactly an operand or
// without memory in common with anything else. True if an output is an operand.
bool check_outputs(const call_plan&, const loss_outputs&);

}  // namespace fastloss

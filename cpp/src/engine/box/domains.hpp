// The check of boxes that errstate(domain="raise") asks for.
#pragma once

#include "fastloss/engine/plan.hpp"

namespace fastloss {

// Throws where a box of either operand is inverted, unless it belongs to a masked pair.
void check_boxes(const call_plan&);

}  // namespace fastloss

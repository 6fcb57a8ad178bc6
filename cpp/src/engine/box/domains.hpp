// The check of boxes that errstate(domain="raise") asks for.
#pragma once

#include "fastloss/engine/plan.hpp"

namespace fastloss {

// Throws where a box that counts is inverted.
void check_boxes(const call_plan&);

}  // namespace fastloss

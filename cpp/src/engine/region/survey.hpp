// A look at masks and targets before anything is written: which pixels count, and whether what they hold may be.
#pragma once

#include <vector>

#include "engine/region/job.hpp"

namespace fastloss {

// How many pixels of each sample and class count. Throws for the first class index, or number of a mask, that counts and is none; and
// where the call asks for it, for the first number outside the domain of its operand. A mask in which nothing is to be ignored has no more
// to do with ignore_index.
std::vector<double> survey_pixels(const call_plan&, region_job&);

}  // namespace fastloss

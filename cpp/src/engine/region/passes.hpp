// The two walks over the pixels of a part of a sample: the sums that losses need, and the way back from them.
#pragma once

#include "engine/region/block.hpp"
#include "engine/region/terms.hpp"
#include "engine/region/units.hpp"

namespace fastloss {

// Adds to the sums of each class that is kept.
void add_up(const region_job&, region_block&, region_statistics* sums);
// Whether a result was not finite, and someone asked.
bool store_gradients(const region_job&, region_block&, const region_units&, const pixel_terms&);

}  // namespace fastloss

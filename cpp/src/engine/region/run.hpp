// From a checked call of a loss of regions and its outputs to results.
#pragma once

#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/region.hpp"

namespace fastloss {

// The axes of the input: those that are neither of samples nor of classes are of pixels.
struct region_axes {
  int sample_axis, class_axis;  // -1: there is none
  std::ptrdiff_t samples, classes;
};
region_axes axes_of_regions(const loss_call&);
// How probabilities are made of the input: none, sigmoid or softmax.
region_activation activation_of(const loss_call&, const region_form&);
// Whether a pixel counts with all of its classes or with none, as a term of each pixel under a softmax needs it.
bool takes_whole_pixels(const loss_call&);
// The byte strides of `where` over the axes of the input, 0 where it is broadcast; false if its shape does not fit.
bool align_where(const loss_call&, const region_axes&, std::ptrdiff_t* strides);

double run_regions(const call_plan&, const loss_outputs&, bool in_place);

}  // namespace fastloss

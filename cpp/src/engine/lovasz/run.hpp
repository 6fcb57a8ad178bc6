// From a checked call of a Lovász loss and its outputs to results.
#pragma once

#include "fastloss/engine/plan.hpp"

namespace fastloss {

// The axes of the input. Those that are not of classes are of pixels, and are the target's; the first of them is of samples.
struct lovasz_axes {
  int class_axis;  // -1: there is none
  bool has_samples;
  int rank;  // of the axes of pixels
  std::ptrdiff_t shape[max_rank];

  lovasz_axes() {}
};
lovasz_axes axes_of_pixels(const loss_call&);

double run_lovasz(const call_plan&, const loss_outputs&, bool in_place);

}  // namespace fastloss

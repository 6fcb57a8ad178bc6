// Which axes of the operands of a Lovász loss are of classes, samples and pixels.
#pragma once

#include <cstddef>
#include <string>

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
// Throws for an axis of classes that the input does not have.
lovasz_axes axes_of_pixels(const loss_call&);

// As messages name it.
std::string input_text(const loss_call&);

}  // namespace fastloss

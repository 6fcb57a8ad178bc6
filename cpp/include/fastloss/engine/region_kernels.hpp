// The boundary between the region engine and the formulas of its losses.
#pragma once

#include <span>

#include "fastloss/engine/formula_kernels.hpp"

namespace fastloss {

// Sums over the pixels of a unit, in double.
enum : int { region_intersection, region_input, region_target, region_sums };

struct region_statistics {
  double of[region_sums];
  double pixels;
};

// The loss of a unit, and its derivatives in its sums.
struct region_result {
  double value;
  double d1[region_sums];
};

// The term of a class of a pixel, of its logit or of the logarithm of its probability, and its target.
struct pixel_kernels {
  tile_kernel value, gradient, gradient_in_target;
};

// A loss of regions is compiled once: what is done for each pixel is the same for all of them, but for a term of its own.
struct region_kernels {
  region_result (*head)(const void* loss, const region_statistics&);
  // Where all classes of a sample have one index, what their sums are multiplied with; null: each has its own.
  void (*class_weights)(const void* loss, std::span<const double> target_sizes, std::span<double> weights);
  pixel_kernels of_logit[2], of_log_probability[2];  // float32, float64; null: there is no term of a pixel
};

}  // namespace fastloss

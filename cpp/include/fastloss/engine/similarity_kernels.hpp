// The boundary between the similarity engine and the formulas of its losses.
#pragma once

#include <cstddef>

namespace fastloss {

// A loss of similarities is compiled once, for numbers in double: what is done for each pair is the same for all of them.
struct similarity_kernels {
  // Losses of anchors and their derivatives; `excess` is of each anchor. Whole packs.
  void (*of_anchors)(const void* loss, const double* excess, double* values, double* d1, std::size_t count);
};

}  // namespace fastloss

// The boundary between the Lovász engine and the kernels of its losses.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastloss {

// What else is kept of an error: whether its pixel is one of the class, and whether it falls where the input rises.
inline constexpr int lovasz_positive = 1, lovasz_falling = 2;

// Pixels of a class, in the computation dtype; labels and marks are integers of its size. Whole packs.
struct lovasz_tile {
  const void* input;
  const void* labels;  // the pixel's class; negative: it does not count, and has the error 0
  std::int64_t label;  // of the class
  void* errors;
  void* marks;  // of lovasz_positive and lovasz_falling
  std::size_t count;
};

struct lovasz_kernels_of_dtype {
  void (*errors)(const void* loss, const lovasz_tile&);
};
struct lovasz_kernels {
  lovasz_kernels_of_dtype of[2];  // float32, float64
};

}  // namespace fastloss

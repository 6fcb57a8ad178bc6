// The boundary between the keypoint engine and the kernels of its losses.
#pragma once

#include <cstddef>

namespace fastloss {

// Instances of so many keypoints each, one behind the other, in the computation dtype. Arrays with numbers for each keypoint go on to a
// whole number of double packs, of numbers that do not matter. A gradient may be either operand: both are loaded before it is stored.
struct keypoint_tile {
  const void* points[2];  // of input and target, x and y in turn
  std::size_t instances, keypoints;
  const void* inverse_widths;  // of each keypoint of an instance, and zeros to a whole pack: 1 / (2 sqrt(2) sigma)
  const void* areas;           // of each instance, to a whole pack of every instruction set, as those below
  const void* visible;         // weight of each keypoint of each instance; null: ones
  void* value;                 // of each instance, before it is multiplied by the factor
  void* gradients[2];          // in input and target; null: not wanted
  const void* factor;          // of each instance's gradient, which is 0 where this is; null: ones
  double scale;                // of all gradients
  bool streams;                // gradients go past the caches; they are aligned to 16 bytes
  // To compute with: a number for each instance, and for each keypoint of each instance, with room for a pack more.
  void* of_instances;
  void *scales, *terms, *shares, *gradient_shares;
};

using keypoint_kernel = void (*)(const void* loss, const keypoint_tile&);

// Both gradients are one of opposite signs, and a kernel stores those that are wanted.
struct keypoint_kernels_of_dtype {
  keypoint_kernel value, gradients;
};
struct keypoint_kernels {
  keypoint_kernels_of_dtype of[2];  // float32, float64
};

}  // namespace fastloss

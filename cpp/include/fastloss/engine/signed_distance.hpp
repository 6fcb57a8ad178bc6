// The signed Euclidean distance transform of masks, of any rank, dtype and strides, spread over threads.
//
// Outside of the region that a mask is 1 in, the result is the distance to the nearest pixel of the region; inside, minus the distance
// to the nearest pixel outside. A mask that is the same everywhere has no distances: its result is 0. With a spacing of 1 distances are
// exact: square roots of integers, rounded. With another for all axes they are these times the spacing, rounded again. The time is linear
// in the number of pixels, and the same call gives the same bits at any number of threads.
#pragma once

#include <span>

#include "fastloss/core/array.hpp"
#include "fastloss/core/config.hpp"

namespace fastloss {

struct distance_options {
  // Between neighbouring pixels, above 0: one number for every axis that is measured, or one for each, in their order. None is 1.
  std::span<const double> spacing{};
  // Over which distances are measured, negative ones from the last; the other axes are a batch of masks. None is all.
  std::span<const int> axes{};
  int threads = 0;  // 0: get_num_threads()
};

// `mask` is of bool, or has no number but 0 and 1. `out` has its shape, any floating dtype, and shares no memory with it. Errors about
// arguments are thrown before anything is written; memory that runs out, or an interruption, between the masks of a batch leaves `out`
// half written.
FASTLOSS_API void signed_distance(const const_array& mask, const mutable_array& out, const distance_options& = {});

}  // namespace fastloss

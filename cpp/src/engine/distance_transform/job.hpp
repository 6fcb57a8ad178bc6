// A checked call of the distance transform, its axes in the order in which the mask lies in memory.
#pragma once

#include <cstddef>

#include "fastloss/core/array.hpp"
#include "fastloss/engine/signed_distance.hpp"

namespace fastloss {

// Axes of both arrays.
struct paired_axes {
  int rank = 0;
  std::ptrdiff_t shape[max_rank];
  std::ptrdiff_t mask_strides[max_rank], out_strides[max_rank];  // in bytes

  std::size_t count() const;
};

struct distance_job {
  const_array mask;
  mutable_array out;
  paired_axes masks;       // of the batch
  paired_axes pixels;      // that distances are measured over, the last one along memory
  double steps[max_rank];  // squared spacings of these, in `unit`
  double unit;
  bool in_float;  // squared distances in `unit` are integers that float holds
  int threads;
};

// Throws errors that name the argument, what it got and what it needs.
distance_job check_distance_call(const const_array& mask, const mutable_array& out, const distance_options&);

}  // namespace fastloss

// One call of a loss of boxes: where its arrays lie over the pairs.
#pragma once

#include <cstddef>

#include "engine/memory/layout.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/box.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

// An array with a number for each pair, or with those of a box. Strides are in bytes, over the simplified axes of the pairs; an array of
// boxes has that of its numbers behind them, or in place of the last one.
struct box_view {
  char* base = nullptr;  // null: not given
  dtype type = dtype::float32;
  bool byteswapped = false;
  bool in_place = false;  // of boxes: kernels can read and write them where they are
  bool joined = false;    // of boxes: numbers and boxes follow each other at one distance, so that the last axis walks them all
  std::ptrdiff_t strides[max_rank + 1];

  box_view() {}
};

struct box_job {
  const tile_operations* tiles;
  const box_kernels_of_dtype* kernels;
  const void* options;
  std::size_t item;  // bytes of the computation dtype
  int numbers;       // of a box

  int rank;                            // of the axes of the pairs, as few as possible
  std::ptrdiff_t shape[max_rank + 1];  // and last the numbers of a box
  std::ptrdiff_t joined_shape[max_rank + 1];
  std::size_t count;

  box_view boxes[2], gradients[2];  // of input and target
  box_view sample_weight, where, grad_output;
  box_view value;  // of reduction::none
  bool streams, accumulate, check_finite;

  box_job() {}
  strided_run pairs(const box_view& v, std::size_t first, std::size_t n) const { return {rank, shape, v.strides, first, n}; }
  strided_run numbers_of(const box_view& v, std::size_t first, std::size_t n) const {
    const auto each = static_cast<std::size_t>(numbers);
    return {v.joined ? rank : rank + 1, v.joined ? joined_shape : shape, v.strides, each * first, each * n};
  }
};

void build_box_job(const call_plan&, const loss_outputs&, box_job&);

}  // namespace fastloss

// One call of a Lovász loss: where its arrays lie over pixels and classes. Pixels are counted through all samples, in C order of the
// target's axes, whatever the strides are, and so is everything that depends on their order.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fastloss/engine/lovasz_kernels.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/lovasz.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

// An array over pixels, of each class. Strides are in bytes; those of pixels are over their joined axes.
struct lovasz_view {
  char* base = nullptr;  // null: not given
  dtype type = dtype::float32;
  bool byteswapped = false;
  std::ptrdiff_t of_class = 0;
  std::ptrdiff_t strides[max_rank];

  lovasz_view() {}
  char* of(std::size_t c) const { return base + static_cast<std::ptrdiff_t>(c) * of_class; }
};

struct lovasz_job {
  const tile_operations* tiles;
  const row_operations* rows;
  const region_operations* regions;
  const lovasz_kernels_of_dtype* kernels;
  const void* options;
  lovasz_form form;
  std::size_t item;  // bytes of the computation dtype
  bool has_indices;  // the target is of integers: class indices, or a mask, which is read as indices of two classes
  std::int64_t ignore_index;
  std::size_t units, pixels;  // pixels of a unit
  std::size_t classes;
  std::size_t first_class;  // of those that have a loss: of a mask of 0 and 1, 1 has one
  int rank;                 // of the axes of the pixels, as few as possible
  std::ptrdiff_t shape[max_rank];
  lovasz_view input, target, where, gradient;
  bool accumulate, check_finite;

  lovasz_job() {}
  strided_run run(const lovasz_view& v, std::size_t first, std::size_t n) const { return {rank, shape, v.strides, first, n}; }
  // The pixels of a class as `input` has them.
  void load_input(void* tile, std::size_t c, std::size_t first, std::size_t n) const {
    tiles->load[static_cast<int>(input.type)][input.byteswapped](tile, input.of(c - first_class), run(input, first, n));
  }
  void store_gradient(const void* tile, std::size_t c, std::size_t first, std::size_t n) const {
    tiles->store[static_cast<int>(gradient.type)][gradient.byteswapped](tile, gradient.of(c - first_class), run(gradient, first, n), 1.0,
                                                                        accumulate);
  }
};

void build_lovasz_job(const call_plan&, const loss_outputs&, lovasz_job&);

}  // namespace fastloss

// One call of a loss of regions: where its arrays lie over samples, classes and pixels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/region/run.hpp"
#include "fastloss/engines/region.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

// An array over pixels, of each sample and class. Strides are in bytes; those of the pixels are over their simplified axes.
struct region_view {
  char* base = nullptr;  // null: not given
  dtype type = dtype::float32;
  bool byteswapped = false;
  bool direct = false;  // pixels lie as kernels read and write them
  std::ptrdiff_t sample = 0, of_class = 0;
  std::ptrdiff_t strides[max_rank];

  region_view() {}
  char* of(std::size_t n, std::size_t c) const {
    return base + static_cast<std::ptrdiff_t>(n) * sample + static_cast<std::ptrdiff_t>(c) * of_class;
  }
};

struct region_job {
  const tile_operations* tiles;
  const region_operations* regions;
  const row_operations* rows;
  const distance_operations* distances;
  const pixel_kernels* term;  // of each pixel's class; null: the loss has none
  std::size_t item;           // bytes of the computation dtype
  region_form form;
  region_activation activation;  // none, sigmoid or softmax
  bool has_labels;               // the target is class indices
  bool is_mask;                  // the target is one of integers
  bool ignores;                  // pixels of a mask that are ignore_index
  bool whole_pixels;             // a pixel that does not count for one class counts for none
  bool every_pixel_counts;       // for every class
  std::int64_t ignore_index;

  std::size_t samples, classes, first_class, kept, pixels;
  std::size_t block;     // pixels at once
  std::size_t segments;  // parts that the pixels of a sample are cut into
  int rank;              // of the axes of the pixels, as few as possible
  std::ptrdiff_t shape[max_rank];
  region_view input, target, where, gradients[2];
  region_view error_weights;  // of squared errors; not given where the loss has none
  bool streams, accumulate, check_finite, in_place;

  region_job() {}
  bool has_mask() const { return !every_pixel_counts && (where.base != nullptr || has_labels || ignores); }
  bool mask_differs() const { return has_mask() && ((ignores && !whole_pixels) || (where.base != nullptr && where.of_class != 0)); }
  // Class indices under a softmax, whose sums and gradients are made of them as they are.
  bool sums_by_label() const {
    return has_labels && activation == region_activation::softmax && error_weights.base == nullptr && !form.squared &&
           !form.l1_intersection && !mask_differs();
  }
  std::size_t blocks() const { return (pixels + block - 1) / block; }
  strided_run run(const region_view& v, std::size_t first, std::size_t n) const { return {rank, shape, v.strides, first, n}; }
};

// `error_weights` is of the input's shape, or absent.
void build_region_job(const call_plan&, const loss_outputs&, const const_array& error_weights, bool in_place, region_job&);

}  // namespace fastloss

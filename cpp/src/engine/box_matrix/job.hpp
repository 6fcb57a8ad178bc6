// One call of a function of two sets of boxes: where its arrays lie.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "engine/call/output_checks.hpp"
#include "engine/memory/layout.hpp"
#include "fastloss/engines/box_matrix.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

// An array of two axes; strides in bytes.
struct matrix_view {
  char* base = nullptr;  // null: not given
  dtype type = dtype::float32;
  bool byteswapped = false;
  std::array<std::ptrdiff_t, 2> shape{}, strides{};

  matrix_view() = default;
  explicit matrix_view(const const_array& a)
      : base(static_cast<char*>(const_cast<void*>(a.data))),
        type(a.type),
        byteswapped(a.byteswapped),
        shape{a.shape[0], a.shape[1]},
        strides{a.strides[0], a.strides[1]} {}

  // Whole rows.
  strided_run rows(std::size_t first, std::size_t count) const {
    const auto of_each = static_cast<std::size_t>(shape[1]);
    return {2, shape.data(), strides.data(), first * of_each, count * of_each};
  }
  matrix_view transposed() const {
    matrix_view t = *this;
    t.shape = {shape[1], shape[0]};
    t.strides = {strides[1], strides[0]};
    return t;
  }
};

struct box_matrix_job {
  const tile_operations* tiles;
  const box_matrix_kernels_of_dtype* kernels;
  const void* options;
  std::size_t item;  // bytes of the computation dtype
  box_format formats[2];
  matrix_view boxes[2], gradients[2];  // of input and target
  matrix_view grad_output, value;
  double flow;  // grad_output where it is one number, else 1
  bool streams, accumulate, check_finite;
  double cost_ns_per_pair;
  int threads;
  std::vector<char> copies[3];  // of what is read, where an output lies in its place
};

void build_box_matrix_job(const call_plan&, const loss_outputs&, bool in_place, box_matrix_job&);

}  // namespace fastloss

// One call of a function of two sets of boxes: where its arrays lie.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
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
  std::ptrdiff_t count = 0;

  matrix_view() = default;
  explicit matrix_view(const const_array& a)
      : base(static_cast<char*>(const_cast<void*>(a.data))),
        type(a.type),
        byteswapped(a.byteswapped),
        shape{a.shape[0], a.shape[1]},
        strides{a.strides[0], a.strides[1]},
        count(shape[0] * shape[1]) {}

  // Whole rows. Where these lie one behind the other, one walk goes through all of them.
  strided_run rows(std::size_t first, std::size_t rows_of_it) const {
    const std::size_t of_each = static_cast<std::size_t>(shape[1]), start = first * of_each, n = rows_of_it * of_each;
    if (strides[0] == shape[1] * strides[1]) return {1, &count, &strides[1], start, n};
    return {2, shape.data(), strides.data(), start, n};
  }
  bool is_contiguous_in(dtype computation) const {
    const auto item = static_cast<std::ptrdiff_t>(itemsize(computation));
    return type == computation && !byteswapped && strides[1] == item && strides[0] == shape[1] * item &&
           reinterpret_cast<std::uintptr_t>(base) % static_cast<std::uintptr_t>(item) == 0;
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
  bool in_place[2];                    // boxes that kernels can read where they are
  matrix_view grad_output, value;
  double flow;  // grad_output where it is one number, else 1
  bool streams, accumulate, check_finite;
  double cost_ns_per_pair;
  int threads;
  std::vector<char> copies[3];  // of what is read, where an output lies in its place
};

void build_box_matrix_job(const call_plan&, const loss_outputs&, bool in_place, box_matrix_job&);

}  // namespace fastloss

// The boundary between the box-matrix engine and the kernels of its functions.
#pragma once

#include <cstddef>

#include "fastloss/engine/box_kernels.hpp"
#include "fastloss/engine/padding.hpp"

namespace fastloss {

// Boxes of a tile: its numbers are 10 KiB in float32, 20 in float64, and stay in an L1 cache while box after box meets them.
inline constexpr std::size_t matrix_tile_boxes = 512;
// What a box is prepared as: x1, y1, x2, y2 and its area, each in an array of its own of `matrix_tile_boxes` numbers.
inline constexpr int prepared_numbers = 5;
// Rows of a tile are padded to whole packs of every instruction set.
constexpr std::size_t padded_columns(std::size_t count) { return padded_to(most_pack, count); }

// Some boxes of one set, each of which meets all boxes of a tile of the other. Boxes are prepared, in the computation dtype.
struct box_matrix_tile {
  const void* rows;  // of the one set, and which of them
  std::size_t first_row, row_count;
  const void* columns;  // of the other, padded with boxes of zeros
  std::size_t column_count;
  void* value;         // a row of `column_count` numbers behind the other, and room for a pack behind the last; null: not wanted
  const void* factor;  // of each pair's gradient, which is 0 where this is: rows padded with zeros; null: ones
  double* sums;        // four for each row, to which the sums of its pairs' derivatives in its corners are added
};

// From records of four numbers, a whole number of packs, to prepared boxes.
using box_preparation = void (*)(box_format, const void* records, std::size_t count, void* boxes);
using box_matrix_kernel = void (*)(const void* function, const box_matrix_tile&);

// Rows are the input's boxes, and the target's in `in_target`, which gives no value.
struct box_matrix_kernels_of_dtype {
  box_preparation prepare;
  box_matrix_kernel value, in_input, in_target;
};
struct box_matrix_kernels {
  box_matrix_kernels_of_dtype of[2];  // float32, float64
};

}  // namespace fastloss

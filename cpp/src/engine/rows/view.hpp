// Rows of a call and the arrays over them: what all engines of rows know of where things lie.
#pragma once

#include <cstddef>

#include "engine/memory/layout.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

// An array with one element for each row. Strides are in bytes, over the simplified row axes.
struct row_view {
  char* base = nullptr;  // null: not given
  dtype type = dtype::float32;
  bool byteswapped = false;
  std::ptrdiff_t strides[max_rank];

  row_view() {}
};

// An array with one element for each class of each row. Over the row axes, and last the class axis.
struct class_view : row_view {
  std::ptrdiff_t class_stride = 0;
  bool in_place = false;    // tiles can lie in the caller's memory
  bool transposes = false;  // rows of neighbouring classes, at equal distances: a tile is made in registers
  bool streams = false;
  bool accumulates = false;  // a result is added to what is there

  class_view() {}
};

// The rows of a call, and how tiles are cut of them.
struct rows_of_call {
  const row_operations* rows;
  const row_operations_of_arrangement* arranged;
  const tile_operations* tiles;
  std::size_t item;  // bytes of the computation dtype
  arrangement how;

  int rank;                            // of the row axes, as few as possible
  std::ptrdiff_t shape[max_rank + 1];  // and last the number of classes
  std::size_t row_count, classes;
  std::size_t run_rows;                  // rows that are neighbours in memory
  std::size_t tile_rows, tiles_per_run;  // of a tile; tiles of a run
  std::size_t tile_count;
  int cut_threads;  // that share each row; 0: a thread has whole rows
};

}  // namespace fastloss

// What one instruction set offers: the only thing that its objects export.
#pragma once

#include <cstddef>

#include "fastloss/core/array.hpp"
#include "fastloss/engine/elementary.hpp"
#include "fastloss/engine/pointwise_kernels.hpp"

namespace fastloss {

// Where a run of elements lies: position `start` to `start + count` of a walk in C order over `rank` axes.
struct strided_run {
  int rank;
  const std::ptrdiff_t* shape;
  const std::ptrdiff_t* strides;  // in bytes
  std::size_t start;
  std::size_t count;
};

// Gathers a run of any dtype into a contiguous tile of the computation dtype.
using load_kernel = void (*)(void* tile, const void* base, const strided_run&);
// Scatters a tile, times a scale, to a run of any floating dtype; adds to what is there if asked.
using store_kernel = void (*)(const void* tile, void* base, const strided_run&, double scale, bool accumulate);

// Operations on tiles of one computation dtype S; counts are whole packs except where said.
struct tile_operations {
  load_kernel load[dtype_count][2];    // [byteswapped]
  store_kernel store[dtype_count][2];  // null for the dtypes that hold no gradient
  // Streaming stores to contiguous memory of dtype S: any count; lines written in part get ordinary stores.
  void (*stream)(const void* tile, void* destination, std::size_t count, double scale);
  // Adds a run of the tile to doubles through strides, 0 where an operand was stretched.
  void (*scatter_add)(const void* tile, double* base, const strided_run&);
  void (*fill)(void* tile, double value, std::size_t count);
  // c * a, and 0 where c is 0.
  void (*multiply)(void* out, const void* c, const void* a, std::size_t count);
  // alpha * a + beta * b, where b may be null (then the constant 1).
  void (*combine)(void* out, double alpha, const void* a, double beta, const void* b, std::size_t count);
  // a where the mask is not 0, `otherwise` where it is.
  void (*blend)(void* out, const void* mask, const void* a, double otherwise, std::size_t count);
  // a, but NaN where `from` is NaN.
  void (*propagate_nan)(void* out, const void* from, const void* a, std::size_t count);
  double (*sum)(const void* tile, std::size_t count);
  bool (*outside)(const void* tile, const domain&, std::size_t count);  // any element outside the domain
  bool (*nonfinite)(const void* tile, std::size_t count);               // any element infinite or NaN; any count
};

struct tile_operations_of_dtypes {
  tile_operations of[2];  // float32, float64
};

struct elementary_table {
  const elementary_function* functions;
  std::size_t count;
};

struct kernel_table {
  const char* isa;
  const loss_kernels* const* pointwise;  // in the order of the registry
  const tile_operations* tiles;          // float32, float64
  const elementary_table* elementary;
};

}  // namespace fastloss

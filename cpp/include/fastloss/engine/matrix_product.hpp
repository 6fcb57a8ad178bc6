// Products of matrices of any dtype and strides, in a computation dtype, spread over threads: for engines that multiply, and
// for whoever links the library.
//
// Both operands are packed into panels, in the caches; the kernels of the instruction set multiply panels. How a product is cut
// depends on its shape alone, and every result is summed in a fixed order, so that any number of threads gives the same bits.
#pragma once

#include <cstddef>
#include <memory>

#include "fastloss/core/array.hpp"
#include "fastloss/core/config.hpp"

namespace fastloss {

struct matrix {
  const void* data;
  std::size_t rows, columns;
  std::ptrdiff_t row_stride, column_stride;  // in bytes; may be 0 or negative
  dtype type;
  bool byteswapped = false;

  matrix transposed() const { return {data, columns, rows, column_stride, row_stride, type, byteswapped}; }
};

// Where a product goes: rows of numbers of the computation dtype, apart from the operands.
struct product_target {
  void* data;
  std::size_t stride;           // from row to row, in numbers
  bool accumulate = false;      // adds to what is there
  const void* first = nullptr;  // a row that is added to every row of the product, unless it accumulates; or null
};

// Memory for partial sums (10 MiB at most), kept from one product to the next.
class FASTLOSS_API product_workspace {
 public:
  void* get(std::size_t bytes);

 private:
  struct release {
    void operator()(std::byte* p) const;
  };
  std::unique_ptr<std::byte, release> memory_{};
  std::size_t bytes_ = 0;
};

// to = left right, where left.columns == right.rows. `computation` is float32 or float64, `threads` 0 for the default.
FASTLOSS_API void multiply_matrices(const product_target& to, const matrix& left, const matrix& right, dtype computation, int threads,
                                    product_workspace& workspace);

}  // namespace fastloss

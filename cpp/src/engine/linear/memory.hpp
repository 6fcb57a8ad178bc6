// Memory of a call of a loss of linear scores: scores, copies of operands, gradients on their way to the outputs.
#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "engine/linear/rows.hpp"
#include "engine/memory/scratch_block.hpp"
#include "fastloss/engine/matrix_product.hpp"

namespace fastloss {

// An array whose last axis is features, as a matrix; nothing if its other axes are no one walk.
std::optional<matrix> as_matrix(const const_array& a);

// linear_weight as a matrix with a line for each score of a sample: in place, or copied where its axes are no one walk.
class score_weights {
 public:
  score_weights(const const_array& weight, const linear_shape& shape, dtype computation, int threads);
  const matrix& view() const { return view_; }

 private:
  scratch_block copy_;
  matrix view_;
};

// Where the gradient in linear_weight is added up: in the output itself if it can be, else in memory that is stored at the end.
class weight_gradient {
 public:
  weight_gradient(const mutable_array& out, const loss_call& call, const linear_shape& shape, dtype computation);
  // For the next product; the first one overwrites, unless the call accumulates.
  product_target next();
  // Zeros if there was no product; true if a number is not finite, where that is to be checked.
  bool finish();

 private:
  const mutable_array& out_;
  const loss_call& call_;
  const linear_shape& shape_;
  const dtype type_;
  scratch_block own_;
  std::byte* data_;
  std::size_t stride_;
  bool in_place_;
  bool begun_ = false;
};

// Whether an output is exactly an array that the call reads, other than operand `except`.
bool is_an_input(const mutable_array& out, const loss_call& call, int except);

}  // namespace fastloss

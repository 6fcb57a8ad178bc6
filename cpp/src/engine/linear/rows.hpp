// What a loss of linear scores knows of its rows before the scores: class indices, weights, masks, the denominator.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engine/linear/operands.hpp"
#include "fastloss/engine/plan.hpp"

namespace fastloss {

// Sizes of a call: `samples` lines of the input, each with `places` rows (one, unless linear_weight has axes in the middle).
struct linear_shape {
  std::size_t samples, places, classes, features;
  int leading, inner, rank;       // axes of the samples, of the places, and of both together
  const std::ptrdiff_t* of_rows;  // `rank` extents

  std::size_t rows() const { return samples * places; }
  std::size_t scores() const { return classes * places; }  // of a sample
};

linear_shape shape_of(const call_plan&);

// One number for each row, in C order; empty where all are the same.
struct linear_rows {
  std::vector<std::int64_t> labels;  // -1: ignored; empty where the target is probabilities
  std::vector<double> sample_weight, grad_output;
  std::vector<char> counts;  // 0: masked, ignored, or of no weight; the row is not computed
  double denominator = 1.0;
  double upstream = 1.0;              // the scalar part of the gradient flowing in, divided by the denominator
  std::vector<std::size_t> computed;  // the samples that have a row that counts
  bool divides_by_zero = false;
};

// Throws index_error where a class index is out of range, and value_error for a mean over nothing where that is asked for.
linear_rows read_rows(const call_plan&, const linear_operands& of, const linear_shape& shape);

}  // namespace fastloss

// One row-wise call as the driver sees it: arrays over rows and classes, how tiles lie, and what to compute on each.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/memory/layout.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/rowwise.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

// An array with one element for each row. Strides are in bytes, over the simplified row axes.
struct row_walk {
  char* base = nullptr;  // null: not given
  dtype type = dtype::float32;
  bool byteswapped = false;
  std::ptrdiff_t strides[max_rank];

  row_walk() {}
};

// An array with one element for each class of each row. Over the row axes, and last the class axis.
struct class_walk : row_walk {
  std::ptrdiff_t class_stride = 0;
  bool in_place = false;    // tiles can lie in the caller's memory
  bool transposes = false;  // rows of neighbouring classes, at equal distances: a tile is made in registers
  bool streams = false;
  bool accumulates = false;  // a result is added to what is there

  class_walk() {}
};

// What an array with one number for each class of each row is.
enum class distribution_kind : unsigned char { none, shares, logits };

// A gradient that is stored tile by tile, or added up for each class.
struct row_gradient {
  int operand;
  enum class kind : unsigned char { input, target, weight, logit_argument } of;
  class_walk to;               // input and target
  std::vector<double> sums{};  // the others

  row_gradient() : operand(0), of(kind::input) {}
};

struct row_job {
  const rowwise_loss* loss;
  double nanoseconds;  // of a class of a row
  const void* options;
  row_features traits;
  const row_operations* rows;
  const row_operations_of_arrangement* arranged;
  const tile_operations* tiles;
  const formula_kernels* picked_kernels;  // of value(u, 1)
  const formula_kernels* dense_kernels;   // of value(u, t)
  const row_kernels* row_formulas;
  std::size_t item;
  arrangement how;

  int rank;                            // of the row axes
  std::ptrdiff_t shape[max_rank + 1];  // and last the number of classes
  std::size_t row_count, classes;
  std::size_t tile_rows, tiles_per_run, run_rows, tile_count;

  class_walk input, distribution, lists, vector;
  row_walk labels, sample_weight, where, grad_output, value;
  bool has_labels, has_lists;
  distribution_kind distribution_as;
  double distribution_share;  // of the formula of every class; the label's own term, if there is one, has the rest
  std::int64_t ignore_index;
  std::vector<char> weights, logit_argument;  // of the classes, in the computation dtype; empty: not given
  double weight_sum;
  bool dense;         // the formula is evaluated for every class
  bool by_products;   // that formula is linear, and its sum and derivative are made of sums of products
  bool row_weighted;  // the weight of the target class multiplies the whole row

  row_gradient gradient_list[max_operands];
  std::span<row_gradient> gradients;  // those asked for
  bool hessian;                       // the diagonal, or with `vector` a product
  class_walk hessian_to;
  class_walk probabilities, log_probabilities;
  row_walk lse, prediction, correct;
  bool has_extras;
  bool accumulate, check_finite;
  int cut_threads;  // that share each row; 0: a thread has whole rows

  row_job() {}
  row_job(const row_job&) = delete;
  row_job& operator=(const row_job&) = delete;
  const void* weight_data() const { return weights.empty() ? nullptr : weights.data(); }
};

// What one walk over the rows is to do.
struct row_pass {
  bool value = false;
  bool outputs = false;        // gradients, second derivatives and what is given beside the value
  double d_sum = 1.0;          // d head / d S, times the scalar part of grad_output
  double d_denominator = 0.0;  // d head / d D, likewise
};

struct row_findings {
  std::atomic<bool> nonfinite{false};
};

// Computes one tile; returns the sum of its values. `class_sums`: for each gradient that has sums, where to add to.
double run_row_tile(const row_job&, const row_pass&, std::size_t tile, double* const* class_sums, row_findings&);

}  // namespace fastloss

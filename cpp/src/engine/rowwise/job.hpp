// One row-wise call as the driver sees it: arrays over rows and classes, how tiles lie, and what to compute on each.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/rows/view.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/rowwise.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

// How the loss of a row is evaluated: chosen once for a call, from its operands and options.
enum class strategy : unsigned char {
  shift_term,      // there are no targets: the loss is the term of the row's shift
  label,           // the formula of the label's class alone, one row to a lane
  smoothed_label,  // the same where the formula is linear and the target smoothed: the other classes are a sum of their scores
  classes,         // the formula of every class
  products,        // the same where the formula is linear: sums of products of targets and scores, and no formula
  lists,           // the formula of the classes that a row does not list, relative to each that it lists
};

// What the weights of the classes multiply.
enum class weighting : unsigned char {
  none,
  rows,   // each row by the weight of its label
  terms,  // the term of each class
};

// What an array with one number for each class of each row is.
enum class distribution_kind : unsigned char { none, probabilities, logits };

// A gradient that is stored tile by tile, or added up for each class.
struct row_gradient {
  int operand;
  enum class kind : unsigned char { input, target, weight, logit_argument } of;
  class_view to;               // input and target
  std::vector<double> sums{};  // the others

  row_gradient() : operand(0), of(kind::input) {}
};

struct row_job : rows_of_call {
  const rowwise_loss* loss;
  double cost_ns_per_element;  // of a class of a row
  const void* options;
  row_features traits;
  const formula_kernels* label_kernels;  // of value(u, 1)
  const formula_kernels* class_kernels;  // of value(u, t)
  const row_kernels* row_formulas;
  class_view input, distribution, lists, vector;
  row_view labels, sample_weight, where, grad_output, value;
  bool has_labels;
  distribution_kind distribution_as;
  double mix_weight;  // of the formula of every class; the label's own term, if there is one, has the rest
  std::int64_t ignore_index;
  std::vector<char> weights, logit_argument;  // of the classes, in the computation dtype; empty: not given
  double weight_sum;
  strategy evaluation;
  weighting weights_multiply;
  bool has_label_term;  // the label's own term beside the formula of every class

  row_gradient gradient_list[max_operands];
  std::span<row_gradient> gradients;  // those asked for
  bool hessian;                       // the diagonal, or with `vector` a product
  class_view hessian_to;
  class_view probabilities, log_probabilities;
  row_view lse, prediction, correct;
  bool has_extras;
  bool accumulate, check_finite;

  // The formula is evaluated for every class, or what stands for that.
  bool of_classes() const { return evaluation >= strategy::classes; }
  // The derivative of the shift is a distribution over the classes.
  bool has_probabilities() const { return loss->shift == row_shift::log_sum_exp || loss->shift == row_shift::sparsemax; }
  // A second derivative is that of the formula.
  bool has_d2() const { return evaluation != strategy::shift_term && !traits.linear; }

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

// One pointwise call as the driver sees it: arrays over a simplified iteration, and what to compute on each tile.
#pragma once

#include <atomic>
#include <cstddef>

#include "engine/memory/layout.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

// Elements of a block: the unit that threads are handed, with one partial sum each. Fixed, so that the bits of a sum do not
// depend on the number of threads.
inline constexpr std::size_t block_elements = 8192;

// Up to this many sums of a broadcast operand, each task keeps a copy of its own; above, tasks share the operand out.
inline constexpr std::size_t small_sum_count = 4096;

// One array over the iteration.
struct walk {
  char* base = nullptr;
  dtype type = dtype::float32;
  bool byteswapped = false;
  enum class kind : unsigned char { none, contiguous, constant, strided } how = kind::none;
  double number = 0;                 // of a constant
  std::ptrdiff_t strides[max_rank];  // bytes; left uninitialised beyond the rank

  walk() {}
};

// Where a gradient goes.
struct gradient_target {
  int operand;          // of the call
  int source;           // operand of the formula whose derivative it is; weight_source for torch's weight
  double sign;          // -1 for the target of a loss of the difference
  bool in_denominator;  // the denominator of the mean depends on this operand
  bool broadcast;       // summed over axes: accumulated in doubles, stored at the end
  bool streams;         // streaming stores
  bool direct;          // the kernel writes the scaled gradient where it belongs, with no tile in between
  double* sums;         // of a broadcast operand, one per element
  std::size_t sum_count;
  walk to;  // the output, or the sums of a broadcast operand
};
inline constexpr int weight_source = -1;

// What the denominator of a mean is the sum of, over the elements; constant: it is known without a sum.
enum class summed_for_mean : unsigned char { constant, mask, sample_weight, all_weights, terms };

struct pointwise_job {
  const loss_info* loss;
  const tile_operations* ops;
  const formula_kernels* kernels;
  const void* options;
  std::size_t item;                 // bytes of the dtype that the kernels compute in
  const tile_operations* wide_ops;  // the same in float64, for tiles that overflow in float32
  const formula_kernels* wide_kernels;
  double least_sum;  // a tile whose float32 sum is smaller is summed again in float64

  int rank;
  std::ptrdiff_t shape[max_rank];
  std::size_t count;

  int operand_total;  // of the call
  walk operands[max_operands];
  unsigned checked;              // bits of the operands whose domain is to be checked
  domain domains[max_operands];  // theirs
  double filler[max_operands];   // inside the domain: stands in for masked elements in checks, and for what a tile has beyond its end
  int formula[max_operands];     // call operand of each formula operand
  int formula_total;
  int weight_operand;  // the operand that multiplies from outside, or -1
  walk sample_weight, where, grad_output;

  summed_for_mean divides;
  walk value;  // for reduction::none
  bool value_streams;
  int gradient_total;
  gradient_target gradients[max_operands];
  walk hessian;
  bool hessian_streams;
  bool accumulate;
  bool check_finite;

  pointwise_job() {}
  bool is_checked(int operand) const { return (checked >> operand & 1u) != 0; }
};

// What one walk over the elements is to do.
struct pointwise_pass {
  bool value = false;  // sum the values, or store them where the job has a place for them
  bool denominator = false;
  bool gradients = false;
  int only_gradient = -1;  // all of them, or one
  bool hessian = false;
  bool check_domains = false;
  double d_sum = 1.0;          // d head / d S, times the scalar part of grad_output
  double d_denominator = 0.0;  // d head / d D, likewise
};

// What threads find: set, never cleared.
struct pointwise_findings {
  std::atomic<bool> outside{false};
  std::atomic<bool> nonfinite{false};
};

// The part of the iteration that one task walks.
struct pointwise_range {
  const std::ptrdiff_t* shape;  // of the box
  std::ptrdiff_t offset_axis;   // the box starts here on axis `split_axis`
  int split_axis;               // -1: the box is everything
  std::size_t first, last;      // elements of the box, in C order
};

struct block_sums {
  double sum, denominator;

  block_sums& operator+=(const block_sums& other) {
    sum += other.sum;
    denominator += other.denominator;
    return *this;
  }
};

// Walks a range in tiles. `sums` are private to the task or to the elements it alone touches.
block_sums run_range(const pointwise_job&, const pointwise_pass&, const pointwise_range&, double* const sums[max_operands],
                     pointwise_findings&);

// Walks everything, in parallel; the sums are added in the order of the blocks.
block_sums run_pass(const pointwise_job&, const pointwise_pass&, pointwise_findings&, int threads);

// Sums the gradient of one broadcast operand whose sums are too many for private copies.
void run_large_broadcast(const pointwise_job&, const pointwise_pass&, int gradient, pointwise_findings&, int threads);

}  // namespace fastloss

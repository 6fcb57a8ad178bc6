// One call of a loss, for every engine: what goes in, what is asked for, where it goes.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "fastloss/core/array.hpp"
#include "fastloss/core/loss.hpp"

namespace fastloss {

enum class reduction : std::uint8_t { none, mean, sum, batchmean };
enum class normalizer : std::uint8_t { automatic, count, weight, number };
enum class empty_policy : std::uint8_t { ignore, raise, zero };

// As an axis of classes: there is none, whatever the rank.
inline constexpr int no_axis = max_rank;

// The options that every loss takes.
struct call_options {
  fastloss::reduction reduction = fastloss::reduction::mean;
  const_array sample_weight{};                                        // aligned to the leading axes of the input
  const_array where{};                                                // bool, aligned to the leading axes; false: masked
  fastloss::normalizer normalizer = fastloss::normalizer::automatic;  // what replaces the denominator of the mean
  double normalizer_value = 1.0;                                      // for normalizer::number; > 0
  const_array grad_output{};     // the gradient flowing in: 0-d for a reduced value, the value's shape for "none"
  bool accumulate = false;       // add to gradients and second derivatives instead of overwriting them
  bool raise_nonfinite = false;  // errstate(nonfinite="raise"): value_error if the value or a gradient is not finite
  bool raise_domain = false;     // errstate(domain="raise"): check every declared domain
  empty_policy empty = empty_policy::ignore;
  int threads = 0;  // 0: get_num_threads()
  // Losses of classes only.
  std::optional<int> axis{};  // of the classes; may be negative, or of regions no_axis. Default: 1; of an input with few axes 0 or none
  std::int64_t ignore_index = -100;  // rows with this class index count nowhere
};

// What a row-wise loss gives beside its value, row by row.
enum class row_extra : std::uint8_t { lse, probabilities, log_probabilities, prediction, correct };
inline constexpr int row_extra_count = 5;

struct loss_call {
  const loss_info* loss = nullptr;
  const void* options = nullptr;  // the loss struct
  std::array<const_array, max_operands> operands{};
  call_options call{};
  bool value = true;
  bool statistics = false;  // in place of a mean, alone: what it is the quotient of
  int gradient_count = 0;   // gradients asked for, of these operands, without repetition
  std::array<int, max_operands> gradient_of{};
  bool hessian = false;  // the diagonal second derivative in the first operand
  // Row-wise losses only: the product of the second derivative with this array of the input's shape, in place of the diagonal.
  const_array vector{};
  unsigned extras = 0;  // bits 1 << row_extra
};

struct array_spec {
  dtype type;
  int rank;
  const std::ptrdiff_t* shape;
  const std::ptrdiff_t* strides = nullptr;  // of memory in whose order the array may lie, so that a walk follows both; null: C order
};

// What a mean is the quotient of: the sum of the losses, weighted as in "sum", and the denominator; in double, whatever computes.
struct loss_statistics {
  double sum, denominator;
};

struct loss_outputs {
  mutable_array value{};                                // for reduction::none, when the value is asked for
  std::array<mutable_array, max_operands> gradients{};  // in the order of gradient_of
  mutable_array hessian{};
  std::array<mutable_array, row_extra_count> extras{};  // by row_extra
  loss_statistics* statistics = nullptr;                // of a call that asks for them
};

}  // namespace fastloss

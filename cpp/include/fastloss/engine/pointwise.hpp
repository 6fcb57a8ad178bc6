// The front door of the pointwise losses: the only place that checks a call, the same for C++ and Python.
//
//   pointwise_plan plan(call);          // checks everything that can be checked without the results' memory; throws
//   ... allocate plan.value(), plan.gradient(k), plan.hessian() ...
//   double value = plan.run(outputs);   // checks the outputs, then computes
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

// The options that every loss takes.
struct call_options {
  fastloss::reduction reduction = fastloss::reduction::mean;
  const_array sample_weight{};                                        // aligned to the leading axes of the input
  const_array where{};                                                // bool, aligned to the leading axes; false: masked
  fastloss::normalizer normalizer = fastloss::normalizer::automatic;  // what replaces the denominator of the mean
  double normalizer_value = 1.0;                                      // for normalizer::number; > 0
  const_array grad_output{};     // the gradient flowing in: 0-d for a reduced value, the input's shape for "none"
  bool accumulate = false;       // add to the outputs instead of overwriting them
  bool raise_nonfinite = false;  // errstate(nonfinite="raise"): value_error if the value or a gradient is not finite
  bool raise_domain = false;     // errstate(domain="raise"): check every declared domain
  empty_policy empty = empty_policy::ignore;
  int threads = 0;  // 0: get_num_threads()
};

struct pointwise_call {
  const loss_info* loss = nullptr;
  const void* options = nullptr;  // the loss struct
  std::array<const_array, max_operands> operands{};
  call_options call{};
  bool value = true;
  int gradient_count = 0;  // gradients asked for, of these operands, without repetition
  std::array<int, max_operands> gradient_of{};
  bool hessian = false;  // of the first operand
};

struct array_spec {
  dtype type;
  int rank;
  const std::ptrdiff_t* shape;
};

struct pointwise_outputs {
  mutable_array value{};                                // for reduction::none, when the value is asked for
  std::array<mutable_array, max_operands> gradients{};  // in the order of gradient_of
  mutable_array hessian{};
};

class FASTLOSS_API pointwise_plan {
 public:
  // Keeps a reference to the call; both must outlive run().
  explicit pointwise_plan(const pointwise_call& call);
  pointwise_plan(const pointwise_plan&) = delete;
  pointwise_plan& operator=(const pointwise_plan&) = delete;

  dtype computation() const { return computation_; }  // float32 or float64
  bool reduced() const { return call_->call.reduction != reduction::none; }
  array_spec value() const;          // of reduction::none; rank 0 otherwise
  array_spec gradient(int i) const;  // of the i-th gradient asked for
  array_spec hessian() const;

  // Computes. Returns the reduced value, rounded to the computation dtype (0 where none was asked for).
  // Shapes, dtypes and overlaps of the outputs are checked before anything is written.
  double run(const pointwise_outputs& outputs) const;

 private:
  std::optional<pointwise_call> completed_;  // the call with the defaults of operands that were left out, if there are any
  const pointwise_call* call_;
  dtype computation_;
};

// Throws unless `x` may be a default of the operand under these options: for numbers that calls are to take later.
FASTLOSS_API void check_operand_value(const loss_info& loss, const void* options, int operand, double x);

// The registered losses, in the order of losses/registry.hpp.
FASTLOSS_API std::span<const loss_info> registered_losses();
// Null if there is none of that name.
FASTLOSS_API const loss_info* find_loss(const char* name);

}  // namespace fastloss

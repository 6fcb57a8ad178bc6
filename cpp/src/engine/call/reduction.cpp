#include "engine/call/reduction.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

divisor choose_divisor(const loss_call& call) {
  const call_options& c = call.call;
  if (c.reduction == reduction::batchmean) return divisor::first_extent;
  if (c.reduction != reduction::mean) return divisor::one;
  switch (c.normalizer) {
    case normalizer::number:
      return divisor::given;
    case normalizer::count:
      return divisor::count;
    case normalizer::weight:
      return divisor::weights;
    case normalizer::automatic:
      break;
  }
  switch (call.loss->mean_over) {
    case denominator::weight:
      return divisor::weights;
    case denominator::term:
      return divisor::terms;
    case denominator::count:
      break;
  }
  return divisor::samples;
}

double denominator_of(const call_plan& plan, const unit_sums& sums) {
  switch (choose_divisor(plan.call())) {
    case divisor::first_extent:
      return static_cast<double>(plan.units().shape[0]);
    case divisor::given:
      return plan.call().call.normalizer_value;
    case divisor::count:
      return sums.count;
    case divisor::samples:
      return sums.samples;
    case divisor::weights:
      return sums.weights;
    case divisor::one:
    case divisor::terms:  // a pointwise loss adds these up itself
      break;
  }
  return 1.0;
}

bool is_over_nothing(const call_plan& plan, double denominator) {
  if (!plan.reduced() || denominator != 0.0) return false;
  const loss_call& call = plan.call();
  if (call.call.empty == empty_policy::raise)
    fail_value(plan.loss(), std::string("the ") + (call.call.reduction == reduction::mean ? "mean" : "batchmean") +
                                " is over nothing: " + plan.loss().operands[0].name + " has shape " +
                                shape_text(call.operands[0].rank, call.operands[0].shape) + " and the denominator is 0");
  return true;
}

double value_over_nothing(const call_plan& plan) {
  return plan.call().call.empty == empty_policy::zero ? 0.0 : std::numeric_limits<double>::quiet_NaN();
}

double scalar_flow(const loss_call& call) {
  const const_array& g = call.call.grad_output;
  if (g.rank != 0) return 1.0;
  double flow;
  active_kernels().tiles[1].load[static_cast<int>(g.type)][g.byteswapped](&flow, g.data, {0, nullptr, nullptr, 0, 1});
  return flow;
}

double finished_value(const call_plan& plan, double value) {
  if (plan.computation() == dtype::float32) value = static_cast<double>(static_cast<float>(value));
  if (plan.call().call.raise_nonfinite && !std::isfinite(value)) fail_value(plan.loss(), "the loss is not finite: " + number_text(value));
  return value;
}

void check_finite(const call_plan& plan, bool nonfinite) {
  if (nonfinite) fail_value(plan.loss(), "a result is not finite");
}

}  // namespace fastloss

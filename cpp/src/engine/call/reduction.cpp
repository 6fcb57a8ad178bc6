#include "engine/call/reduction.hpp"

#include <cmath>
#include <limits>
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "engine/memory/layout.hpp"
#include "fastloss/runtime/floating_point.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

void fail_over_nothing(const call_plan& plan) {
  const loss_call& call = plan.call();
  fail_value(plan.loss(), std::string("the ") + (call.call.reduction == reduction::mean ? "mean" : "batchmean") +
                              " is over nothing: " + plan.loss().operands[0].name + " has shape " +
                              shape_text(call.operands[0].rank, call.operands[0].shape) + " and the denominator is 0");
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

std::vector<double> numbers_of_units(const call_plan& plan, const const_array& a) {
  const unit_axes& units = plan.units();
  std::vector<double> all(element_count(units.rank, units.shape), 1.0);
  if (a.absent()) return all;
  std::ptrdiff_t strides[max_rank];
  align_strides(a, alignment::leading, units.rank, units.shape, strides);
  active_kernels().tiles[1].load[static_cast<int>(a.type)][a.byteswapped](all.data(), a.data,
                                                                          {units.rank, units.shape, strides, 0, all.size()});
  return all;
}

double finished_value(const call_plan& plan, double value) {
  if (plan.computation() == dtype::float32) value = static_cast<double>(static_cast<float>(value));
  if (plan.call().call.raise_nonfinite && !std::isfinite(value)) fail_value(plan.loss(), "the loss is not finite: " + number_text(value));
  return value;
}

double finished_statistics(const call_plan& plan, const loss_outputs& outputs, const loss_statistics& found) {
  *outputs.statistics = found;
  return finished_value(plan, found.sum);
}

void store_number(double x, const mutable_array& to) {
  const standard_floating_point mode;
  active_kernels().tiles[1].store[static_cast<int>(to.type)][to.byteswapped](&x, to.data, {0, nullptr, nullptr, 0, 1}, 1.0, false);
}

void check_finite(const call_plan& plan, bool nonfinite) {
  if (nonfinite) fail_value(plan.loss(), "a result is not finite");
}

}  // namespace fastloss

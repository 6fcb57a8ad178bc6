#include "engine/outputs.hpp"

#include <string>

#include "engine/messages.hpp"
#include "engine/output_checks.hpp"
#include "fastloss/core/errors.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
bool check_outputs(const loss_call& call, const pointwise_plan& plan, const loss_outputs& outputs) {
  const loss_info& loss = *call.loss;
  output_checker checker(loss);
  if (call.value && !plan.reduced()) checker.add(outputs.value, plan.value(), "out for the value", nullptr);
  for (int i = 0; i < call.gradient_count; ++i)
    checker.add(outputs.gradients[static_cast<std::size_t>(i)], plan.gradient(i), "out for the gradient of",
                loss.operands[static_cast<std::size_t>(call.gradient_of[static_cast<std::size_t>(i)])].name);
  if (call.hessian) checker.add(outputs.hessian, plan.hessian(), "out for the second derivative", nullptr);
  checker.check_apart();
  return checker.against_inputs(call);
}

void store_sums(const pointwise_job& job, const loss_call& call, const gradient_target& t, double scale, const mutable_array& to,
                pointwise_findings& findings) {
  // In double until the last step: a sum may be finite only after it is scaled.
  for (std::size_t i = 0; i < t.sum_count; ++i) t.sums[i] = scale == 0.0 ? 0.0 : t.sums[i] * scale;
  const const_array& a = call.operands[static_cast<std::size_t>(t.operand)];
  const tile_operations& wide = active_kernels().tiles[1];
  if (job.check_finite && wide.nonfinite(t.sums, t.sum_count)) findings.nonfinite.store(true);
  wide.store[static_cast<int>(to.type)][to.byteswapped](t.sums, to.data, {a.rank, a.shape, to.strides, 0, t.sum_count}, 1.0,
                                                        job.accumulate);
}

void fail_domain(const loss_call& call, const domain domains[max_operands]) {
  const loss_info& loss = *call.loss;
  const const_array& input = call.operands[0];
  const tile_operations& wide = active_kernels().tiles[1];
  std::ptrdiff_t strides[max_rank], mask_strides[max_rank];
  const bool masked = !call.call.where.absent();
  if (masked) align_strides(call.call.where, alignment::leading, input.rank, input.shape, mask_strides);
  const auto read = [&](const const_array& a, const std::ptrdiff_t* s, std::size_t i) {
    double x;
    wide.load[static_cast<int>(a.type)][a.byteswapped](&x, a.data, {input.rank, input.shape, s, i, 1});
    return x;
  };
  for (std::size_t k = 0; k < loss.operands.size(); ++k) {
    if (domains[k].everything() || call.operands[k].absent()) continue;
    const operand& o = loss.operands[k];
    align_strides(call.operands[k], alignment_of(o), input.rank, input.shape, strides);
    for (std::size_t i = 0; i < element_count(input.rank, input.shape); ++i) {
      if (masked && read(call.call.where, mask_strides, i) == 0.0) continue;
      const double x = read(call.operands[k], strides, i);
      if (domains[k].contains(x)) continue;
      std::ptrdiff_t index[max_rank];
      index_at(i, input.rank, input.shape, index);
      const std::string text = std::string(loss.name) + ": " + o.name + " must be " + domain_text(domains[k]) + ", got " +
                               number_text(x, call.operands[k].type) + " at index " + shape_text(input.rank, index);
      if (o.is(integer)) throw index_error(text);
      throw value_error(text);
    }
  }
  throw value_error(std::string(loss.name) + ": an operand was outside its domain, and changed while it was checked");
}

}  // namespace fastloss

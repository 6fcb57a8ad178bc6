#include "engine/pointwise/outputs.hpp"

#include "engine/call/output_checks.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {

bool check_outputs(const loss_call& call, const pointwise_plan& plan, const loss_outputs& outputs) {
  const loss_info& loss = *call.loss;
  check_ignored(call, outputs);
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

}  // namespace fastloss

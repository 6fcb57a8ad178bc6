// From a checked row-wise call and its outputs to results: class indices are checked and the denominator is summed first, then one
// pass over the rows computes everything.
#include "engine/rowwise/run.hpp"

#include <vector>

#include "engine/call/parts.hpp"
#include "engine/call/reduction.hpp"
#include "engine/rowwise/layout.hpp"
#include "engine/rowwise/outputs.hpp"

namespace fastloss {
namespace {

// Walks all tiles, in parallel.
double run_tiles(row_job& job, const row_pass& pass, row_findings& findings, int threads) {
  std::size_t class_sums = 0;
  if (pass.outputs)
    for (const row_gradient& g : job.gradients) class_sums += g.sums.size();
  std::vector<double> copies;
  const double cost_ns = job.cost_ns_per_element * static_cast<double>(job.row_count) * static_cast<double>(job.classes);
  const auto run_tile = [&](std::size_t t, double* copy) {
    double* places[max_operands] = {};
    for (std::size_t g = 0; class_sums > 0 && g < job.gradients.size(); ++g) {
      places[g] = copy;
      copy += job.gradients[g].sums.size();
    }
    return run_row_tile(job, pass, t, places, findings);
  };
  const double total = run_parts<double>({job.tile_count, class_sums, cost_ns, threads, job.cut_threads > 0}, copies, run_tile);
  for (auto from = copies.begin(); from != copies.end();)
    for (row_gradient& g : job.gradients)
      for (double& s : g.sums) s += *from++;
  return total;
}

}  // namespace

double run_rowwise(const call_plan& plan, const loss_outputs& outputs, bool) {
  const loss_call& call = plan.call();
  const call_options& options = call.call;
  row_job job;
  build_row_job(plan, outputs, job);
  check_row_domains(plan);
  const double denominator = denominator_of(plan, measure_rows(plan, job));
  const bool nothing = is_over_nothing(plan, denominator);

  row_findings findings;
  row_pass pass{.value = call.value, .outputs = call.gradient_count > 0 || call.hessian || call.extras != 0};
  const double flow = scalar_flow(call);
  pass.d_sum = !plan.reduced() ? flow : nothing ? 0.0 : flow / denominator;
  // The denominator's derivative in the weights needs the value first.
  bool weights_in_denominator = false;
  for (const row_gradient& g : job.gradients)
    weights_in_denominator |= g.of == row_gradient::kind::weight && choose_divisor(call) == divisor::weights && job.has_labels;
  double sum = 0.0;
  if (weights_in_denominator && !nothing) {
    sum = run_tiles(job, {.value = true}, findings, options.threads);
    pass.value = false;
    pass.d_denominator = -sum / denominator * (flow / denominator);
    if (pass.d_sum == 0.0) pass.d_denominator = 0.0;
  }
  if (pass.value || pass.outputs) {
    const double total = run_tiles(job, pass, findings, options.threads);
    if (pass.value) sum = total;
  }
  store_class_sums(call, job, outputs, findings);

  double value = 0.0;
  if (call.statistics) value = finished_statistics(plan, outputs, {sum, denominator});
  else if (call.value && plan.reduced()) value = finished_value(plan, nothing ? value_over_nothing(plan) : sum / denominator);
  check_finite(plan, findings.nonfinite.load());
  return value;
}

}  // namespace fastloss

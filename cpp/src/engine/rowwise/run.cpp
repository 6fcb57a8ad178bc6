// From a checked row-wise call and its outputs to results: class indices are checked and the denominator is summed first, then one
// pass over the rows computes everything.
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "engine/call/messages.hpp"
#include "engine/memory/streaming.hpp"
#include "engine/rowwise/layout.hpp"
#include "engine/rowwise/outputs.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/runtime/interruption.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// Copies of sums over classes: at most so many numbers in all, whatever the number of threads.
constexpr std::size_t most_copies = 64, most_copied_numbers = std::size_t{1} << 22;
constexpr std::size_t sums_on_stack = 128;

[[noreturn]] void fail(const loss_info& loss, const std::string& what) { throw value_error(std::string(loss.name) + ": " + what); }

double serial_nanoseconds(const row_job& job) {
  return job.loss->nanoseconds * static_cast<double>(job.row_count) * static_cast<double>(job.classes);
}

// Walks all tiles, in parallel; sums are added in the order of the tiles.
double run_tiles(row_job& job, const row_pass& pass, row_findings& findings, int threads) {
  std::size_t class_sums = 0;
  if (pass.outputs)
    for (const row_gradient& g : job.gradients) class_sums += g.sums.size();
  std::size_t tasks = job.tile_count;
  if (class_sums > 0) tasks = std::min(tasks, std::max<std::size_t>(1, std::min(most_copies, most_copied_numbers / class_sums)));
  std::vector<double> copies(class_sums * tasks);
  double on_stack[sums_on_stack];
  std::unique_ptr<double[]> on_heap;
  double* sums = on_stack;
  if (job.tile_count > sums_on_stack) {
    on_heap.reset(new double[job.tile_count]);
    sums = on_heap.get();
  }
  const auto run_task = [&](std::size_t task) {
    double* places[max_operands] = {};
    double* next = copies.data() + task * class_sums;
    for (std::size_t g = 0; class_sums > 0 && g < job.gradients.size(); ++g) {
      places[g] = next;
      next += job.gradients[g].sums.size();
    }
    for (std::size_t t = task * job.tile_count / tasks; t < (task + 1) * job.tile_count / tasks; ++t)
      sums[t] = run_row_tile(job, pass, t, places, findings);
    finish_streaming();
  };
  if (job.cut_threads > 0)
    for (std::size_t task = 0; task < tasks; ++task) {
      const interruptible not_inside(nullptr);  // what runs in an interruption may need this thread's scratch
      run_task(task);
    }
  else parallel_for(tasks, serial_nanoseconds(job), threads, run_task);
  const double* from = copies.data();
  for (std::size_t task = 0; class_sums > 0 && task < tasks; ++task)
    for (row_gradient& g : job.gradients)
      for (double& s : g.sums) s += *from++;
  double total = 0.0;
  for (std::size_t t = 0; t < job.tile_count; ++t) total += sums[t];
  return total;
}

}  // namespace

double rowwise_plan::compute(const loss_outputs& outputs) const {
  const loss_call& call = *call_;
  const call_options& options = call.call;
  const loss_info& loss = *call.loss;
  check_row_outputs(call, *this, outputs);
  row_job job;
  build_row_job(call, *this, outputs, job);
  check_row_domains(call, *this, job);
  const row_denominators found = measure_rows(call, *this, job, options.threads);

  double denominator = 1.0;
  bool by_weights = false;
  if (options.reduction == reduction::batchmean) {
    denominator = static_cast<double>(rows_[0]);
  } else if (options.reduction == reduction::mean) {
    by_weights =
        options.normalizer == normalizer::weight || (options.normalizer == normalizer::automatic && loss.share == denominator::weight);
    denominator = options.normalizer == normalizer::number  ? options.normalizer_value
                  : options.normalizer == normalizer::count ? found.kept
                  : by_weights                              ? found.weights
                                                            : found.samples;
  }
  const bool reduced = options.reduction != reduction::none;
  if (reduced && denominator == 0.0 && options.empty == empty_policy::raise)
    fail(loss, std::string("the ") + (options.reduction == reduction::mean ? "mean" : "batchmean") +
                   " is over nothing: " + loss.operands[0].name + " has shape " +
                   shape_text(call.operands[0].rank, call.operands[0].shape) + " and the denominator is 0");

  row_findings findings;
  const bool wants_outputs = call.gradient_count > 0 || call.hessian || call.extras != 0;
  row_pass pass{.value = call.value, .outputs = wants_outputs};
  double upstream = 1.0;
  if (options.grad_output.rank == 0) {
    const const_array& g = options.grad_output;
    active_kernels().tiles[1].load[static_cast<int>(g.type)][g.byteswapped](&upstream, g.data, {0, nullptr, nullptr, 0, 1});
  }
  double sum = 0.0;
  const bool nothing = reduced && denominator == 0.0;
  pass.by_sum = !reduced ? upstream : nothing ? 0.0 : upstream / denominator;
  // The denominator's derivative in the weights needs the value first.
  bool weights_in_denominator = false;
  for (const row_gradient& g : job.gradients) weights_in_denominator |= g.of == row_gradient::kind::weight && by_weights && job.has_labels;
  if (weights_in_denominator && !nothing) {
    sum = run_tiles(job, {.value = true}, findings, options.threads);
    pass.value = false;
    pass.by_denominator = -sum / denominator * (upstream / denominator);
    if (pass.by_sum == 0.0) pass.by_denominator = 0.0;
  }
  if (pass.value || pass.outputs) {
    const double total = run_tiles(job, pass, findings, options.threads);
    if (pass.value) sum = total;
  }
  store_class_sums(call, job, outputs, findings);

  double value = 0.0;
  if (call.value && reduced) {
    value = !nothing ? sum / denominator : options.empty == empty_policy::zero ? 0.0 : std::numeric_limits<double>::quiet_NaN();
    if (computation_ == dtype::float32) value = static_cast<double>(static_cast<float>(value));
    if (options.raise_nonfinite && !std::isfinite(value)) fail(loss, "the loss is not finite: " + number_text(value));
  }
  if (findings.nonfinite.load()) fail(loss, "a result is not finite");
  return value;
}

}  // namespace fastloss

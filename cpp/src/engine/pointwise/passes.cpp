// The outer part of the pointwise driver: blocks over threads, and sums whose bits do not depend on how many there are.
#include <algorithm>
#include <vector>

#include "engine/call/parts.hpp"
#include "engine/pointwise/job.hpp"
#include "fastloss/runtime/threads.hpp"

namespace fastloss {
namespace {

bool has_private_sums(const pointwise_job& job, int g) {
  return job.gradients[g].broadcast && job.gradients[g].sum_count <= small_sum_count;
}

bool has_private_sums(const pointwise_job& job) {
  for (int g = 0; g < job.gradient_total; ++g)
    if (has_private_sums(job, g)) return true;
  return false;
}

double serial_cost_ns(const pointwise_job& job, const pointwise_pass& pass) {
  double per_element = pass.value || pass.gradients || pass.hessian ? job.loss->cost_ns_per_element : 0.05;
  if (pass.gradients) per_element += 0.1 * (job.gradient_total - 1);
  return per_element * static_cast<double>(job.count);
}

}  // namespace

block_sums run_pass(const pointwise_job& job, const pointwise_pass& pass, pointwise_findings& findings, int threads) {
  const std::size_t blocks = (job.count + block_elements - 1) / block_elements;
  if (blocks <= 1 && !(pass.gradients && has_private_sums(job))) {  // a small call needs no partial sums
    block_sums all{};
    double* none[max_operands] = {};
    parallel_for(1, 0.0, threads, [&](std::size_t) { all = run_range(job, pass, {job.shape, 0, -1, 0, job.count}, none, findings); });
    return all;
  }
  std::size_t copied = 0;
  if (pass.gradients)
    for (int g = 0; g < job.gradient_total; ++g)
      if (has_private_sums(job, g)) copied += job.gradients[g].sum_count;

  std::vector<double> copies;
  const auto run_block = [&](std::size_t b, double* copy) {
    double* sums[max_operands] = {};
    if (pass.gradients)
      for (int g = 0; g < job.gradient_total; ++g)
        if (has_private_sums(job, g)) {
          sums[g] = copy;
          copy += job.gradients[g].sum_count;
        }
    const std::size_t first = b * block_elements;
    return run_range(job, pass, {job.shape, 0, -1, first, std::min(job.count, first + block_elements)}, sums, findings);
  };
  const block_sums total = run_parts<block_sums>({blocks, copied, serial_cost_ns(job, pass), threads, false}, copies, run_block);

  for (auto from = copies.begin(); from != copies.end();)
    for (int g = 0; g < job.gradient_total; ++g)
      if (has_private_sums(job, g))
        for (std::size_t i = 0; i < job.gradients[g].sum_count; ++i) job.gradients[g].sums[i] += *from++;
  return total;
}

void run_large_broadcast(const pointwise_job& job, const pointwise_pass& pass, int g, pointwise_findings& findings, int threads) {
  const gradient_target& target = job.gradients[g];
  // Tasks share the longest axis that the operand has itself: no two of them touch the same sum.
  int split = -1;
  for (int axis = 0; axis < job.rank; ++axis)
    if (target.to.strides[axis] != 0 && (split < 0 || job.shape[axis] > job.shape[split])) split = axis;
  const std::size_t extent = static_cast<std::size_t>(job.shape[split]);
  const std::size_t least = split == job.rank - 1 ? tile_elements : 1;  // whole tiles of neighbours in memory
  const std::size_t tasks = std::max<std::size_t>(1, std::min<std::size_t>(most_copies, extent / least));
  pointwise_pass only = pass;
  only.only_gradient = g;
  const auto run_task = [&](std::size_t task) {
    const std::size_t from = task * extent / tasks, to = (task + 1) * extent / tasks;
    std::ptrdiff_t shape[max_rank];
    std::copy(job.shape, job.shape + job.rank, shape);
    shape[split] = static_cast<std::ptrdiff_t>(to - from);
    double* sums[max_operands] = {};
    sums[g] = target.sums;
    const pointwise_range box{shape, static_cast<std::ptrdiff_t>(from), split, 0, job.count / extent * (to - from)};
    run_range(job, only, box, sums, findings);
  };
  parallel_for(tasks, serial_cost_ns(job, only), threads, run_task);
}

}  // namespace fastloss

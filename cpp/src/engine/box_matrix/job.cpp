#include "engine/box_matrix/job.hpp"

#include <cstdint>

#include "engine/call/reduction.hpp"
#include "fastloss/runtime/memory.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// The same numbers in memory of the job's own, in the computation dtype.
void copy(const box_matrix_job& job, matrix_view& v, dtype computation, std::vector<char>& to) {
  const auto rows = static_cast<std::size_t>(v.shape[0]), columns = static_cast<std::size_t>(v.shape[1]);
  to.resize(rows * columns * job.item);
  job.tiles->load[static_cast<int>(v.type)][v.byteswapped](to.data(), v.base, v.rows(0, rows));
  v.base = to.data();
  v.type = computation;
  v.byteswapped = false;
  v.strides = {static_cast<std::ptrdiff_t>(columns * job.item), static_cast<std::ptrdiff_t>(job.item)};
}

// As the box engine chooses: a value that the last-level cache does not hold, of rows that lie side by side in pages that exist.
bool streams(const call_plan& plan, const box_matrix_job& job, const mutable_array& value) {
  if (job.value.base == nullptr || value.type != plan.computation() || value.byteswapped || !value.recycled) return false;
  if (job.value.strides[1] != static_cast<std::ptrdiff_t>(job.item) || reinterpret_cast<std::uintptr_t>(value.data) % job.item != 0 ||
      job.value.strides[0] % static_cast<std::ptrdiff_t>(job.item) != 0)
    return false;
  return static_cast<std::size_t>(value.shape[0]) * static_cast<std::size_t>(value.shape[1]) * job.item > streaming_bytes();
}

}  // namespace

void build_box_matrix_job(const call_plan& plan, const loss_outputs& outputs, bool in_place, box_matrix_job& job) {
  const loss_call& call = plan.call();
  const kernel_table& table = active_kernels();
  const bool wide = plan.computation() == dtype::float64;
  job.tiles = &table.tiles[wide];
  job.kernels = &kernels_of<box_matrix_kernels>(plan.loss(), table).of[wide];
  job.options = call.options;
  job.item = itemsize(plan.computation());
  const int fmt = box_loss_of(plan.loss()).fmt(call.options);
  for (int k = 0; k < 2; ++k) {
    job.formats[k] = format_of(fmt, k);
    job.boxes[k] = matrix_view(call.operands[static_cast<std::size_t>(k)]);
  }
  for (std::size_t g = 0; g < static_cast<std::size_t>(call.gradient_count); ++g)
    job.gradients[call.gradient_of[g]] = matrix_view(view_of(outputs.gradients[g]));
  if (call.call.grad_output.rank > 0) job.grad_output = matrix_view(call.call.grad_output);
  if (call.value) job.value = matrix_view(view_of(outputs.value));
  job.flow = scalar_flow(call);
  job.streams = streams(plan, job, outputs.value);
  job.accumulate = call.call.accumulate;
  job.check_finite = call.call.raise_nonfinite;
  job.cost_ns_per_pair = plan.loss().cost_ns_per_element;
  job.threads = call.call.threads;
  if (in_place) {
    for (int k = 0; k < 2; ++k) copy(job, job.boxes[k], plan.computation(), job.copies[k]);
    if (job.grad_output.base != nullptr) copy(job, job.grad_output, plan.computation(), job.copies[2]);
  }
  for (int k = 0; k < 2; ++k) job.in_place[k] = job.boxes[k].is_contiguous_in(plan.computation());
}

}  // namespace fastloss

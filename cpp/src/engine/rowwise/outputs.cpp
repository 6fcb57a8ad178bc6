#include "engine/rowwise/outputs.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>

#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "engine/call/parts.hpp"
#include "engine/rowwise/lists.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// Rows of one block of the first walk, with one partial sum each: some 8 us of work, which is worth a thread. Those that are loaded
// together have 6 KiB of labels, masks and weights on the stack, in L1.
constexpr std::size_t block_rows = 4096, rows_at_once = 256;
constexpr double cost_ns_per_row = 2.0;  // estimated, on one thread
// Numbers that are held against a domain together: 2 KiB on the stack.
constexpr std::size_t numbers_at_once = 256;

class_extent classes_of(const call_plan& plan) {
  return {static_cast<std::size_t>(plan.call().operands[0].shape[plan.class_axis()]), 0, plan.class_axis()};
}

// Throws for a number outside its operand's domain, unless its row counts nowhere.
void check_counts_nowhere(const call_plan& plan, std::size_t k, std::size_t place, double x) {
  const loss_call& call = plan.call();
  const loss_info& loss = plan.loss();
  const operand& o = loss.operands[k];
  const const_array& a = call.operands[k];
  std::ptrdiff_t index[max_rank];
  index_at(place, a.rank, a.shape, index);
  if (!o.is(per_class) && counts_nowhere(plan, classes_of(plan), unit_of(plan, a, index))) return;
  throw value_error(std::string(loss.name) + ": " + o.name + " must be " + domain_text(loss.values_of(call.options, static_cast<int>(k))) +
                    ", got " + number_text(x, a.type) + " at index " + shape_text(a.rank, index));
}

// The partial sums of one block of rows.
class block_walker {
 public:
  block_walker(const row_job& job, std::size_t first, std::size_t last) : job_(job), first_(first), last_(last) {}

  unit_sums run(std::atomic<bool>& outside) {
    unit_sums sums{0.0, 0.0, 0.0};
    for (std::size_t at = first_; at < last_; at += rows_at_once) {
      const std::size_t n = last_ - at < rows_at_once ? last_ - at : rows_at_once;
      add(at, n, sums, outside);
    }
    return sums;
  }

 private:
  void add(std::size_t at, std::size_t n, unit_sums& sums, std::atomic<bool>& outside) {
    const bool indexed = job_.has_labels, plain = job_.where.base == nullptr && job_.sample_weight.base == nullptr;
    std::int64_t labels[rows_at_once];
    if (indexed && plain) {
      if (!load_labels(labels, at, n)) outside.store(true, std::memory_order_relaxed);
      if (job_.weights.empty()) {
        std::int64_t left_out = 0;
        for (std::size_t i = 0; i < n; ++i) left_out += labels[i] >> 63;
        const double kept = static_cast<double>(static_cast<std::int64_t>(n) + left_out);
        sums.count += kept;
        sums.samples += kept;
        sums.weights += kept;
        return;
      }
    }
    double counts[rows_at_once], samples[rows_at_once];
    load(job_.where, at, n, counts);
    load(job_.sample_weight, at, n, samples);
    for (std::size_t i = 0; i < n; ++i) {
      if (counts[i] == 0.0) continue;  // a masked row's class index is not looked at
      if (indexed && !plain && !load_labels(labels + i, at + i, 1)) outside.store(true, std::memory_order_relaxed);
      if (indexed && labels[i] < 0) continue;
      sums.count += 1.0;
      sums.samples += samples[i];
      sums.weights += indexed && !job_.weights.empty() && samples[i] != 0.0 ? samples[i] * weight(labels[i]) : samples[i];
    }
  }

  bool load_labels(std::int64_t* to, std::size_t at, std::size_t n) const {
    const row_view& w = job_.labels;
    return active_kernels().rows[1].load_labels[static_cast<int>(w.type)][w.byteswapped](
        to, w.base, {job_.rank, job_.shape, w.strides, at, n}, static_cast<std::int64_t>(job_.classes), job_.ignore_index);
  }

  // Ones where there is nothing to load.
  void load(const row_view& w, std::size_t at, std::size_t n, double* to) const {
    if (w.base == nullptr)
      for (std::size_t i = 0; i < n; ++i) to[i] = 1.0;
    else active_kernels().tiles[1].load[static_cast<int>(w.type)][w.byteswapped](to, w.base, {job_.rank, job_.shape, w.strides, at, n});
  }

  double weight(std::int64_t c) const {
    return job_.item == sizeof(double) ? reinterpret_cast<const double*>(job_.weights.data())[c]
                                       : static_cast<double>(reinterpret_cast<const float*>(job_.weights.data())[c]);
  }

  const row_job& job_;
  const std::size_t first_, last_;
};

}  // namespace

void check_row_domains(const call_plan& plan) {
  const loss_call& call = plan.call();
  const tile_operations& wide = active_kernels().tiles[1];
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k) {
    const operand& o = call.loss->operands[k];
    const const_array& a = call.operands[k];
    if (a.absent() || (o.is(class_index) && !is_floating(a.type))) continue;
    const domain values = call.loss->values_of(call.options, static_cast<int>(k));
    if (values.everything() || !(values.always || call.call.raise_domain)) continue;
    alignas(tile_alignment) double numbers[numbers_at_once];
    const std::size_t count = element_count(a.rank, a.shape);
    for (std::size_t first = 0; first < count; first += numbers_at_once) {
      const std::size_t n = std::min(numbers_at_once, count - first);
      wide.load[static_cast<int>(a.type)][a.byteswapped](numbers, a.data, {a.rank, a.shape, a.strides, first, n});
      wide.fill(numbers + n, NAN, numbers_at_once - n);
      if (!wide.outside(numbers, values, numbers_at_once)) continue;
      for (std::size_t i = 0; i < n; ++i)
        if (!values.contains(numbers[i])) check_counts_nowhere(plan, k, first + i, numbers[i]);
    }
  }
}

unit_sums measure_rows(const call_plan& plan, const row_job& job) {
  const int threads = plan.call().call.threads;
  if (job.evaluation == strategy::lists && !lists_are_in_range(job, threads)) fail_class_index(plan, classes_of(plan));
  const bool constant = !job.has_labels && job.where.base == nullptr && job.sample_weight.base == nullptr;
  const double count = static_cast<double>(job.row_count);
  if (constant) return {count, count, count};
  const std::size_t blocks = (job.row_count + block_rows - 1) / block_rows;
  std::atomic<bool> outside{false};
  std::vector<double> no_copies;
  const unit_sums total =
      run_parts<unit_sums>({blocks, 0, cost_ns_per_row * count, threads, false}, no_copies, [&](std::size_t b, double*) {
        return block_walker(job, b * block_rows, std::min(job.row_count, (b + 1) * block_rows)).run(outside);
      });
  if (outside.load()) fail_class_index(plan, classes_of(plan));
  return total;
}

void store_class_sums(const loss_call& call, row_job& job, const loss_outputs& outputs, row_findings& findings) {
  const tile_operations& wide = active_kernels().tiles[1];
  for (std::size_t g = 0; g < job.gradients.size(); ++g) {
    row_gradient& from = job.gradients[g];
    if (from.of != row_gradient::kind::weight && from.of != row_gradient::kind::logit_argument) continue;
    const const_array& a = call.operands[static_cast<std::size_t>(from.operand)];
    const mutable_array& to = outputs.gradients[g];
    if (a.rank == 0) {  // one number for all classes
      double sum = 0.0;
      for (const double s : from.sums) sum += s;
      from.sums.assign(1, sum);
    }
    if (job.check_finite && wide.nonfinite(from.sums.data(), from.sums.size())) findings.nonfinite.store(true);
    wide.store[static_cast<int>(to.type)][to.byteswapped](from.sums.data(), to.data, {a.rank, a.shape, to.strides, 0, from.sums.size()},
                                                          1.0, job.accumulate);
  }
}

}  // namespace fastloss

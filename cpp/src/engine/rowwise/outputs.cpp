#include "engine/rowwise/outputs.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <string>

#include "engine/call/messages.hpp"
#include "engine/call/output_checks.hpp"
#include "engine/rowwise/lists.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// Rows of one block of the first walk, with one partial sum each.
constexpr std::size_t block_rows = 4096, rows_at_once = 256;
// Numbers that are held against a domain together.
constexpr std::size_t numbers_at_once = 256;
constexpr std::size_t blocks_on_stack = 32;
constexpr double nanoseconds_per_row = 2.0;

// Whether a row, by its place in C order over the rows' axes, is masked.
bool is_masked(const loss_call& call, const rowwise_plan& plan, std::size_t row) {
  const const_array& where = call.call.where;
  if (where.absent()) return false;
  std::ptrdiff_t strides[max_rank];
  align_strides(where, alignment::leading, plan.row_rank(), plan.rows(), strides);
  double kept;
  active_kernels().tiles[1].load[static_cast<int>(where.type)][where.byteswapped](&kept, where.data,
                                                                                  {plan.row_rank(), plan.rows(), strides, row, 1});
  return kept == 0.0;
}

// The row that an element of an array with an axis of classes is in.
std::size_t row_of(const rowwise_plan& plan, const const_array& a, const std::ptrdiff_t* index) {
  std::size_t row = 0;
  for (int axis = 0; axis < a.rank; ++axis)
    if (axis != plan.axis()) row = row * static_cast<std::size_t>(a.shape[axis]) + static_cast<std::size_t>(index[axis]);
  return row;
}

// One class index as the loss takes it; false if it is out of range.
bool load_label(const loss_call& call, const operand& o, const const_array& a, std::size_t place, std::size_t classes,
                std::int64_t& label) {
  return active_kernels().rows[1].load_labels[static_cast<int>(a.type)][a.byteswapped](
      &label, a.data, {a.rank, a.shape, a.strides, place, 1}, static_cast<std::int64_t>(classes),
      o.is(class_list) ? end_of_list : call.call.ignore_index);
}

// A row, by its place in C order, that is masked or ignored.
bool counts_nowhere(const loss_call& call, const rowwise_plan& plan, const row_job& job, std::size_t row) {
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k) {
    const operand& o = call.loss->operands[k];
    if (!job.has_labels || !o.is(class_index)) continue;
    std::int64_t label;
    load_label(call, o, call.operands[k], row, job.classes, label);
    if (label < 0) return true;
  }
  return is_masked(call, plan, row);
}

// Throws for a number outside its operand's domain, unless its row counts nowhere.
void check_counts_nowhere(const loss_call& call, const rowwise_plan& plan, const row_job& job, std::size_t k, std::size_t place, double x) {
  const loss_info& loss = *call.loss;
  const operand& o = loss.operands[k];
  const const_array& a = call.operands[k];
  std::ptrdiff_t index[max_rank];
  index_at(place, a.rank, a.shape, index);
  if (!o.is(per_class) && counts_nowhere(call, plan, job, row_of(plan, a, index))) return;
  throw value_error(std::string(loss.name) + ": " + o.name + " must be " + domain_text(loss.values_of(call.options, static_cast<int>(k))) +
                    ", got " + number_text(x, a.type) + " at index " + shape_text(a.rank, index));
}

[[noreturn]] void fail_index(const loss_call& call, const rowwise_plan& plan, std::size_t classes) {
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k) {
    const operand& o = call.loss->operands[k];
    const const_array& a = call.operands[k];
    if (!o.is(class_index | class_list) || a.absent() || is_floating(a.type)) continue;
    const std::size_t count = element_count(a.rank, a.shape);
    for (std::size_t i = 0; i < count; ++i) {
      std::int64_t label;
      if (load_label(call, o, a, i, classes, label)) continue;
      std::ptrdiff_t index[max_rank];
      index_at(i, a.rank, a.shape, index);
      if (is_masked(call, plan, o.is(class_list) ? row_of(plan, a, index) : i)) continue;
      const char* found = static_cast<const char*>(a.data);
      for (int axis = 0; axis < a.rank; ++axis) found += index[axis] * a.strides[axis];
      const std::string other = o.is(class_list) ? "-1, which ends a row's list" : "ignore_index=" + std::to_string(call.call.ignore_index);
      throw index_error(std::string(call.loss->name) + ": " + o.name + " must be a class from 0 to " +
                        std::to_string(static_cast<long long>(classes) - 1) + " (" + call.loss->operands[0].name + " has " +
                        std::to_string(classes) + " on axis " + std::to_string(plan.axis()) + "), or " + other + ", got " +
                        integer_text(found, a.type, a.byteswapped) + " at index " + shape_text(a.rank, index));
    }
  }
  throw index_error(std::string(call.loss->name) + ": a class index was out of range, and changed while it was checked");
}

// The partial sums of one block of rows.
class block_walker {
 public:
  block_walker(const row_job& job, std::size_t first, std::size_t last) : job_(job), first_(first), last_(last) {}

  row_denominators run(std::atomic<bool>& outside) {
    row_denominators sums{0.0, 0.0, 0.0};
    for (std::size_t at = first_; at < last_; at += rows_at_once) {
      const std::size_t n = last_ - at < rows_at_once ? last_ - at : rows_at_once;
      add(at, n, sums, outside);
    }
    return sums;
  }

 private:
  void add(std::size_t at, std::size_t n, row_denominators& sums, std::atomic<bool>& outside) {
    const bool indexed = job_.has_labels, plain = job_.where.base == nullptr && job_.sample_weight.base == nullptr;
    std::int64_t labels[rows_at_once];
    if (indexed && plain) {
      if (!load_labels(labels, at, n)) outside.store(true, std::memory_order_relaxed);
      if (job_.weights.empty()) {
        std::int64_t left_out = 0;
        for (std::size_t i = 0; i < n; ++i) left_out += labels[i] >> 63;
        const double kept = static_cast<double>(static_cast<std::int64_t>(n) + left_out);
        sums.kept += kept;
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
      sums.kept += 1.0;
      sums.samples += samples[i];
      sums.weights += indexed && !job_.weights.empty() && samples[i] != 0.0 ? samples[i] * weight(labels[i]) : samples[i];
    }
  }

  bool load_labels(std::int64_t* to, std::size_t at, std::size_t n) const {
    const row_walk& w = job_.labels;
    return active_kernels().rows[1].load_labels[static_cast<int>(w.type)][w.byteswapped](
        to, w.base, {job_.rank, job_.shape, w.strides, at, n}, static_cast<std::int64_t>(job_.classes), job_.ignore_index);
  }

  // Ones where there is nothing to load.
  void load(const row_walk& w, std::size_t at, std::size_t n, double* to) const {
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

void check_row_outputs(const loss_call& call, const rowwise_plan& plan, const loss_outputs& outputs) {
  const loss_info& loss = *call.loss;
  check_ignored(call, outputs);
  output_checker checker(loss);
  if (call.value && !plan.reduced()) checker.add(outputs.value, plan.value(), "out for the value", nullptr);
  for (int i = 0; i < call.gradient_count; ++i)
    checker.add(outputs.gradients[static_cast<std::size_t>(i)], plan.gradient(i), "out for the gradient of",
                loss.operands[static_cast<std::size_t>(call.gradient_of[static_cast<std::size_t>(i)])].name);
  if (call.hessian) checker.add(outputs.hessian, plan.hessian(), "out for the second derivative", nullptr);
  for (int e = 0; e < row_extra_count; ++e)
    if ((call.extras >> e & 1u) != 0)
      checker.add(outputs.extras[static_cast<std::size_t>(e)], plan.extra(static_cast<row_extra>(e)), "the array for", extra_names[e]);
  checker.check_apart();
  checker.against_inputs(call);
}

void check_row_domains(const loss_call& call, const rowwise_plan& plan, const row_job& job) {
  const tile_operations& wide = active_kernels().tiles[1];
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k) {
    const operand& o = call.loss->operands[k];
    const const_array& a = call.operands[k];
    const domain values = call.loss->values_of(call.options, static_cast<int>(k));
    if (a.absent() || values.everything() || !(values.always || call.call.raise_domain) || (o.is(class_index) && !is_floating(a.type)))
      continue;
    alignas(tile_alignment) double numbers[numbers_at_once];
    const std::size_t count = element_count(a.rank, a.shape);
    for (std::size_t first = 0; first < count; first += numbers_at_once) {
      const std::size_t n = std::min(numbers_at_once, count - first);
      wide.load[static_cast<int>(a.type)][a.byteswapped](numbers, a.data, {a.rank, a.shape, a.strides, first, n});
      wide.fill(numbers + n, NAN, numbers_at_once - n);
      if (!wide.outside(numbers, values, numbers_at_once)) continue;
      for (std::size_t i = 0; i < n; ++i)
        if (!values.contains(numbers[i])) check_counts_nowhere(call, plan, job, k, first + i, numbers[i]);
    }
  }
}

row_denominators measure_rows(const loss_call& call, const rowwise_plan& plan, const row_job& job, int threads) {
  if (job.has_lists && !lists_are_in_range(job, threads)) fail_index(call, plan, job.classes);
  const bool constant = !job.has_labels && job.where.base == nullptr && job.sample_weight.base == nullptr;
  const double count = static_cast<double>(job.row_count);
  if (constant) return {count, count, count};
  const std::size_t blocks = (job.row_count + block_rows - 1) / block_rows;
  row_denominators on_stack[blocks_on_stack];
  std::vector<row_denominators> on_heap(blocks > blocks_on_stack ? blocks : 0);
  row_denominators* const sums = on_heap.empty() ? on_stack : on_heap.data();
  std::atomic<bool> outside{false};
  parallel_for(blocks, nanoseconds_per_row * count, threads, [&](std::size_t b) {
    const std::size_t first = b * block_rows, last = first + block_rows < job.row_count ? first + block_rows : job.row_count;
    sums[b] = block_walker(job, first, last).run(outside);
  });
  if (outside.load()) fail_index(call, plan, job.classes);
  row_denominators total{0.0, 0.0, 0.0};
  for (std::size_t b = 0; b < blocks; ++b) {
    total.kept += sums[b].kept;
    total.samples += sums[b].samples;
    total.weights += sums[b].weights;
  }
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

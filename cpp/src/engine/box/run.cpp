// Parts of a call over threads, tiles of a part, and what their sums mean.
#include "engine/box/run.hpp"

#include <algorithm>
#include <atomic>
#include <vector>

#include "engine/box/domains.hpp"
#include "engine/box/job.hpp"
#include "engine/call/parts.hpp"
#include "engine/call/reduction.hpp"
#include "engine/memory/scratch.hpp"
#include "fastloss/engine/formula_kernels.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// Pairs that a thread is handed, with one partial sum: some 3 us of work.
constexpr std::size_t part_boxes = 2 * tile_boxes;
// Numbers of pairs, such as values, are padded to whole packs of every instruction set.
constexpr std::size_t pack_boxes = tile_alignment / sizeof(float);
// Of masks and weights alone.
constexpr double cost_ns_per_weight = 0.5;

struct box_pass {
  bool value;
  double d_sum;  // of the reduced value in the sum of the losses, times the number that flows in
};

struct box_findings {
  std::atomic<bool> nonfinite{false};
};

// One tile of pairs on one thread.
class tile_of_boxes {
 public:
  tile_of_boxes(const box_job& job, std::size_t first, std::size_t count)
      : job_(job), first_(first), count_(count), padded_((count + pack_boxes - 1) / pack_boxes * pack_boxes) {
    thread_local row_scratch scratch;
    memory_ = scratch.at_least(slots * (most_box_numbers * tile_boxes * sizeof(double) + slot_padding));
  }

  // The weights of the pairs, 0 where they are masked; null stands for ones.
  const void* weights() {
    const void* w = nullptr;
    if (job_.where.base != nullptr) w = load(job_.where, where_slot);
    if (job_.sample_weight.base != nullptr) w = times(w, load(job_.sample_weight, weight_slot), weight_slot);
    return w;
  }

  unit_sums count() {
    const double kept = job_.where.base == nullptr
                            ? static_cast<double>(count_)
                            : static_cast<double>(job_.tiles->count_true(job_.where.base, job_.pairs(job_.where, first_, count_)));
    const double samples = job_.sample_weight.base == nullptr ? kept : job_.tiles->sum(weights(), padded_);
    return {kept, samples, samples};
  }

  double run(const box_pass& pass, box_findings& findings) {
    const void* const w = weights();
    const bool in_input = job_.gradients[0].base != nullptr, in_target = job_.gradients[1].base != nullptr;
    box_tile t{};
    for (int k = 0; k < 2; ++k) t.boxes[k] = boxes(k);
    t.count = count_;
    t.value = slot(value_slot);
    t.scale = pass.d_sum;
    t.factor = factor(w, pass);
    for (int k = 0; k < 2; ++k)
      if (job_.gradients[k].base != nullptr) t.gradients[k] = writes_directly(k) ? in_memory(job_.gradients[k]) : slot(gradient_slot + k);
    t.streams = job_.streams && writes_directly(0) == in_input && writes_directly(1) == in_target;
    (in_target ? job_.kernels->in_both : in_input ? job_.kernels->in_input : job_.kernels->value)(job_.options, t);
    const double sum = pass.value ? finish_value(w, findings) : 0.0;
    for (int k = 0; k < 2; ++k)
      if (job_.gradients[k].base != nullptr && !writes_directly(k)) store(job_.gradients[k], slot(gradient_slot + k), findings);
    return sum;
  }

 private:
  enum : int { boxes_slot, gradient_slot = boxes_slot + 2, where_slot = gradient_slot + 2, weight_slot, flow_slot, value_slot, slots };
  static constexpr std::size_t slot_padding = 192;  // as the pointwise tiles have it: slots do not share their low address bits

  std::size_t numbers_before(std::size_t boxes) const { return static_cast<std::size_t>(job_.numbers) * boxes; }
  void* slot(int i) const { return memory_ + static_cast<std::size_t>(i) * (most_box_numbers * tile_boxes * job_.item + slot_padding); }
  char* in_memory(const box_view& v) const { return v.base + numbers_before(first_) * job_.item; }
  void* at(void* tile, std::size_t i) const { return static_cast<char*>(tile) + i * job_.item; }

  bool writes_directly(int k) const {
    const box_view& to = job_.gradients[k];
    return to.base != nullptr && to.in_place && !job_.accumulate && !job_.check_finite;
  }

  const void* boxes(int k) const {
    const box_view& v = job_.boxes[k];
    if (v.in_place) return in_memory(v);
    void* const to = slot(boxes_slot + k);
    job_.tiles->load[static_cast<int>(v.type)][v.byteswapped](to, v.base, job_.numbers_of(v, first_, count_));
    return to;
  }

  void* load(const box_view& v, int i) const {
    job_.tiles->load[static_cast<int>(v.type)][v.byteswapped](slot(i), v.base, job_.pairs(v, first_, count_));
    job_.tiles->fill(at(slot(i), count_), 0.0, padded_ - count_);
    return slot(i);
  }

  const void* times(const void* factor, const void* x, int i) const {
    if (factor == nullptr) return x;
    job_.tiles->multiply(slot(i), factor, x, padded_);
    return slot(i);
  }

  const void* factor(const void* w, const box_pass& pass) const {
    if (pass.d_sum == 0.0) {  // 0 * inf is 0
      job_.tiles->fill(slot(flow_slot), 0.0, padded_);
      return slot(flow_slot);
    }
    return job_.grad_output.base == nullptr ? w : times(w, load(job_.grad_output, flow_slot), flow_slot);
  }

  double finish_value(const void* w, box_findings& findings) const {
    void* const value = slot(value_slot);
    if (job_.value.base == nullptr) {
      job_.tiles->fill(at(value, count_), 0.0, padded_ - count_);
      if (w == nullptr) return job_.tiles->sum(value, padded_);
      const double sum = job_.tiles->sum_of_products(w, value, padded_);
      if (sum - sum == 0.0 || job_.item == sizeof(double)) return sum;
      return active_kernels().rows[0].weighted_sum(w, nullptr, value, count_);  // in double: a weight may be large where the mean is not
    }
    if (w != nullptr) job_.tiles->multiply(value, w, value, padded_);
    check(value, count_, findings);
    job_.tiles->store[static_cast<int>(job_.value.type)][job_.value.byteswapped](value, job_.value.base,
                                                                                 job_.pairs(job_.value, first_, count_), 1.0, false);
    return 0.0;
  }

  void store(const box_view& to, const void* gradient, box_findings& findings) const {
    check(gradient, numbers_before(count_), findings);
    job_.tiles->store[static_cast<int>(to.type)][to.byteswapped](gradient, to.base, job_.numbers_of(to, first_, count_), 1.0,
                                                                 job_.accumulate);
  }

  void check(const void* tile, std::size_t n, box_findings& findings) const {
    if (job_.check_finite && job_.tiles->nonfinite(tile, n)) findings.nonfinite.store(true, std::memory_order_relaxed);
  }

  const box_job& job_;
  char* memory_;
  const std::size_t first_, count_, padded_;
};

// Calls of_tile(tile) for every tile of every part, in parallel; sums are added in the order of the tiles.
template <class Sum, class OfTile>
Sum run_tiles(const box_job& job, double cost_ns, int threads, const OfTile& of_tile) {
  std::vector<double> no_copies;
  const std::size_t parts = (job.count + part_boxes - 1) / part_boxes;
  return run_parts<Sum>({parts, 0, cost_ns, threads, false}, no_copies, [&](std::size_t part, double*) {
    Sum sum{};
    const std::size_t last = std::min(job.count, (part + 1) * part_boxes);
    for (std::size_t first = part * part_boxes; first < last; first += tile_boxes) {
      tile_of_boxes tile(job, first, std::min(tile_boxes, last - first));
      sum += of_tile(tile);
    }
    return sum;
  });
}

unit_sums measure_pairs(const loss_call& call, const box_job& job) {
  const double count = static_cast<double>(job.count);
  const divisor by = choose_divisor(call);
  const bool counts = by == divisor::count || by == divisor::samples || by == divisor::weights;
  if (!counts || (job.where.base == nullptr && job.sample_weight.base == nullptr)) return {count, count, count};
  return run_tiles<unit_sums>(job, cost_ns_per_weight * count, call.call.threads, [](tile_of_boxes& tile) { return tile.count(); });
}

}  // namespace

double run_boxes(const call_plan& plan, const loss_outputs& outputs, bool) {
  const loss_call& call = plan.call();
  box_job job;
  build_box_job(plan, outputs, job);
  if (call.call.raise_domain) check_boxes(plan);
  const double denominator = denominator_of(plan, measure_pairs(call, job));
  const bool nothing = is_over_nothing(plan, denominator);
  const double flow = scalar_flow(call);
  const box_pass pass{call.value, !plan.reduced() ? flow : nothing ? 0.0 : flow / denominator};
  box_findings findings;
  const double sum =
      run_tiles<double>(job, plan.cost_ns(), call.call.threads, [&](tile_of_boxes& tile) { return tile.run(pass, findings); });
  double value = 0.0;
  if (call.statistics) value = finished_statistics(plan, outputs, {sum, denominator});
  else if (call.value && plan.reduced()) value = finished_value(plan, nothing ? value_over_nothing(plan) : sum / denominator);
  check_finite(plan, findings.nonfinite.load());
  return value;
}

}  // namespace fastloss

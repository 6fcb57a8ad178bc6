// Parts of a call over threads, tiles of a part, and what their sums mean. What is computed of a tile is the engine's: a function of a
// record_tile that fills in values and gradients.
#pragma once

#include <algorithm>
#include <atomic>
#include <vector>

#include "engine/call/parts.hpp"
#include "engine/call/reduction.hpp"
#include "engine/memory/scratch.hpp"
#include "engine/records/job.hpp"
#include "fastloss/engine/padding.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {

struct record_pass {
  bool value;
  double d_sum;  // of the reduced value in the sum of the losses, times the number that flows in
};

struct record_findings {
  std::atomic<bool> nonfinite{false};
};

// Where a kernel reads and writes: arrays of the computation dtype. Those that are not the caller's are padded with zeros, records to
// job.pack_numbers.
struct record_places {
  const void* records[most_records];
  void* value;
  void* gradients[most_records];  // null: not wanted
  void* unit_gradient;            // likewise
  const void* factor;             // of each unit's gradient, which is 0 where this is; null: ones
  double scale;                   // of all gradients
  bool streams;                   // gradients go past the caches; they are aligned to 16 bytes
};

// One tile of units on one thread.
class record_tile {
 public:
  record_tile(const record_job& job, std::size_t first, std::size_t count)
      : job_(job), first_(first), count_(count), padded_(padded_to(most_pack, count)) {
    const std::size_t most = padded_to(job.pack_numbers, job.tile_units * job.records[0].numbers);
    record_bytes_ = most * job.item + slot_padding;
    unit_bytes_ = padded_to(most_pack, job.tile_units) * job.item + slot_padding;
    own_bytes_ = padded_to(most_pack, 2 * job.operands * record_bytes_ + unit_slots * unit_bytes_);
    memory_ = scratch().at_least(own_bytes_ + job.engine_bytes);
  }
  record_tile(const record_tile&) = delete;
  record_tile& operator=(const record_tile&) = delete;

  // The memory of all tiles of a thread.
  static row_scratch& scratch() {
    thread_local row_scratch of_thread;
    return of_thread;
  }

  std::size_t first() const { return first_; }
  std::size_t count() const { return count_; }
  std::size_t padded() const { return padded_; }                // of arrays with a number for each unit
  char* engine_memory() const { return memory_ + own_bytes_; }  // job.engine_bytes of it

  // Into memory of whole packs, followed by zeros.
  void load(const unit_view& v, void* to) const {
    job_.tiles->load[static_cast<int>(v.type)][v.byteswapped](to, v.base, job_.units(v, first_, count_));
    job_.tiles->fill(at(to, count_), 0.0, padded_ - count_);
  }
  void load(const record_view& v, void* to, std::size_t padded_numbers) const {
    job_.tiles->load[static_cast<int>(v.type)][v.byteswapped](to, v.base, v.run(first_, count_));
    job_.tiles->fill(at(to, v.numbers * count_), 0.0, padded_numbers - v.numbers * count_);
  }

  unit_sums count_units() const {
    const double kept = job_.where.base == nullptr
                            ? static_cast<double>(count_)
                            : static_cast<double>(job_.tiles->count_true(job_.where.base, job_.units(job_.where, first_, count_)));
    const double samples = job_.sample_weight.base == nullptr ? kept : job_.tiles->sum(weights(), padded_);
    return {kept, samples, samples};
  }

  template <class Compute>
  double run(const record_pass& pass, record_findings& findings, const Compute& compute) const {
    const void* const w = weights();
    record_places p{};
    for (std::size_t k = 0; k < job_.operands; ++k) {
      p.records[k] = records(k);
      if (job_.gradients[k].base != nullptr) p.gradients[k] = writes_directly(k) ? in_memory(job_.gradients[k]) : gradient(k);
    }
    p.value = slot(value_slot);
    if (job_.unit_gradient.base != nullptr) p.unit_gradient = slot(gradient_slot);
    p.scale = pass.d_sum;
    p.factor = factor(w, pass);
    p.streams = job_.streams;
    for (std::size_t k = 0; k < job_.operands; ++k) p.streams &= writes_directly(k) == (job_.gradients[k].base != nullptr);
    compute(*this, p);
    const double sum = pass.value ? finish_value(w, findings) : 0.0;
    for (std::size_t k = 0; k < job_.operands; ++k)
      if (job_.gradients[k].base != nullptr && !writes_directly(k)) store(job_.gradients[k], gradient(k), findings);
    if (p.unit_gradient != nullptr) store(job_.unit_gradient, p.unit_gradient, findings, job_.accumulate);
    return sum;
  }

 private:
  enum : std::size_t { where_slot, weight_slot, flow_slot, value_slot, gradient_slot, unit_slots };
  static constexpr std::size_t slot_padding = 192;  // as the pointwise tiles have it: slots do not share their low address bits

  void* operand(std::size_t k) const { return memory_ + k * record_bytes_; }
  void* gradient(std::size_t k) const { return operand(job_.operands + k); }
  void* slot(std::size_t i) const { return static_cast<char*>(operand(2 * job_.operands)) + i * unit_bytes_; }
  char* in_memory(const record_view& v) const { return v.base + v.numbers * first_ * job_.item; }
  void* at(void* tile, std::size_t i) const { return static_cast<char*>(tile) + i * job_.item; }

  bool is_whole(const record_view& v) const { return v.in_place && v.numbers * count_ % job_.pack_numbers == 0; }
  bool writes_directly(std::size_t k) const {
    return job_.gradients[k].base != nullptr && is_whole(job_.gradients[k]) && !job_.accumulate && !job_.check_finite;
  }

  const void* records(std::size_t k) const {
    const record_view& v = job_.records[k];
    if (is_whole(v)) return in_memory(v);
    load(v, operand(k), padded_to(job_.pack_numbers, v.numbers * count_));
    return operand(k);
  }

  const void* loaded(const unit_view& v, std::size_t i) const {
    load(v, slot(i));
    return slot(i);
  }

  const void* times(const void* factor, const void* x, std::size_t i) const {
    if (factor == nullptr) return x;
    job_.tiles->multiply(slot(i), factor, x, padded_);
    return slot(i);
  }

  // Of the units, 0 where they are masked; null stands for ones.
  const void* weights() const {
    const void* w = nullptr;
    if (job_.where.base != nullptr) w = loaded(job_.where, where_slot);
    if (job_.sample_weight.base != nullptr) w = times(w, loaded(job_.sample_weight, weight_slot), weight_slot);
    return w;
  }

  const void* factor(const void* w, const record_pass& pass) const {
    if (pass.d_sum == 0.0) {  // 0 * inf is 0
      job_.tiles->fill(slot(flow_slot), 0.0, padded_);
      return slot(flow_slot);
    }
    return job_.grad_output.base == nullptr ? w : times(w, loaded(job_.grad_output, flow_slot), flow_slot);
  }

  double finish_value(const void* w, record_findings& findings) const {
    void* const value = slot(value_slot);
    if (job_.value.base == nullptr) {
      job_.tiles->fill(at(value, count_), 0.0, padded_ - count_);
      if (w == nullptr) return job_.tiles->sum(value, padded_);
      const double sum = job_.tiles->sum_of_products(w, value, padded_);
      if (sum - sum == 0.0 || job_.item == sizeof(double)) return sum;
      return active_kernels().rows[0].weighted_sum(w, nullptr, value, count_);  // in double: a weight may be large where the mean is not
    }
    if (w != nullptr) job_.tiles->multiply(value, w, value, padded_);
    store(job_.value, value, findings, false);
    return 0.0;
  }

  void store(const unit_view& to, const void* numbers, record_findings& findings, bool accumulate) const {
    check(numbers, count_, findings);
    job_.tiles->store[static_cast<int>(to.type)][to.byteswapped](numbers, to.base, job_.units(to, first_, count_), 1.0, accumulate);
  }

  void store(const record_view& to, const void* gradient, record_findings& findings) const {
    check(gradient, to.numbers * count_, findings);
    job_.tiles->store[static_cast<int>(to.type)][to.byteswapped](gradient, to.base, to.run(first_, count_), 1.0, job_.accumulate);
  }

  void check(const void* tile, std::size_t n, record_findings& findings) const {
    if (job_.check_finite && job_.tiles->nonfinite(tile, n)) findings.nonfinite.store(true, std::memory_order_relaxed);
  }

  const record_job& job_;
  char* memory_;
  std::size_t record_bytes_, unit_bytes_, own_bytes_;
  const std::size_t first_, count_, padded_;
};

// Calls of_tile(tile) for every tile of every part, in parallel; sums are added in the order of the tiles.
template <class Sum, class OfTile>
Sum run_tiles(const record_job& job, double cost_ns, int threads, const OfTile& of_tile) {
  const std::size_t part_units = job.tiles_of_part * job.tile_units;
  std::vector<double> no_copies;
  const std::size_t parts = (job.count + part_units - 1) / part_units;
  return run_parts<Sum>({parts, 0, cost_ns, threads, false}, no_copies, [&](std::size_t part, double*) {
    Sum sum{};
    const std::size_t last = std::min(job.count, (part + 1) * part_units);
    for (std::size_t first = part * part_units; first < last; first += job.tile_units) {
      const record_tile tile(job, first, std::min(job.tile_units, last - first));
      sum += of_tile(tile);
    }
    record_tile::scratch().trim();
    return sum;
  });
}

inline unit_sums measure_units(const loss_call& call, const record_job& job) {
  constexpr double cost_ns_per_unit = 0.5;  // of masks and weights alone
  const double count = static_cast<double>(job.count);
  const divisor by = choose_divisor(call);
  const bool counts = by == divisor::count || by == divisor::samples || by == divisor::weights;
  if (!counts || (job.where.base == nullptr && job.sample_weight.base == nullptr)) return {count, count, count};
  return run_tiles<unit_sums>(job, cost_ns_per_unit * count, call.call.threads, [](const record_tile& tile) { return tile.count_units(); });
}

// The call, of a job that is complete: compute(tile, places) for each of its tiles. Returns the value.
template <class Compute>
double run_records(const call_plan& plan, const loss_outputs& outputs, const record_job& job, const Compute& compute) {
  const loss_call& call = plan.call();
  const double denominator = denominator_of(plan, measure_units(call, job));
  const bool nothing = is_over_nothing(plan, denominator);
  const double flow = scalar_flow(call);
  const record_pass pass{call.value, !plan.reduced() ? flow : nothing ? 0.0 : flow / denominator};
  record_findings findings;
  const double sum =
      run_tiles<double>(job, plan.cost_ns(), call.call.threads, [&](const record_tile& tile) { return tile.run(pass, findings, compute); });
  double value = 0.0;
  if (call.statistics) value = finished_statistics(plan, outputs, {sum, denominator});
  else if (call.value && plan.reduced()) value = finished_value(plan, nothing ? value_over_nothing(plan) : sum / denominator);
  check_finite(plan, findings.nonfinite.load());
  return value;
}

}  // namespace fastloss

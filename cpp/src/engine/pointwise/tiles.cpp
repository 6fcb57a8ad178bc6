// The inner part of the pointwise driver: one range of elements, tile by tile, on one thread.
#include <cmath>
#include <cstring>
#include <memory>
#include <new>

#include "engine/pointwise/job.hpp"

namespace fastloss {
namespace {

// Tiles of a thread. Sizes are padded so that tiles do not share their low address bits: a load would wait for a store
// to another tile that the processor takes for the same place.
constexpr std::size_t slot_padding = 192;
constexpr int operand_slot = 0;
constexpr int unmasked_slot = operand_slot + max_operands;
constexpr int factor_slot = unmasked_slot + 1;  // of sample_weight, where, grad_output and their products
constexpr int derivative_slot = factor_slot + 6;
constexpr int output_slot = derivative_slot + max_operands;
constexpr int value_slot = output_slot + max_operands;
constexpr int slot_total = value_slot + 6;

struct scratch {
  char* memory = static_cast<char*>(::operator new(slot_total*(tile_elements * sizeof(double) + slot_padding), std::align_val_t{64}));
  scratch() = default;
  scratch(const scratch&) = delete;
  scratch& operator=(const scratch&) = delete;
  ~scratch() { ::operator delete(memory, std::align_val_t{64}); }
};

// The second scratch of a thread is for tiles that are computed again in float64.
char* thread_scratch(bool again) {
  thread_local scratch first;
  if (!again) return first.memory;
  thread_local scratch second;
  return second.memory;
}

class tile_walker {
 public:
  tile_walker(const pointwise_job& job, const pointwise_pass& pass, const pointwise_range& range, double* const* sums,
              pointwise_findings& findings, bool again = false)
      : job_(job),
        ops_(*job.ops),
        pass_(pass),
        range_(range),
        sums_(sums),
        findings_(findings),
        memory_(thread_scratch(again)),
        slot_bytes_(tile_elements * job.item + slot_padding) {
    fill_constants();
  }

  block_sums run() {
    block_sums totals{};
    if (only_counts_mask()) {
      first_ = range_.first;
      count_ = range_.last - range_.first;
      totals.denominator = static_cast<double>(ops_.count_true(base(job_.where), run_of(job_.where)));
      return totals;
    }
    for (first_ = range_.first; first_ < range_.last; first_ += count_) {
      const std::size_t left = range_.last - first_;
      count_ = left < tile_elements ? left : tile_elements;
      padded_ = padded(count_);
      run_tile(totals);
    }
    return totals;
  }

 private:
  void* slot(int i) const { return memory_ + static_cast<std::size_t>(i) * slot_bytes_; }
  char* at(void* tile, std::size_t i) const { return static_cast<char*>(tile) + i * job_.item; }

  // Both item sizes are powers of two: no division.
  std::size_t padded(std::size_t n) const {
    const std::size_t last = (job_.item == sizeof(double) ? tile_alignment / sizeof(double) : tile_alignment / sizeof(float)) - 1;
    return (n + last) & ~last;
  }

  char* base(const walk& w) const { return range_.split_axis < 0 ? w.base : w.base + range_.offset_axis * w.strides[range_.split_axis]; }
  strided_run run_of(const walk& w) const { return {job_.rank, range_.shape, w.strides, first_, count_}; }

  bool only_counts_mask() const {
    return pass_.denominator && job_.divides == summed_for_mean::mask && job_.where.how == walk::kind::strided && !pass_.value &&
           !pass_.gradients && !pass_.hessian && !pass_.check_domains;
  }

  // Constants are written once per range, not once per tile.
  void fill_constants() {
    const std::size_t n = range_.last - range_.first;
    const std::size_t most = n < tile_elements ? padded(n) : tile_elements;
    const auto constant = [&](const walk& w, int i) {
      if (w.how == walk::kind::constant) ops_.fill(slot(i), w.number, most);
    };
    for (int k = 0; k < job_.operand_total; ++k) constant(job_.operands[k], operand_slot + k);
    constant(job_.sample_weight, factor_slot);
    constant(job_.where, factor_slot + 1);
    constant(job_.grad_output, factor_slot + 2);
  }

  // The elements of an array as a tile: in place where memory already is one.
  void* tile_of(const walk& w, int i, double padding) {
    if (w.how == walk::kind::constant) return slot(i);
    if (w.how == walk::kind::contiguous && count_ == padded_ && range_.split_axis < 0) return w.base + first_ * job_.item;
    ops_.load[static_cast<int>(w.type)][w.byteswapped](slot(i), base(w), run_of(w));
    if (count_ != padded_) ops_.fill(at(slot(i), count_), padding, padded_ - count_);
    return slot(i);
  }

  // Masks are true in long runs, mostly: such a tile is computed as if there were none.
  bool masks_nothing() const {
    const walk& w = job_.where;
    if (w.how != walk::kind::strided || job_.rank > 1 || w.strides[0] != 1 || range_.split_axis >= 0) return false;
    return std::memchr(w.base + first_, 0, count_) == nullptr;
  }

  void* times(void* factor, void* x, int i) {
    if (factor == nullptr) return x;
    if (x == nullptr) return factor;
    ops_.multiply(slot(i), factor, x, padded_);
    return slot(i);
  }

  // A broadcast operand without sums here has a walk of its own.
  bool wanted(int g) const {
    if (pass_.only_gradient >= 0) return g == pass_.only_gradient;
    return !job_.gradients[g].broadcast || sums_[g] != nullptr;
  }

  // Formulas compute masked elements, too, from whatever they are: their results are replaced by 0, not multiplied by it. Only checks
  // must not see them.
  void check_domain(int k, const void* x) {
    if (where_ != nullptr) {
      ops_.blend(slot(unmasked_slot), where_, x, job_.filler[k], padded_);
      x = slot(unmasked_slot);
    }
    if (ops_.outside(x, job_.domains[k], padded_)) findings_.outside.store(true, std::memory_order_relaxed);
  }

  void load_operands() {
    for (int f = 0; f < job_.formula_total; ++f) {
      const int k = job_.formula[f];
      tile_.operand[f] = tile_of(job_.operands[k], operand_slot + k, job_.filler[k]);
      if (pass_.check_domains && job_.is_checked(k)) check_domain(k, tile_.operand[f]);
    }
    tile_.count = padded_;
  }

  // Products of what multiplies an element from outside the formula; null stands for 1.
  void load_factors() {
    where_ = job_.where.how == walk::kind::none || masks_nothing() ? nullptr : tile_of(job_.where, factor_slot + 1, 0.0);
    void* const sample = job_.sample_weight.how == walk::kind::none ? nullptr : tile_of(job_.sample_weight, factor_slot, 0.0);
    sample_factor_ = times(where_, sample, factor_slot + 3);
    weight_ = job_.weight_operand < 0 ? nullptr : tile_of(job_.operands[job_.weight_operand], operand_slot + job_.weight_operand, 0.0);
    value_factor_ = times(sample_factor_, weight_, factor_slot + 4);
  }

  void run_tile(block_sums& totals) {
    load_factors();
    if (pass_.value || pass_.gradients || pass_.hessian || pass_.check_domains || job_.divides == summed_for_mean::terms) load_operands();
    if (pass_.check_domains && findings_.outside.load(std::memory_order_relaxed)) return;
    run_kernels();
    if (pass_.denominator) totals.denominator += sum(denominator_tile());
    const bool gradients_left = pass_.gradients && !direct_;
    if (gradients_left) make_gradients();
    const bool sums_value = pass_.value && job_.value.how == walk::kind::none;
    const bool sums_products = sums_value && value_factor_ != nullptr && count_ == padded_;
    void* const value = pass_.value && !sums_products ? times(value_factor_, value_, value_slot + 1) : nullptr;
    void* const hessian = pass_.hessian ? times(value_factor_, hessian_, value_slot + 3) : nullptr;
    // Everything is computed before anything is stored: an output may be one of the inputs.
    if (sums_value) {
      const double s = sums_products ? ops_.sum_of_products(value_factor_, value_, padded_) : sum(value);
      const bool exact = s - s == 0.0 && !(std::abs(s) < job_.least_sum);
      totals.sum += exact || job_.item == sizeof(double) ? s : sum_in_float64();
    } else if (pass_.value) store(value, job_.value, 1.0, job_.value_streams, false);
    if (gradients_left) store_gradients();
    if (pass_.hessian) store(hessian, job_.hessian, pass_.d_sum, job_.hessian_streams, job_.accumulate);
  }

  void run_kernels() {
    bool wants_value = pass_.value, wants_d1 = false;
    if (pass_.gradients)
      for (int g = 0; g < job_.gradient_total; ++g) {
        if (!wanted(g)) continue;
        wants_value |= job_.gradients[g].source == weight_source;
        wants_d1 |= job_.gradients[g].source == 0;
      }
    value_ = tile_.value = slot(value_slot);
    hessian_ = tile_.hessian = slot(value_slot + 2);
    tile_.gradient = slot(derivative_slot);
    tile_.scale = 1.0;
    tile_.streams = false;
    direct_ = wants_d1 && writes_directly();
    if (direct_) {
      tile_.gradient = at(job_.gradients[0].to.base, first_);
      tile_.scale = job_.gradients[0].sign * pass_.d_sum;
      tile_.streams = job_.gradients[0].streams;
    }
    const formula_kernels& k = *job_.kernels;
    if (pass_.hessian) (wants_d1 ? k.gradient_and_hessian : k.hessian)(job_.options, tile_);
    const bool d1_left = wants_d1 && !pass_.hessian;
    if (wants_value && d1_left) k.value_and_gradient(job_.options, tile_);
    else if (wants_value) k.value(job_.options, tile_);
    else if (d1_left) k.gradient[0](job_.options, tile_);
    if (direct_ && where_ != nullptr) ops_.blend(tile_.gradient, where_, tile_.gradient, 0.0 * tile_.scale, padded_);
  }

  // The lines of the result come while the formula is computed; masked elements are then replaced where they are, in the cache.
  bool writes_directly() const {
    const bool has_factor = value_factor_ != nullptr && (value_factor_ != where_ || job_.gradients[0].streams);
    return job_.gradients[0].direct && !has_factor && job_.grad_output.how == walk::kind::none && count_ == padded_ && pass_.d_sum != 0.0;
  }

  void* denominator_tile() {
    switch (job_.divides) {
      case summed_for_mean::mask:
        return where_;
      case summed_for_mean::sample_weight:
        return sample_factor_;
      case summed_for_mean::all_weights:
        return value_factor_;
      case summed_for_mean::terms: {
        tile t = tile_;
        t.value = slot(value_slot + 4);
        job_.kernels->denominator_term(job_.options, t);
        return times(sample_factor_, t.value, value_slot + 5);
      }
      case summed_for_mean::constant:
        break;
    }
    return nullptr;
  }

  // A null tile stands for ones.
  double sum(void* tile) {
    if (tile == nullptr) return static_cast<double>(count_);
    if (count_ == padded_) return ops_.sum(tile, padded_);
    // The padding of a tile that lies in the caller's memory does not exist: such a tile is whole.
    ops_.fill(at(tile, count_), 0.0, padded_ - count_);
    return ops_.sum(tile, padded_);
  }

  // A sum that overflows in float32 although the mean does not, or values that do although their weighted sum does not.
  double sum_in_float64() const {
    // Not on the stack: a thread may have as little of it as OpenMP allows.
    const auto copy = std::make_unique<pointwise_job>(job_);
    pointwise_job& wide = *copy;
    wide.item = sizeof(double);
    wide.ops = job_.wide_ops;
    wide.kernels = job_.wide_kernels;
    const auto converted = [](walk& w) {
      if (w.how == walk::kind::contiguous) w.how = walk::kind::strided;
    };
    for (walk& w : wide.operands) converted(w);
    converted(wide.sample_weight);
    converted(wide.where);
    pointwise_range here = range_;
    here.first = first_;
    here.last = first_ + count_;
    const pointwise_pass values{.value = true};
    return tile_walker(wide, values, here, sums_, findings_, true).run().sum;
  }

  void make_gradients() {
    void* upstream = nullptr;
    if (job_.grad_output.how != walk::kind::none) upstream = tile_of(job_.grad_output, factor_slot + 2, 0.0);
    for (int g = 0; g < job_.gradient_total; ++g) {
      if (!wanted(g)) continue;
      const gradient_target& target = job_.gradients[g];
      const bool of_weight = target.source == weight_source;
      void* derivative = value_;
      if (!of_weight) {
        derivative = slot(derivative_slot + target.source);
        if (target.source > 0) {
          tile t = tile_;
          t.gradient = derivative;
          job_.kernels->gradient[target.source](job_.options, t);
        }
      }
      void* const out = slot(output_slot + g);
      void* const factor = of_weight ? sample_factor_ : value_factor_;
      void* x = derivative;
      if (of_weight) {  // the loss itself, which has not seen the weight
        ops_.propagate_nan(out, weight_, x, padded_);
        x = out;
      }
      unscaled_factor_ = factor != nullptr && upstream == nullptr && multiplies_when_stored(target) ? factor : nullptr;
      if (factor != nullptr && unscaled_factor_ == nullptr) {
        ops_.multiply(out, factor, x, padded_);
        x = out;
      }
      if (upstream != nullptr) {
        ops_.multiply(out, upstream, x, padded_);
        x = out;
      }
      if (target.in_denominator) {
        if (pass_.d_sum == 0.0 && pass_.d_denominator == 0.0) ops_.fill(out, 0.0, padded_);
        else ops_.axpby(out, pass_.d_sum, x, pass_.d_denominator, d1_of_denominator_term(target), padded_);
        x = out;
      }
      results_[g] = x;
    }
  }

  // A result that goes to contiguous memory takes its factor on the way.
  bool multiplies_when_stored(const gradient_target& t) const {
    return job_.gradient_total == 1 && !t.broadcast && !t.streams && !t.in_denominator && t.to.how == walk::kind::contiguous &&
           range_.split_axis < 0 && !job_.accumulate && !job_.check_finite && pass_.d_sum != 0.0;
  }

  // The derivative of the denominator's term, times its sample weight; null stands for ones.
  void* d1_of_denominator_term(const gradient_target& target) {
    if (target.source == weight_source) return sample_factor_;
    tile t = tile_;
    t.gradient = slot(value_slot + 4);
    job_.kernels->denominator_term_gradient[target.source](job_.options, t);
    return times(sample_factor_, t.gradient, value_slot + 5);
  }

  void store_gradients() {
    for (int g = 0; g < job_.gradient_total; ++g) {
      if (!wanted(g)) continue;
      const gradient_target& target = job_.gradients[g];
      if (target.broadcast) {
        double* const to = sums_[g] + (base(target.to) - target.to.base) / static_cast<std::ptrdiff_t>(sizeof(double));
        ops_.scatter_add(results_[g], to, run_of(target.to));
      } else if (unscaled_factor_ != nullptr) {
        ops_.multiply_scaled(at(target.to.base, first_), unscaled_factor_, results_[g], target.sign * pass_.d_sum, count_);
      } else {
        store(results_[g], target.to, target.in_denominator ? 1.0 : target.sign * pass_.d_sum, target.streams, job_.accumulate);
      }
    }
  }

  void store(void* tile, const walk& to, double scale, bool streams, bool accumulate) {
    if (scale == 0.0) {  // 0 * inf is 0
      ops_.fill(slot(value_slot + 5), 0.0, padded_);
      tile = slot(value_slot + 5);
    }
    if (job_.check_finite && ops_.nonfinite(tile, count_)) findings_.nonfinite.store(true, std::memory_order_relaxed);
    if (streams) ops_.stream(tile, to.base + first_ * job_.item, count_, scale);
    else ops_.store[static_cast<int>(to.type)][to.byteswapped](tile, base(to), run_of(to), scale, accumulate);
  }

  const pointwise_job& job_;
  const tile_operations& ops_;
  const pointwise_pass& pass_;
  const pointwise_range& range_;
  double* const* sums_;
  pointwise_findings& findings_;
  char* memory_;
  std::size_t slot_bytes_;
  std::size_t first_ = 0, count_ = 0, padded_ = 0;
  tile tile_{};
  bool direct_ = false;
  void* unscaled_factor_ = nullptr;  // of the one gradient whose product with it is left to its store
  void *where_ = nullptr, *weight_ = nullptr, *sample_factor_ = nullptr, *value_factor_ = nullptr;
  void *value_ = nullptr, *hessian_ = nullptr;
  void* results_[max_operands];
};

}  // namespace

block_sums run_range(const pointwise_job& job, const pointwise_pass& pass, const pointwise_range& range, double* const sums[max_operands],
                     pointwise_findings& findings) {
  return tile_walker(job, pass, range, sums, findings).run();
}

}  // namespace fastloss

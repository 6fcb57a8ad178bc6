// Tiles of units: what is measured of their pairs, the formula, and the way back to the embeddings, while these are in a cache.
#include "engine/distance/run.hpp"

#include <algorithm>
#include <cmath>

#include "engine/distance/cosines.hpp"
#include "engine/distance/job.hpp"
#include "engine/records/run.hpp"

namespace fastloss {
namespace {

// Arrays of numbers of the units of a tile, in double, one behind the other.
class unit_arrays {
 public:
  explicit unit_arrays(const distance_job& job) : stride_(padded_to(most_pack, job.tile_units)) {}

  static constexpr std::size_t of_pairs = most_embedding_pairs, of_embeddings = most_embeddings;
  static constexpr std::size_t coefficients = most_embeddings * most_embeddings;
  // Measures, their derivatives and what flows back; the target and its derivative; the value; then for products.
  static constexpr std::size_t count = 3 * of_pairs + 3 + 2 * of_embeddings + coefficients;

  std::size_t stride() const { return stride_; }
  std::size_t bytes() const { return count * stride_ * sizeof(double); }

 private:
  std::size_t stride_;
};

class unit_tile {
 public:
  unit_tile(const distance_job& job, const record_tile& tile, const record_places& places)
      : job_(job), tile_(tile), places_(places), arrays_(job), pairs_(pairs_of(job.form.pairs)) {
    double* next = reinterpret_cast<double*>(tile.engine_memory());
    const auto take = [&](std::size_t arrays) {
      double* const here = next;
      next += arrays * arrays_.stride();
      return here;
    };
    measures_ = take(unit_arrays::of_pairs);
    d1_ = take(unit_arrays::of_pairs);
    flow_ = take(unit_arrays::of_pairs);
    target_ = take(1);
    d1_target_ = take(1);
    value_ = take(1);
    products_ = {take(unit_arrays::of_embeddings), take(unit_arrays::of_embeddings), take(unit_arrays::coefficients), arrays_.stride()};
    for (std::size_t k = 0; k < job.operands; ++k) rows_.of[k] = places.records[k];
    rows_.rows = tile.count();
    rows_.features = job.features;
  }

  void compute() {
    measure();
    evaluate();
    if (wants_gradients()) go_back();
  }

 private:
  bool wants_gradients() const {
    bool any = places_.unit_gradient != nullptr;
    for (std::size_t k = 0; k < job_.operands; ++k) any |= places_.gradients[k] != nullptr;
    return any;
  }
  double* of_pair(double* arrays, std::size_t k) const { return arrays + k * arrays_.stride(); }

  void measure() {
    // What is behind the units, and pairs that are not measured, must be numbers.
    std::fill_n(measures_, unit_arrays::of_pairs * arrays_.stride(), 0.0);
    if (job_.measures_distances()) job_.operations->distances(rows_, job_.form, measures_, arrays_.stride());
    else if (job_.form.measure == embedding_measure::dot)
      job_.operations->products(rows_, job_.form.pairs, nullptr, measures_, products_.squares, arrays_.stride());
    else measure_cosines(*job_.operations, rows_, job_.form, job_.item == sizeof(double), measures_, products_);
  }

  void evaluate() {
    distance_tile t{};
    for (std::size_t k = 0; k < most_embedding_pairs; ++k) t.measures[k] = of_pair(measures_, k);
    t.count = tile_.padded();
    t.value = value_;
    if (job_.target.base != nullptr) {
      load_target();
      t.target = target_;
    }
    if (wants_gradients()) {
      for (std::size_t k = 0; k < pairs_.count; ++k) t.d1[k] = of_pair(d1_, k);
      t.d1_target = places_.unit_gradient == nullptr ? nullptr : d1_target_;
      job_.kernels->gradients(job_.options, t);
    } else {
      job_.kernels->value(job_.options, t);
    }
    round(value_, places_.value);
  }

  // In double, whatever computes.
  void load_target() {
    std::fill_n(target_ + tile_.count(), tile_.padded() - tile_.count(), 0.0);
    const unit_view& v = job_.target;
    active_kernels().tiles[1].load[static_cast<int>(v.type)][v.byteswapped](target_, v.base, job_.units(v, tile_.first(), tile_.count()));
  }

  // To the computation dtype.
  void round(const double* from, void* to) const {
    if (job_.item == sizeof(double)) std::copy_n(from, tile_.count(), static_cast<double*>(to));
    else std::transform(from, from + tile_.count(), static_cast<float*>(to), [](double x) { return static_cast<float>(x); });
  }

  double factor(std::size_t unit) const {
    if (places_.factor == nullptr) return places_.scale;
    const double f = job_.item == sizeof(double) ? static_cast<const double*>(places_.factor)[unit]
                                                 : static_cast<double>(static_cast<const float*>(places_.factor)[unit]);
    return f == 0.0 ? 0.0 : f * places_.scale;
  }

  void go_back() {
    for (std::size_t i = 0; i < tile_.count(); ++i) {
      const double f = factor(i);
      for (std::size_t k = 0; k < pairs_.count; ++k) of_pair(flow_, k)[i] = times(f, of_pair(d1_, k)[i]);
      if (places_.unit_gradient != nullptr) d1_target_[i] = times(f, d1_target_[i]);
    }
    unit_gradients to{};
    for (std::size_t k = 0; k < job_.operands; ++k) to.of[k] = places_.gradients[k];
    to.streams = places_.streams;
    if (job_.measures_distances()) {
      job_.operations->distance_gradients(rows_, job_.form, measures_, flow_, arrays_.stride(), to);
    } else {
      const bool scaled = coefficients_of_products(job_.form, rows_, measures_, flow_, products_);
      job_.operations->product_gradients(rows_, pairs_.embeddings, products_.coefficients, scaled ? products_.scales : nullptr,
                                         arrays_.stride(), to);
    }
    if (places_.unit_gradient != nullptr) round(d1_target_, places_.unit_gradient);
  }

  const distance_job& job_;
  const record_tile& tile_;
  const record_places& places_;
  const unit_arrays arrays_;
  const embedding_pair_list pairs_;
  unit_rows rows_{};
  double *measures_, *d1_, *flow_, *target_, *d1_target_, *value_;
  product_arrays products_;
};

}  // namespace

double run_distances(const call_plan& plan, const loss_outputs& outputs, bool) {
  check_targets(plan);
  distance_job job;
  build_distance_job(plan, outputs, job);
  job.engine_bytes = unit_arrays(job).bytes();
  return run_records(plan, outputs, job, [&](const record_tile& tile, const record_places& p) { unit_tile(job, tile, p).compute(); });
}

}  // namespace fastloss

// Sums over the pixels of each class of each sample, the losses of the units that these make up, and the way back to the pixels.
#include "engine/region/run.hpp"

#include <algorithm>
#include <atomic>
#include <vector>

#include "engine/memory/streaming.hpp"
#include "engine/region/error_weights.hpp"
#include "engine/region/passes.hpp"
#include "engine/region/survey.hpp"
#include "fastloss/engine/padding.hpp"
#include "fastloss/runtime/threads.hpp"

namespace fastloss {
namespace {

// What threads keep of the pixels of a sample: more than that is computed again.
constexpr std::size_t most_kept_bytes = std::size_t{8} << 20;

// For so many samples to a thread, threads have samples rather than parts of one.
constexpr std::size_t samples_of_a_thread = 4;

class region_run {
 public:
  region_run(const call_plan& plan, const loss_outputs& outputs, error_weights& weights, region_job& job)
      : plan_(plan),
        call_(plan.call()),
        outputs_(outputs),
        weights_(weights),
        job_(job),
        pixels_(survey_pixels(plan, job)),
        units_(plan, job, pixels_),
        terms_(plan, job, pixels_) {}

  double run() {
    weights_.measure(job_);
    sums_.assign(job_.samples * job_.segments * job_.kept, {});
    term_sums_.assign(job_.samples * job_.segments, {});
    if (takes_samples_whole()) by_samples();
    else by_passes();
    return finish();
  }

 private:
  bool has_gradients() const { return call_.gradient_count > 0; }

  // The gradients of a sample are written while it is still in a cache, where what its units are divided by is known and threads have
  // samples enough.
  bool takes_samples_whole() const {
    const int threads = call_.call.threads > 0 ? call_.call.threads : get_num_threads();
    return has_gradients() && !job_.form.batch && units_.knows_denominator() && terms_.knows_denominator() &&
           (threads == 1 || job_.samples >= samples_of_a_thread * static_cast<std::size_t>(threads));
  }

  void by_samples() {
    units_.set_flow();
    terms_.set_flow();
    parallel_for(job_.samples, plan_.cost_ns(), call_.call.threads, [&](std::size_t n) {
      kept_pixels kept{memory_of_pixels(), false};
      for (std::size_t s = 0; s < job_.segments; ++s) sum_part(n * job_.segments + s, kept);
      put_together(n);
      units_.evaluate(n);
      units_.set_label_slopes(n);
      kept.filled = kept.memory != nullptr;
      for (std::size_t s = job_.segments; s-- > 0;) go_back(n * job_.segments + s, kept);
      finish_streaming();
    });
  }

  // Of this thread, for one sample; null: nothing is kept.
  char* memory_of_pixels() const {
    thread_local row_scratch of_thread;
    const std::size_t bytes = kept_pixels::numbers * padded_to(most_pack, job_.pixels) * job_.item;
    return job_.sums_by_label() && bytes <= most_kept_bytes ? of_thread.at_least(bytes) : nullptr;
  }

  void by_passes() {
    const std::size_t parts = job_.samples * job_.segments;
    parallel_for(parts, plan_.cost_ns(), call_.call.threads, [&](std::size_t part) { sum_part(part, {}); });
    for (std::size_t n = 0; n < job_.samples; ++n) put_together(n);
    units_.evaluate_all();
    units_.set_flow();
    terms_.set_flow();
    if (!has_gradients()) return;
    for (std::size_t n = 0; n < job_.samples; ++n) units_.set_label_slopes(n);
    parallel_for(parts, plan_.cost_ns(), call_.call.threads, [&](std::size_t part) {
      go_back(part, {});
      finish_streaming();
    });
  }

  // Calls of_block(block) for every block of a part.
  template <class OfBlock>
  void for_blocks(std::size_t part, const kept_pixels& kept, const OfBlock& of_block) {
    const std::size_t n = part / job_.segments, s = part % job_.segments, blocks = job_.blocks();
    for (std::size_t b = s * blocks / job_.segments; b < (s + 1) * blocks / job_.segments; ++b) {
      const std::size_t first = b * job_.block;
      region_block block(job_, n, first, std::min(job_.block, job_.pixels - first), kept);
      of_block(block);
    }
    region_block::trim();
  }

  void sum_part(std::size_t part, const kept_pixels& kept) {
    for_blocks(part, kept, [&](region_block& block) {
      add_up(job_, block, sums_.data() + part * job_.kept);
      if (!terms_.exist()) return;
      const pixel_terms::sums found = terms_.add_up(block);
      term_sums_[part].terms += found.terms;
      term_sums_[part].weights += found.weights;
    });
  }

  // The parts of a sample, in their order.
  void put_together(std::size_t n) {
    region_statistics* const cells = units_.cells(n);
    pixel_terms::sums of_sample;
    for (std::size_t part = n * job_.segments; part < (n + 1) * job_.segments; ++part) {
      for (std::size_t c = 0; c < job_.kept; ++c)
        for (int k = 0; k < region_sums; ++k) cells[c].of[k] += sums_[part * job_.kept + c].of[k];
      of_sample.terms += term_sums_[part].terms;
      of_sample.weights += term_sums_[part].weights;
    }
    if (terms_.exist()) terms_.add(n, of_sample);
  }

  void go_back(std::size_t part, const kept_pixels& kept) {
    for_blocks(part, kept, [&](region_block& block) {
      if (store_gradients(job_, block, units_, terms_)) nonfinite_.store(true, std::memory_order_relaxed);
    });
  }

  double finish() {
    check_finite(plan_, nonfinite_.load());
    if (!call_.value) return 0.0;
    if (!plan_.reduced()) {
      if (job_.check_finite) check_finite(plan_, units_.has_nonfinite_values());
      units_.store_values(outputs_.value);
      return 0.0;
    }
    const loss_statistics of_units = units_.statistics();
    if (!terms_.exist()) {
      if (call_.statistics) return finished_statistics(plan_, outputs_, of_units);
      return finished_value(plan_, reduced(plan_, of_units));
    }
    const loss_statistics of_terms = terms_.statistics();
    const bool nothing = of_units.denominator == 0.0 && of_terms.denominator == 0.0;
    const double value = times(job_.form.overlap_weight, reduced(plan_, of_units)) + times(job_.form.term_weight, reduced(plan_, of_terms));
    if (call_.statistics) return finished_statistics(plan_, outputs_, nothing ? loss_statistics{} : loss_statistics{value, 1.0});
    return finished_value(plan_, value);
  }

  const call_plan& plan_;
  const loss_call& call_;
  const loss_outputs& outputs_;
  error_weights& weights_;
  const region_job& job_;
  const std::vector<double> pixels_;
  region_units units_;
  pixel_terms terms_;
  std::vector<region_statistics> sums_;
  std::vector<pixel_terms::sums> term_sums_;
  std::atomic<bool> nonfinite_{false};
};

}  // namespace

double run_regions(const call_plan& plan, const loss_outputs& outputs, bool in_place) {
  region_job job;
  error_weights weights(plan);
  build_region_job(plan, outputs, weights.array(), in_place, job);
  return region_run(plan, outputs, weights, job).run();
}

}  // namespace fastloss

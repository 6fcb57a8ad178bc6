// From a call to sorts of the errors of each class of each unit, and from these to results.
#include "engine/lovasz/run.hpp"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "engine/call/checks.hpp"
#include "engine/call/reduction.hpp"
#include "engine/lovasz/errors.hpp"
#include "engine/memory/scratch.hpp"
#include "fastloss/engine/padding.hpp"
#include "fastloss/runtime/interruption.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// Pixels that are sorted at once, at least, where there are as many: of several classes and units beside each other.
constexpr std::size_t pixels_at_once = std::size_t{1} << 21;
// So many sorts beside each other keep the threads busy; of fewer, each is shared among all threads.
constexpr std::size_t enough_sorts = 8;
// Of the smallest units the padding and the counters of a sort are larger than its pixels: more of them would take more memory only.
constexpr std::size_t most_sorts = std::size_t{1} << 13;
// What a pair of 32 and 32 bits has for the place of a pixel.
constexpr std::size_t most_narrow_places = std::size_t{1} << 30;
constexpr std::size_t block_pixels = 16 * tile_pixels;
constexpr double fill_ns = 0.3, softmax_ns = 1.5;  // of a pixel of a class, on one thread

template <class S>
class lovasz_run {
 public:
  lovasz_run(const call_plan& plan, const loss_outputs& outputs) : plan_(plan), call_(plan.call()), outputs_(outputs) {
    build_lovasz_job(plan, outputs, job_);
    has_gradient_ = call_.gradient_count > 0;
    // An odd number of packs: the classes of a pixel are in different sets of a cache.
    plane_ = (padded_to(most_pack, job_.pixels) / most_pack | 1) * most_pack;
    unit_numbers_ = plane_ * job_.classes;
  }

  double run() {
    counts_ = count_labels<S>(plan_, job_);
    weigh_units();
    losses_.assign(job_.units * job_.classes, 0.0);
    find_places();
    if (places_in_output_ ? span_ <= most_narrow_places : job_.pixels <= most_narrow_places) run_sorts<key_of<S>>();
    else run_sorts<std::uint64_t>();
    const double value = finish();
    check_finite(plan_, nonfinite_.load());
    return value;
  }

 private:
  std::uint64_t count_of(std::size_t unit, std::size_t c) const { return counts_[unit * job_.classes + c]; }
  bool has_loss(std::size_t unit, std::size_t c) const {
    return weight_[unit] != 0.0 && (job_.form.all_classes || job_.first_class > 0 || count_of(unit, c) > 0);
  }

  // Denominators are known before anything is sorted, and with them what flows back to each unit.
  void weigh_units() {
    weight_ = numbers_of_units(plan_, call_.call.sample_weight);
    unit_sums sums{};
    for (std::size_t u = 0; u < job_.units; ++u) {
      std::uint64_t pixels = 0;
      for (std::size_t c = 0; c < job_.classes; ++c) pixels += count_of(u, c);
      if (pixels == 0) weight_[u] = 0.0;
      else sums += {1.0, weight_[u], weight_[u]};
    }
    class_count_.assign(job_.units, 0.0);
    for (std::size_t u = 0; u < job_.units; ++u)
      for (std::size_t c = job_.first_class; c < job_.classes; ++c) class_count_[u] += has_loss(u, c) ? 1.0 : 0.0;
    denominator_ = denominator_of(plan_, sums);
    nothing_ = is_over_nothing(plan_, denominator_);
    const double flow = scalar_flow(call_), reduced = !plan_.reduced() ? flow : nothing_ ? 0.0 : flow / denominator_;
    const bool each = !plan_.reduced() && call_.call.grad_output.rank > 0;
    flow_ = numbers_of_units(plan_, each ? call_.call.grad_output : const_array{});
    for (std::size_t u = 0; u < job_.units; ++u) flow_[u] = times(weight_[u], times(reduced, flow_[u]));
  }

  // Gradients go to the output at once where pixels are numbers of the computation dtype at places that a pair can hold.
  void find_places() {
    const lovasz_view& g = job_.gradient;
    const std::ptrdiff_t item = static_cast<std::ptrdiff_t>(job_.item);
    places_ = {std::max<std::size_t>(1, job_.pixels), 1, 0};
    places_in_output_ = has_gradient_ && !job_.form.from_logits && !job_.accumulate && job_.rank <= 2 && g.type == plan_.computation() &&
                        !g.byteswapped && reinterpret_cast<std::uintptr_t>(g.base) % job_.item == 0 && g.of_class % item == 0;
    span_ = 1;
    for (int i = 0; i < job_.rank && places_in_output_; ++i) {
      places_in_output_ = g.strides[i] >= 0 && g.strides[i] % item == 0;
      span_ += static_cast<std::size_t>(job_.shape[i] - 1) * static_cast<std::size_t>(g.strides[i] / item);
    }
    if (!places_in_output_ || job_.rank == 0) return;
    const int last = job_.rank - 1;
    places_ = {static_cast<std::size_t>(job_.shape[last]), static_cast<std::size_t>(g.strides[last] / item),
               job_.rank == 2 ? static_cast<std::size_t>(g.strides[0] / item) : 0};
  }

  // Calls body(first, count) for runs of at most a tile of so many pixels.
  template <class Body>
  void each_tile(std::size_t pixels, double ns, const Body& body) const {
    const std::size_t blocks = (pixels + block_pixels - 1) / block_pixels;
    parallel_for(blocks, static_cast<double>(pixels) * ns, call_.call.threads, [&](std::size_t b) {
      const std::size_t end = std::min((b + 1) * block_pixels, pixels);
      for (std::size_t first = b * block_pixels; first < end; first += tile_pixels) body(first, std::min(tile_pixels, end - first));
    });
  }

  template <class K>
  void run_sorts() {
    if (job_.units == 0 || job_.pixels == 0) return;
    const std::size_t at_once = std::clamp<std::size_t>(pixels_at_once / job_.pixels, 1, most_sorts);
    const std::size_t units =
        job_.form.from_logits ? std::max<std::size_t>(1, at_once / std::max<std::size_t>(1, job_.classes)) : job_.units;
    std::size_t slots = std::min(at_once, std::min(units, job_.units) * (job_.classes - job_.first_class));
    const bool shared = slots < enough_sorts;
    if (shared) slots = 1;
    const error_sorter<S, K> sorter(job_, places_, slots, shared, call_.call.threads);
    allocate(slots, std::min(units, job_.units));
    for (std::size_t first = 0; first < job_.units; first += units) {
      const std::size_t end = std::min(first + units, job_.units);
      if (job_.form.from_logits) make_probabilities(first, end);
      sort_classes(sorter, first, end, slots);
      if (job_.form.from_logits && has_gradient_) go_back(first, end);
    }
  }

  // Of the units that are computed at once: probabilities and gradients in them, class by class; or of each sort its gradient.
  void allocate(std::size_t slots, std::size_t units) {
    if (job_.form.from_logits) probabilities_.allocate(units * unit_numbers_ * sizeof(S));
    if (has_gradient_ && !places_in_output_)
      gradients_.allocate((job_.form.from_logits ? units * unit_numbers_ : slots * plane_) * sizeof(S));
  }
  static S* numbers(const scratch_block& memory) { return reinterpret_cast<S*>(memory.data()); }

  void make_probabilities(std::size_t first_unit, std::size_t end) const {
    for (std::size_t u = first_unit; u < end; ++u) {
      if (weight_[u] == 0.0) continue;
      S* const planes = numbers(probabilities_) + (u - first_unit) * unit_numbers_;
      each_tile(job_.pixels, static_cast<double>(job_.classes) * softmax_ns,
                [&](std::size_t first, std::size_t count) { softmax_of_tile(planes + first, u * job_.pixels + first, count); });
    }
  }

  // Nothing flows back to what is masked: its probabilities are 0.
  void softmax_of_tile(S* planes, std::size_t pixel, std::size_t count) const {
    thread_local row_scratch scratch;
    S* next = reinterpret_cast<S*>(scratch.at_least(5 * tile_pixels * sizeof(S)));
    const auto take = [&] { return std::exchange(next, next + tile_pixels); };
    S *const mask = take(), *const maximum = take(), *const tail = take(), *const label_score = take();
    label_of_pixel<S>* const labels = reinterpret_cast<label_of_pixel<S>*>(take());
    const std::size_t padded = padded_to(most_pack, count);
    load_labels(job_, pixel, count, labels, mask);
    for (std::size_t i = 0; i < padded; ++i) mask[i] = labels[i] < 0 ? S(0) : S(1);
    for (std::size_t c = 0; c < job_.classes; ++c) {
      job_.load_input(planes + c * plane_, c, pixel, count);
      std::fill(planes + c * plane_ + count, planes + c * plane_ + padded, S(0));
    }
    const row_tile classes{planes, static_cast<std::ptrdiff_t>(plane_)};
    shift_pass pass{};
    pass.extent = {padded, job_.classes};
    pass.scores = pass.exps = classes;
    pass.maximum = maximum;
    pass.tail = tail;
    pass.label_score = label_score;
    job_.rows->of[static_cast<int>(arrangement::row_contiguous)].softmax(pass);
    job_.regions->inverse_sum(tail, tail, mask, padded);
    job_.regions->normalise(planes, plane_, job_.classes, tail, padded);
  }

  bool flows_back(std::size_t unit) const { return has_gradient_ && flow_[unit] != 0.0; }
  S* logits_gradient(std::size_t unit_of_wave, std::size_t c) const {
    return numbers(gradients_) + unit_of_wave * unit_numbers_ + c * plane_;
  }

  template <class Sorter>
  void sort_classes(const Sorter& sorter, std::size_t first_unit, std::size_t end_unit, std::size_t slots) {
    struct sort {
      std::size_t unit, label;
    };
    std::vector<sort> sorts;
    const bool values = call_.value || call_.statistics;
    for (std::size_t u = first_unit; u < end_unit; ++u)
      for (std::size_t c = job_.first_class; c < job_.classes; ++c) {
        if (has_loss(u, c) && (values || flows_back(u))) sorts.push_back({u, c});
        if (has_gradient_ && !(has_loss(u, c) && flows_back(u)))
          clear(u, c, job_.form.from_logits ? logits_gradient(u - first_unit, c) : nullptr);
      }
    const auto run_sort = [&](const sort& s, std::size_t slot) {
      class_of_unit<S> c{s.unit, s.label, count_of(s.unit, s.label), nullptr, nullptr, 0.0};
      if (job_.form.from_logits) c.probabilities = numbers(probabilities_) + (s.unit - first_unit) * unit_numbers_ + s.label * plane_;
      sorter.read(c, slot);
      if (flows_back(s.unit)) {
        c.scale = flow_[s.unit] / class_count_[s.unit];
        c.gradient = job_.form.from_logits ? logits_gradient(s.unit - first_unit, s.label)
                     : places_in_output_   ? output_of(s.unit, s.label)
                                           : numbers(gradients_) + slot * plane_;
        clear(s.unit, s.label, places_in_output_ ? nullptr : c.gradient);
      }
      losses_[s.unit * job_.classes + s.label] = sorter.evaluate(c, slot, nonfinite_);
      if (c.gradient != nullptr && !places_in_output_ && !job_.form.from_logits) store(s.unit, s.label, c.gradient);
    };
    for (std::size_t first = 0; first < sorts.size(); first += slots) {
      const std::size_t n = std::min(slots, sorts.size() - first);
      if (slots == 1) {
        run_sort(sorts[first], 0);
        continue;
      }
      parallel_for(n, static_cast<double>(n * job_.pixels) * plan_.loss().cost_ns_per_element, call_.call.threads, [&](std::size_t i) {
        const interruptible not_inside(nullptr);
        run_sort(sorts[first + i], i);
      });
    }
  }

  S* output_of(std::size_t unit, std::size_t c) const {
    return reinterpret_cast<S*>(job_.gradient.of(c - job_.first_class)) + places_.of(unit * job_.pixels);
  }

  // Zeros in the memory of a class's gradient, or in the output.
  void clear(std::size_t unit, std::size_t c, S* memory) const {
    if (memory == nullptr && job_.accumulate) return;
    each_tile(job_.pixels, fill_ns, [&](std::size_t first, std::size_t count) {
      if (memory != nullptr) {
        std::fill_n(memory + first, count, S(0));
      } else {
        alignas(64) static constexpr S zeros[tile_pixels] = {};
        job_.store_gradient(zeros, c, unit * job_.pixels + first, count);
      }
    });
  }

  void store(std::size_t unit, std::size_t c, const S* gradient) const {
    each_tile(job_.pixels, fill_ns,
              [&](std::size_t first, std::size_t count) { job_.store_gradient(gradient + first, c, unit * job_.pixels + first, count); });
  }

  // From gradients in probabilities to those in scores.
  void go_back(std::size_t first_unit, std::size_t end) {
    for (std::size_t u = first_unit; u < end; ++u) {
      S* const planes = logits_gradient(u - first_unit, 0);
      const S* const probabilities = numbers(probabilities_) + (u - first_unit) * unit_numbers_;
      each_tile(job_.pixels, static_cast<double>(job_.classes) * softmax_ns, [&](std::size_t first, std::size_t count) {
        if (flows_back(u))
          job_.regions->through_softmax(planes + first, probabilities + first, nullptr, plane_, job_.classes, padded_to(most_pack, count));
        for (std::size_t c = 0; c < job_.classes; ++c) {
          const S* const slopes = planes + c * plane_ + first;
          if (job_.check_finite && job_.tiles->nonfinite(slopes, count)) nonfinite_.store(true, std::memory_order_relaxed);
          job_.store_gradient(slopes, c, u * job_.pixels + first, count);
        }
      });
    }
  }

  double value_of(std::size_t unit) const {
    double sum = 0.0;
    for (std::size_t c = job_.first_class; c < job_.classes; ++c) sum += losses_[unit * job_.classes + c];
    return weight_[unit] == 0.0 ? 0.0 : weight_[unit] * (sum / class_count_[unit]);
  }

  double finish() {
    std::vector<double> values(job_.units);
    double sum = 0.0;
    for (std::size_t u = 0; u < job_.units; ++u) sum += values[u] = value_of(u);
    if (call_.statistics) return finished_statistics(plan_, outputs_, {sum, denominator_});
    if (!call_.value) return 0.0;
    if (plan_.reduced()) return finished_value(plan_, nothing_ ? value_over_nothing(plan_) : sum / denominator_);
    const mutable_array& to = outputs_.value;
    const tile_operations& wide = active_kernels().tiles[1];
    if (job_.check_finite && wide.nonfinite(values.data(), job_.units)) nonfinite_.store(true);
    wide.store[static_cast<int>(to.type)][to.byteswapped](values.data(), to.data,
                                                          {plan_.units().rank, plan_.units().shape, to.strides, 0, job_.units}, 1.0, false);
    return 0.0;
  }

  const call_plan& plan_;
  const loss_call& call_;
  const loss_outputs& outputs_;
  lovasz_job job_;
  bool has_gradient_;
  std::vector<std::uint64_t> counts_;  // of pixels, of each class of each unit
  std::vector<double> weight_, flow_;  // of units: sample weights, 0 where none of its pixels counts; what flows back
  std::vector<double> class_count_;    // of units: the classes that its loss is the mean over
  std::vector<double> losses_;         // of each class of each unit
  double denominator_ = 1.0;
  bool nothing_ = false;
  pixel_places places_;
  bool places_in_output_;
  std::size_t span_;                  // of places
  std::size_t plane_, unit_numbers_;  // from a class to the next, and from a unit to the next
  scratch_block probabilities_, gradients_;
  std::atomic<bool> nonfinite_{false};
};

}  // namespace

double run_lovasz(const call_plan& plan, const loss_outputs& outputs, bool) {
  return plan.computation() == dtype::float64 ? lovasz_run<double>(plan, outputs).run() : lovasz_run<float>(plan, outputs).run();
}

}  // namespace fastloss

#include "engine/region/survey.hpp"

#include <algorithm>
#include <atomic>
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "engine/memory/layout.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

constexpr std::size_t pixels_at_once = 1024;
constexpr double cost_ns_per_number = 0.5;

bool is_binary(double x) { return x == 0.0 || x == 1.0; }

class surveyor {
 public:
  surveyor(const call_plan& plan, region_job& job) : plan_(plan), call_(plan.call()), job_(job) {}

  std::vector<double> pixels() {
    const std::size_t cells = job_.samples * job_.classes;
    std::vector<double> counts(cells, static_cast<double>(job_.pixels));
    const bool is_mask = !job_.has_labels && !is_floating(target().type) && target().type != dtype::boolean;
    if (is_mask && job_.ignore_index != 0 && job_.ignore_index != 1 && holds_only_0_and_1()) job_.ignores = false;
    if (job_.has_mask()) {
      const std::size_t rows = job_.mask_differs() ? cells : job_.samples;
      const double cost = cost_ns_per_number * static_cast<double>(rows * job_.pixels);
      parallel_for(rows, cost, call_.call.threads, [&](std::size_t row) {
        const std::size_t n = row * job_.samples / rows, c = rows == cells ? row % job_.classes : 0;
        if (rows == cells && c < first_checked()) return;
        const double found = look(n, c);
        if (rows == cells) counts[row] = found;
        else std::fill_n(&counts[n * job_.classes], job_.classes, found);
      });
      if (bad_.load()) fail();
    }
    if (call_.call.raise_domain)
      for (std::size_t k = 0; k < 2; ++k) check_domain(k);
    return counts;
  }

 private:
  const const_array& target() const { return call_.operands[1]; }
  // A background that is left out of all is not looked at.
  std::size_t first_checked() const { return job_.term != nullptr ? 0 : job_.first_class; }

  // The usual mask, by its bits alone.
  bool holds_only_0_and_1() const {
    std::atomic<bool> all{true};
    const double cost = cost_ns_per_number * static_cast<double>(job_.samples * job_.classes * job_.pixels);
    parallel_for(job_.samples * job_.kept, cost, call_.call.threads, [&](std::size_t row) {
      const region_view& v = job_.target;
      const std::size_t n = row / job_.kept, c = job_.first_class + row % job_.kept;
      if (job_.regions->any_bit_beyond_the_first[static_cast<int>(v.type)][v.byteswapped](v.of(n, c), job_.run(v, 0, job_.pixels)))
        all.store(false, std::memory_order_relaxed);
    });
    return all.load() && first_checked() == job_.first_class;
  }

  void load(const region_view& v, std::size_t n, std::size_t c, std::size_t first, std::size_t count, double* to) const {
    active_kernels().tiles[1].load[static_cast<int>(v.type)][v.byteswapped](to, v.of(n, c), job_.run(v, first, count));
  }

  // Where pixels of a block count, 0 elsewhere; sets the flag where one that counts has a target that is none.
  void counts_of(std::size_t n, std::size_t c, std::size_t first, std::size_t count, double* counts, bool& bad) const {
    if (job_.where.base != nullptr) load(job_.where, n, c, first, count, counts);
    else std::fill_n(counts, count, 1.0);
    const region_view& v = job_.target;
    if (job_.has_labels) {
      std::int64_t labels[pixels_at_once];
      const bool fine = active_kernels().rows[1].load_labels[static_cast<int>(v.type)][v.byteswapped](
          labels, v.of(n, 0), job_.run(v, first, count), static_cast<std::int64_t>(job_.classes), job_.ignore_index);
      if (!fine) bad |= has_bad_label(n, first, count, counts);
      for (std::size_t i = 0; i < count; ++i) counts[i] = labels[i] < 0 ? 0.0 : counts[i];
    } else if (!is_floating(v.type)) {
      const std::size_t first_class = job_.whole_pixels ? 0 : c, last_class = job_.whole_pixels ? job_.classes : c + 1;
      double numbers[pixels_at_once];
      for (std::size_t k = first_class; job_.ignores && k < last_class; ++k) {
        load(v, n, k, first, count, numbers);
        for (std::size_t i = 0; i < count; ++i) counts[i] = numbers[i] == static_cast<double>(job_.ignore_index) ? 0.0 : counts[i];
      }
      for (std::size_t k = first_class; v.type != dtype::boolean && k < last_class; ++k) {
        load(v, n, k, first, count, numbers);
        for (std::size_t i = 0; i < count; ++i) bad |= counts[i] != 0.0 && !is_binary(numbers[i]);
      }
    }
  }

  // Class indices without a mask.
  double look_at_labels(std::size_t n) {
    const region_view& v = job_.target;
    std::size_t total = 0;
    bool fine = true;
    for (std::size_t first = 0; first < job_.pixels; first += pixels_at_once) {
      const std::size_t count = std::min(pixels_at_once, job_.pixels - first);
      std::int64_t labels[pixels_at_once];  // or halves of these
      fine &= job_.rows->load_labels[static_cast<int>(v.type)][v.byteswapped](labels, v.of(n, 0), job_.run(v, first, count),
                                                                              static_cast<std::int64_t>(job_.classes), job_.ignore_index);
      total += job_.regions->count_labels(labels, count);
    }
    if (!fine) bad_.store(true, std::memory_order_relaxed);
    return static_cast<double>(total);
  }

  double look(std::size_t n, std::size_t c) {
    if (job_.has_labels && job_.where.base == nullptr) return look_at_labels(n);
    double total = 0.0;
    bool bad = false;
    for (std::size_t first = 0; first < job_.pixels; first += pixels_at_once) {
      const std::size_t count = std::min(pixels_at_once, job_.pixels - first);
      double counts[pixels_at_once];
      counts_of(n, c, first, count, counts, bad);
      for (std::size_t i = 0; i < count; ++i) total += counts[i];
    }
    if (bad) bad_.store(true, std::memory_order_relaxed);
    return total;
  }

  // Whether a label that is out of range counts for any class.
  bool has_bad_label(std::size_t n, std::size_t first, std::size_t count, const double* counts) const {
    for (std::size_t i = 0; i < count; ++i)
      if (is_bad_label(n, first + i) && (counts[i] != 0.0 || (job_.mask_differs() && counts_for_any(n, first + i)))) return true;
    return false;
  }
  bool is_bad_label(std::size_t n, std::size_t pixel) const {
    const region_view& v = job_.target;
    std::int64_t label;
    return !active_kernels().rows[1].load_labels[static_cast<int>(v.type)][v.byteswapped](
        &label, v.of(n, 0), job_.run(v, pixel, 1), static_cast<std::int64_t>(job_.classes), job_.ignore_index);
  }
  bool counts_for_any(std::size_t n, std::size_t pixel) const {
    if (job_.where.base == nullptr) return true;
    for (std::size_t c = first_checked(); c < job_.classes; ++c) {
      double kept;
      load(job_.where, n, c, pixel, 1, &kept);
      if (kept != 0.0) return true;
    }
    return false;
  }

  // Where an element of an operand is, and what masks it.
  struct place {
    std::size_t of_class;
    const char *target, *where;
  };
  place place_of(const const_array& a, const std::ptrdiff_t* index) const {
    const region_axes axes = axes_of_regions(call_);
    const bool whole = a.rank == call_.operands[0].rank;
    std::ptrdiff_t strides[max_rank];
    const const_array& where = call_.call.where;
    if (!where.absent()) align_where(call_, axes, strides);
    place at{0, static_cast<const char*>(a.data), static_cast<const char*>(where.data)};
    for (int i = 0, own = 0; i < call_.operands[0].rank; ++i) {
      const bool of_class = i == axes.class_axis;
      if (of_class && !whole) continue;
      const std::ptrdiff_t x = index[own];
      at.target += x * a.strides[own++];
      if (!where.absent()) at.where += x * strides[i];
      if (of_class) at.of_class = static_cast<std::size_t>(x);
    }
    return at;
  }
  static double number_at(const const_array& a, const char* at) {
    double x;
    active_kernels().tiles[1].load[static_cast<int>(a.type)][a.byteswapped](&x, at, {0, nullptr, nullptr, 0, 1});
    return x;
  }
  bool counts(const place& at, bool for_any_class) const {
    if (!for_any_class && at.of_class < first_checked()) return false;
    const const_array& where = call_.call.where;
    if (where.absent()) return true;
    if (!for_any_class) return number_at(where, at.where) != 0.0;
    for (std::size_t c = first_checked(); c < job_.classes; ++c)
      if (number_at(where, at.where + static_cast<std::ptrdiff_t>(c) * job_.where.of_class) != 0.0) return true;
    return false;
  }

  // Calls of_each(index, place) for the elements of an operand in C order.
  template <class OfEach>
  void for_each(const const_array& a, const OfEach& of_each) const {
    const std::size_t count = element_count(a.rank, a.shape);
    for (std::size_t i = 0; i < count; ++i) {
      std::ptrdiff_t index[max_rank];
      index_at(i, a.rank, a.shape, index);
      of_each(index, place_of(a, index));
    }
  }

  [[noreturn]] void fail() const {
    const const_array& a = target();
    const operand& o = plan_.loss().operands[1];
    const class_extent classes{job_.classes, 0, plan_.class_axis()};
    for_each(a, [&](const std::ptrdiff_t* index, const place& at) {
      if (job_.has_labels) {
        std::int64_t label;
        const bool fine = active_kernels().rows[1].load_labels[static_cast<int>(a.type)][a.byteswapped](
            &label, at.target, {0, nullptr, nullptr, 0, 1}, static_cast<std::int64_t>(job_.classes), job_.ignore_index);
        if (!fine && counts(at, true)) fail_class_index_at(plan_, 1, classes, index);
        return;
      }
      const double x = number_at(a, at.target);
      if (is_binary(x) || (job_.ignores && x == static_cast<double>(job_.ignore_index)) || !counts(at, false)) return;
      fail_value(plan_.loss(), std::string(o.name) + " must be 0 or 1 where it is a mask of an integer dtype, got " +
                                   integer_text(at.target, a.type, a.byteswapped) + " at index " + shape_text(a.rank, index));
    });
    fail_value(plan_.loss(), std::string(o.name) + " was out of range, and changed while it was checked");
  }

  void check_domain(std::size_t k) const {
    const const_array& a = call_.operands[k];
    const domain values = plan_.loss().values_of(call_.options, static_cast<int>(k));
    if (!is_floating(a.type)) return;
    for_each(a, [&](const std::ptrdiff_t* index, const place& at) {
      const double x = number_at(a, at.target);
      if (values.contains(x) || !counts(at, false) || is_ignored(index)) return;
      fail_value(plan_.loss(), std::string(plan_.loss().operands[k].name) + " must be " + domain_text(values) + ", got " +
                                   number_text(x, a.type) + " at index " + shape_text(a.rank, index));
    });
  }
  // Whether the target of a place of the input says so.
  bool is_ignored(const std::ptrdiff_t* index) const {
    const const_array& a = target();
    if (is_floating(a.type) || (!job_.has_labels && !job_.ignores)) return false;
    const char* at = static_cast<const char*>(a.data);
    const int class_axis = axes_of_regions(call_).class_axis;
    for (int i = 0, own = 0; i < call_.operands[0].rank; ++i)
      if (i != class_axis || !job_.has_labels) at += index[i] * a.strides[own++];
    return number_at(a, at) == static_cast<double>(call_.call.ignore_index);
  }

  const call_plan& plan_;
  const loss_call& call_;
  region_job& job_;
  std::atomic<bool> bad_{false};
};

}  // namespace

std::vector<double> survey_pixels(const call_plan& plan, region_job& job) { return surveyor(plan, job).pixels(); }

}  // namespace fastloss

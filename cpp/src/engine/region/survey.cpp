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

constexpr std::size_t pixels_at_once = 1024, piece_pixels = 64 * pixels_at_once;
constexpr double cost_ns_per_number = 0.5;

class surveyor {
 public:
  surveyor(const call_plan& plan, region_job& job) : plan_(plan), call_(plan.call()), job_(job) {}

  std::vector<double> pixels() {
    const bool may_be_none = job_.is_mask && target().type != dtype::boolean;
    if (may_be_none && job_.ignore_index != 0 && job_.ignore_index != 1 && holds_only_0_and_1()) job_.ignores = false;
    std::vector<double> found(job_.samples * job_.classes, static_cast<double>(job_.pixels));
    if (job_.has_mask() && !found.empty()) count_pixels(found);
    const double whole = static_cast<double>(job_.pixels);
    job_.every_pixel_counts = std::all_of(found.begin(), found.end(), [&](double n) { return n == whole; });
    if (call_.call.raise_domain)
      for (std::size_t k = 0; k < 2; ++k) check_domain(k);
    return found;
  }

 private:
  const const_array& target() const { return call_.operands[1]; }
  // A background that is left out of all is not looked at.
  std::size_t first_checked() const { return job_.term != nullptr ? 0 : job_.first_class; }

  // Of each class of a sample or, where a pixel counts for all or for none, of each sample; in pieces, for threads. Counts are exact.
  void count_pixels(std::vector<double>& found) {
    const bool by_class = job_.mask_differs();
    const std::size_t rows = by_class ? found.size() : job_.samples, pieces = (job_.pixels + piece_pixels - 1) / piece_pixels;
    std::vector<double> of_pieces(rows * pieces, 0.0);
    const double cost = cost_ns_per_number * static_cast<double>(rows * job_.pixels);
    parallel_for(of_pieces.size(), cost, call_.call.threads, [&](std::size_t i) {
      const std::size_t row = i / pieces, n = by_class ? row / job_.classes : row, c = by_class ? row % job_.classes : 0;
      if (!by_class || c >= first_checked()) of_pieces[i] = look(n, c, i % pieces * piece_pixels);
    });
    if (bad_.load()) fail();
    for (std::size_t cell = 0; cell < found.size(); ++cell) {
      const std::size_t row = by_class ? cell : cell / job_.classes;
      found[cell] = 0.0;
      for (std::size_t piece = 0; piece < pieces; ++piece) found[cell] += of_pieces[row * pieces + piece];
    }
  }

  // The usual mask, by its bits alone.
  bool holds_only_0_and_1() const {
    std::atomic<bool> all{true};
    const std::size_t first = first_checked(), checked = job_.classes - first;
    const double cost = cost_ns_per_number * static_cast<double>(job_.samples * checked * job_.pixels);
    parallel_for(job_.samples * checked, cost, call_.call.threads, [&](std::size_t row) {
      const region_view& v = job_.target;
      const std::size_t n = row / checked, c = first + row % checked;
      if (job_.regions->any_bit_beyond_the_first[static_cast<int>(v.type)][v.byteswapped](v.of(n, c), job_.run(v, 0, job_.pixels)))
        all.store(false, std::memory_order_relaxed);
    });
    return all.load();
  }

  void load(const region_view& v, std::size_t n, std::size_t c, std::size_t first, std::size_t count, double* to) const {
    active_kernels().tiles[1].load[static_cast<int>(v.type)][v.byteswapped](to, v.of(n, c), job_.run(v, first, count));
  }
  // Class indices, or numbers of a mask, as integers: -1 where they are to be ignored or are none. False if there is one that is none.
  bool load_labels(std::size_t n, std::size_t c, std::size_t first, std::size_t count, std::int64_t* to) const {
    const region_view& v = job_.target;
    return active_kernels().rows[1].load_labels[static_cast<int>(v.type)][v.byteswapped](to, v.of(n, c), job_.run(v, first, count),
                                                                                         label_count(), job_.ignore_index);
  }
  std::int64_t label_count() const { return job_.has_labels ? static_cast<std::int64_t>(job_.classes) : 2; }

  // Where pixels of a block count, 0 elsewhere; sets the flag where one that counts has a target that is none.
  void counts_of(std::size_t n, std::size_t c, std::size_t first, std::size_t count, double* counts, bool& bad) const {
    if (job_.where.base != nullptr) load(job_.where, n, c, first, count, counts);
    else std::fill_n(counts, count, 1.0);
    if (!job_.has_labels && !job_.ignores) return;
    const std::size_t first_class = job_.has_labels || job_.whole_pixels ? 0 : c;
    const std::size_t last_class = job_.has_labels ? 1 : job_.whole_pixels ? job_.classes : c + 1;
    bool is_none[pixels_at_once] = {};
    for (std::size_t k = first_class; k < last_class; ++k) {
      std::int64_t labels[pixels_at_once];
      const bool fine =
          target().type == dtype::boolean ? load_switches(n, k, first, count, labels) : load_labels(n, k, first, count, labels);
      for (std::size_t i = 0; i < count; ++i) {
        if (labels[i] >= 0) continue;
        std::int64_t one;
        if (!fine && !load_labels(n, k, first + i, 1, &one)) is_none[i] = true;
        else counts[i] = 0.0;
      }
    }
    for (std::size_t i = 0; i < count; ++i)
      bad |= is_none[i] && (counts[i] != 0.0 || (job_.has_labels && job_.mask_differs() && counts_for_any(n, first + i)));
  }
  bool load_switches(std::size_t n, std::size_t c, std::size_t first, std::size_t count, std::int64_t* to) const {
    double numbers[pixels_at_once];
    load(job_.target, n, c, first, count, numbers);
    for (std::size_t i = 0; i < count; ++i) to[i] = numbers[i] == static_cast<double>(job_.ignore_index) ? -1 : 0;
    return true;
  }

  // How many pixels of a piece count.
  double look(std::size_t n, std::size_t c, std::size_t first_of_piece) {
    const std::size_t last = std::min(job_.pixels, first_of_piece + piece_pixels);
    double total = 0.0;
    bool bad = false;
    for (std::size_t first = first_of_piece; first < last; first += pixels_at_once) {
      const std::size_t count = std::min(pixels_at_once, last - first);
      if (job_.has_labels && job_.where.base == nullptr) {
        total += count_labels(n, first, count, bad);
        continue;
      }
      double counts[pixels_at_once];
      counts_of(n, c, first, count, counts, bad);
      for (std::size_t i = 0; i < count; ++i) total += counts[i];
    }
    if (bad) bad_.store(true, std::memory_order_relaxed);
    return total;
  }

  // Class indices without a mask.
  double count_labels(std::size_t n, std::size_t first, std::size_t count, bool& bad) const {
    const region_view& v = job_.target;
    std::int64_t labels[pixels_at_once];  // or integers of half the size
    bad |= !job_.rows->load_labels[static_cast<int>(v.type)][v.byteswapped](labels, v.of(n, 0), job_.run(v, first, count), label_count(),
                                                                            job_.ignore_index);
    return static_cast<double>(job_.regions->count_labels(labels, count));
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

  // The first class index, or number of a mask, that counts and is none.
  [[noreturn]] void fail() const {
    const const_array& a = target();
    const operand& o = plan_.loss().operands[1];
    for_each(a, [&](const std::ptrdiff_t* index, const place& at) {
      if (!is_none(a, at.target) || !counts(at, job_.has_labels) || is_pixel_ignored(at)) return;
      if (job_.has_labels) fail_class_index_at(plan_, 1, {job_.classes, 0, plan_.class_axis()}, index);
      fail_value(plan_.loss(), std::string(o.name) + " must be 0 or 1 where it is a mask of an integer dtype, got " +
                                   integer_text(at.target, a.type, a.byteswapped) + " at index " + shape_text(a.rank, index));
    });
    fail_value(plan_.loss(), std::string(o.name) + " was out of range, and changed while it was checked");
  }
  bool is_none(const const_array& a, const char* at) const {
    std::int64_t label;
    return !active_kernels().rows[1].load_labels[static_cast<int>(a.type)][a.byteswapped](&label, at, {0, nullptr, nullptr, 0, 1},
                                                                                          label_count(), job_.ignore_index);
  }
  // Whether the place of another class takes its pixel with it.
  bool is_pixel_ignored(const place& at) const {
    const const_array& a = target();
    for (std::size_t c = 0; job_.whole_pixels && job_.ignores && c < job_.classes; ++c)
      if (number_at(a, at.target + (static_cast<std::ptrdiff_t>(c) - static_cast<std::ptrdiff_t>(at.of_class)) * job_.target.of_class) ==
          static_cast<double>(job_.ignore_index))
        return true;
    return false;
  }

  void check_domain(std::size_t k) const {
    const const_array& a = call_.operands[k];
    const domain values = plan_.loss().values_of(call_.options, static_cast<int>(k));
    if (!is_floating(a.type) || values.everything()) return;
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

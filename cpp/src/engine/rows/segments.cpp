#include "engine/rows/segments.hpp"

#include <algorithm>
#include <vector>

#include "engine/memory/streaming.hpp"
#include "fastloss/runtime/threads.hpp"

namespace fastloss {
namespace {

// Estimated, of one class on one thread.
constexpr double cost_ns_of_maximum = 0.1, cost_ns_of_exponential = 0.2, cost_ns_of_gradient = 0.15;

struct cut {
  std::size_t segments, classes, item;

  cut(row_extent extent, std::size_t bytes)
      : segments((extent.classes + segment_classes - 1) / segment_classes), classes(extent.classes), item(bytes) {}

  // Segments of equal length but for the last, which is no shorter than a pack: it takes what a short one would leave over.
  std::size_t first(std::size_t s) const { return s * segment_classes; }
  std::size_t count(std::size_t s) const { return s + 1 == segments ? classes - first(s) : segment_classes; }
};

cut cut_of(row_extent extent, std::size_t item) {
  cut c(extent, item);
  constexpr std::size_t least = 64;  // classes: whole packs of every instruction set
  if (extent.classes - c.first(c.segments - 1) < least) --c.segments;
  return c;
}

row_tile part_of(const row_tile& t, std::size_t row, std::size_t first, std::size_t item) {
  if (t.data == nullptr) return t;
  const std::ptrdiff_t elements = static_cast<std::ptrdiff_t>(row) * t.stride + static_cast<std::ptrdiff_t>(first);
  return {static_cast<char*>(t.data) + elements * static_cast<std::ptrdiff_t>(item), t.stride};
}

template <class T = const void>
T* number_of(T* numbers, std::size_t row, std::size_t item) {
  using byte = std::conditional_t<std::is_const_v<T>, const char, char>;
  return numbers == nullptr ? nullptr : static_cast<byte*>(numbers) + row * item;
}

std::int64_t label_of(const void* labels, std::size_t row, std::size_t item) {
  if (labels == nullptr) return -1;
  return item == sizeof(double) ? static_cast<const std::int64_t*>(labels)[row] : static_cast<const std::int32_t*>(labels)[row];
}

double number_at(const void* numbers, std::size_t row, std::size_t item) {
  return item == sizeof(double) ? static_cast<const double*>(numbers)[row] : static_cast<double>(static_cast<const float*>(numbers)[row]);
}

void set_number(void* numbers, std::size_t row, std::size_t item, double x) {
  if (item == sizeof(double)) static_cast<double*>(numbers)[row] = x;
  else static_cast<float*>(numbers)[row] = static_cast<float>(x);
}

// The label as a class of a segment, or -1, in the integers of labels.
struct segment_label {
  std::int64_t wide;
  std::int32_t narrow;
  const void* data;

  segment_label(std::int64_t label, std::size_t first, std::size_t count, std::size_t item) {
    const std::int64_t within = label - static_cast<std::int64_t>(first);
    wide = label >= 0 && within >= 0 && within < static_cast<std::int64_t>(count) ? within : -1;
    narrow = static_cast<std::int32_t>(wide);
    data = item == sizeof(double) ? static_cast<const void*>(&wide) : static_cast<const void*>(&narrow);
  }
  segment_label(const segment_label&) = delete;
  segment_label& operator=(const segment_label&) = delete;
};

double larger(double a, double b) { return b > a || b != b ? b : a; }

}  // namespace

void softmax_in_segments(const row_operations_of_arrangement& operations, const shift_pass& p, std::size_t item, int threads) {
  const cut c = cut_of(p.extent, item);
  const std::size_t parts = p.extent.rows * c.segments;
  const double elements = static_cast<double>(p.extent.rows) * static_cast<double>(p.extent.classes);
  // Room for a maximum, a tail, a label score and a weighted sum of each segment, in either dtype.
  std::vector<double> found(4 * parts), sums(2 * parts);
  const auto room = [&](int kind, std::size_t part) { return static_cast<void*>(&found[static_cast<std::size_t>(kind) * parts + part]); };
  parallel_for(parts, cost_ns_of_maximum * elements, threads, [&](std::size_t part) {
    const std::size_t row = part / c.segments, s = part % c.segments;
    operations.maximum({1, c.count(s)}, part_of(p.scores, row, c.first(s), item), room(0, part));
  });
  for (std::size_t row = 0; row < p.extent.rows; ++row) {
    double most = number_at(room(0, row * c.segments), 0, item);
    for (std::size_t s = 1; s < c.segments; ++s) most = larger(most, number_at(room(0, row * c.segments + s), 0, item));
    set_number(p.maximum, row, item, most);
  }
  parallel_for(parts, cost_ns_of_exponential * elements, threads, [&](std::size_t part) {
    const std::size_t row = part / c.segments, s = part % c.segments, first = c.first(s), count = c.count(s);
    set_number(room(0, part), 0, item, number_at(p.maximum, row, item));
    shift_pass q{};
    q.extent = {1, count};
    q.scores = part_of(p.scores, row, first, item);
    q.exps = part_of(p.exps, row, first, item);
    q.maximum = room(0, part);
    q.maximum_given = true;
    q.tail = room(1, part);
    q.parts = &sums[2 * part];
    const segment_label label(label_of(p.labels, row, item), first, count, item);
    q.labels = label.data;
    q.label_score = room(2, part);
    q.weighted = p.weighted == nullptr ? nullptr : room(3, part);
    q.weights = number_of(p.weights, first, item);
    operations.softmax(q);
  });
  for (std::size_t row = 0; row < p.extent.rows; ++row) {
    double below = 0.0, ties = 0.0, weighted = 0.0;
    for (std::size_t s = 0; s < c.segments; ++s) {
      const std::size_t part = row * c.segments + s;
      below += sums[2 * part];
      ties += sums[2 * part + 1];
      if (p.weighted != nullptr) weighted += number_at(room(3, part), 0, item);
    }
    set_number(p.tail, row, item, below + (ties - 1.0));
    if (p.weighted != nullptr) set_number(p.weighted, row, item, weighted);
    const std::int64_t label = label_of(p.labels, row, item);
    const std::size_t last = c.segments - 1, s = label < 0 ? 0 : std::min(static_cast<std::size_t>(label) / segment_classes, last);
    set_number(p.label_score, row, item, label < 0 ? 0.0 : number_at(room(2, row * c.segments + s), 0, item));
  }
}

void gradient_in_segments(const row_operations_of_arrangement& operations, const gradient_pass& p, std::size_t item, int threads) {
  const cut c = cut_of(p.extent, item);
  const double elements = static_cast<double>(p.extent.rows) * static_cast<double>(p.extent.classes);
  parallel_for(p.extent.rows * c.segments, cost_ns_of_gradient * elements, threads, [&](std::size_t part) {
    const std::size_t row = part / c.segments, s = part % c.segments, first = c.first(s), count = c.count(s);
    gradient_pass q = p;
    q.extent = {1, count};
    q.d1 = part_of(p.d1, row, first, item);
    q.exps = part_of(p.exps, row, first, item);
    q.out = part_of(p.out, row, first, item);
    q.coef_d1 = number_of(p.coef_d1, row, item);
    q.coef_exp = number_of(p.coef_exp, row, item);
    q.constant = number_of(p.constant, row, item);
    q.at_label = number_of(p.at_label, row, item);
    q.weights = number_of(p.weights, first, item);
    const segment_label label(label_of(p.labels, row, item), first, count, item);
    q.labels = p.labels == nullptr ? nullptr : label.data;
    operations.gradient(q);
    finish_streaming();
  });
}

}  // namespace fastloss

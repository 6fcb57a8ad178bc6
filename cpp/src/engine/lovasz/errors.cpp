// Algorithm 1 of Berman, Rannen Triki and Blaschko. With the errors in descending order, and J_k the Jaccard loss of the first k pixels
// being wrong, the loss is the sum of error_k (J_k - J_(k-1)), and these differences are its derivatives. P pixels are of the class; when k
// are wrong of which p are of the class, J_k = 1 - I / U with I = P - p and U = P + k - p. A pixel of the class takes 1 from I, so that the
// difference is 1 / U; another adds 1 to U, and it is I / (U (U - 1)). Neither subtracts two numbers that are nearly equal.
#include "engine/lovasz/errors.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "engine/memory/scratch.hpp"
#include "fastloss/engine/padding.hpp"
#include "fastloss/runtime/threads.hpp"

namespace fastloss {
namespace {

// Sorted pairs with a partial sum of their own.
constexpr std::size_t block_pairs = std::size_t{1} << 14;
// Of these at once, so that divisions are made side by side.
constexpr std::size_t at_once = 256;
constexpr std::size_t sums_at_once = 8;
constexpr double pair_ns = 4.0, positive_ns = 0.7, difference_ns = 6.0;  // of a pixel, on one thread

template <class K>
constexpr int mark_shift = 8 * sizeof(K) - 2;
template <class K>
constexpr K place_mask = (K{1} << mark_shift<K>)-1;

template <class K>
bool is_positive(const key_and_place<K>& p) {
  return (p.place >> mark_shift<K> & lovasz_positive) != 0;
}

std::size_t blocks_of(std::size_t pairs) { return (pairs + block_pairs - 1) / block_pairs; }

}  // namespace

template <class S, class K>
error_sorter<S, K>::error_sorter(const lovasz_job& job, const pixel_places& places, std::size_t slots, bool shared, int threads)
    : job_(job), places_(places), threads_(shared ? threads : 1) {
  stride_ = shared ? run_stride(job.pixels) : std::max<std::size_t>(1, job.pixels);
  runs_ = std::max<std::size_t>(1, (job.pixels + stride_ - 1) / stride_);
  blocks_ = blocks_of(job.pixels);
  const std::size_t numbers = runs_ + sort_counters(runs_) + 2 * blocks_;
  slot_bytes_ = padded_to(64, 2 * runs_ * stride_ * sizeof(pair) + numbers * sizeof(std::uint64_t));
  memory_.allocate(slots * slot_bytes_);
}

template <class S, class K>
typename error_sorter<S, K>::slot_memory error_sorter<S, K>::memory_of(std::size_t slot) const {
  static_assert(sizeof(std::size_t) == sizeof(std::uint64_t) && sizeof(double) == sizeof(std::uint64_t));
  std::byte* next = memory_.data() + slot * slot_bytes_;
  const auto take = [&]<class T>(T*& to, std::size_t count) {
    to = reinterpret_cast<T*>(next);
    next += count * sizeof(T);
  };
  slot_memory m;
  take(m.pairs, runs_ * stride_);
  take(m.room, runs_ * stride_);
  take(m.run_counts, runs_);
  take(m.counters, sort_counters(runs_));
  take(m.positives, blocks_);
  take(m.sums, blocks_);
  return m;
}

template <class S, class K>
template <class Body>
void error_sorter<S, K>::each(std::size_t count, double ns, const Body& body) const {
  parallel_for(count, static_cast<double>(job_.pixels) * ns, threads_, body);
}

template <class S, class K>
void error_sorter<S, K>::read(const class_of_unit<S>& c, std::size_t slot) const {
  const slot_memory m = memory_of(slot);
  each(runs_, pair_ns, [&](std::size_t run) { make_pairs(c, run, m); });
}

template <class S, class K>
double error_sorter<S, K>::evaluate(const class_of_unit<S>& c, std::size_t slot, std::atomic<bool>& nonfinite) const {
  const slot_memory m = memory_of(slot);
  std::size_t count = 0;
  for (std::size_t r = 0; r < runs_; ++r) count += m.run_counts[r];
  if (count == 0) return 0.0;
  const pair* const sorted = sort_pairs<K>(m.pairs, m.room, {stride_, m.run_counts, runs_}, m.counters, threads_);
  const std::size_t blocks = blocks_of(count);
  each(blocks, positive_ns, [&](std::size_t b) {
    const std::size_t first = b * block_pairs, end = std::min(first + block_pairs, count);
    m.positives[b] = static_cast<std::uint64_t>(std::count_if(sorted + first, sorted + end, is_positive<K>));
  });
  std::uint64_t before = 0;
  for (std::size_t b = 0; b < blocks; ++b) before += std::exchange(m.positives[b], before);
  // A missing error has no place among the others, which then have none either.
  const bool missing = std::isnan(number_of_descending<S>(static_cast<key_of<S>>(sorted[0].key)));
  each(blocks, difference_ns, [&](std::size_t b) {
    const std::size_t first = b * block_pairs;
    m.sums[b] = add_block(c, sorted, first, std::min(block_pairs, count - first), m.positives[b], missing, nonfinite);
  });
  double sum = 0.0;
  for (std::size_t b = 0; b < blocks; ++b) sum += m.sums[b];
  return sum;
}

// The errors above 0, or missing, of a run of pixels.
template <class S, class K>
void error_sorter<S, K>::make_pairs(const class_of_unit<S>& c, std::size_t run, const slot_memory& m) const {
  using label = label_of_pixel<S>;
  thread_local row_scratch scratch;
  S* const input = reinterpret_cast<S*>(scratch.at_least(4 * tile_pixels * sizeof(S)));
  S* const errors = input + tile_pixels;
  label* const labels = reinterpret_cast<label*>(errors + tile_pixels);
  label* const marks = labels + tile_pixels;
  pair* const begin = m.pairs + run * stride_;
  pair* to = begin;
  const std::size_t first_of_unit = c.unit * job_.pixels, end = std::min((run + 1) * stride_, job_.pixels);
  for (std::size_t first = run * stride_; first < end; first += tile_pixels) {
    const std::size_t count = std::min(tile_pixels, end - first);
    load_labels(job_, first_of_unit + first, count, labels, errors);
    const S* x = c.probabilities + first;
    if (c.probabilities == nullptr) {
      job_.load_input(input, c.label, first_of_unit + first, count);
      std::fill(input + count, input + tile_pixels, S(0));
      x = input;
    }
    job_.kernels->errors(job_.options, {x, labels, static_cast<std::int64_t>(c.label), errors, marks, padded_to(most_pack, count)});
    for (std::size_t i = 0; i < count;) {
      const std::size_t pixel = first + i, n = std::min(count - i, places_.inner - pixel % places_.inner);
      std::size_t place = places_.of(pixel);
      for (const std::size_t row_end = i + n; i < row_end; ++i, place += places_.inner_step) {
        *to = {descending_key(errors[i]), static_cast<K>(place | static_cast<std::size_t>(marks[i]) << mark_shift<K>)};
        to += !(errors[i] <= S(0));
      }
    }
  }
  m.run_counts[run] = static_cast<std::size_t>(to - begin);
}

template <class S, class K>
double error_sorter<S, K>::add_block(const class_of_unit<S>& c, const pair* sorted, std::size_t first, std::size_t count,
                                     std::uint64_t positives_before, bool missing, std::atomic<bool>& nonfinite) const {
  const double of_class = static_cast<double>(c.positives);
  const double scale = missing ? std::numeric_limits<double>::quiet_NaN() : c.scale;
  double sums[sums_at_once] = {};
  std::uint64_t positives = positives_before;
  for (std::size_t done = 0; done < count; done += at_once) {
    const std::size_t n = std::min(at_once, count - done);
    const pair* const pairs = sorted + first + done;
    double above[at_once] = {}, below[at_once];
    std::fill_n(below, at_once, 1.0);
    S errors[at_once] = {};
    for (std::size_t i = 0; i < n; ++i) {
      const bool positive = is_positive(pairs[i]);
      positives += positive;
      const double left = of_class - static_cast<double>(positives);
      const double united = of_class + static_cast<double>(first + done + i + 1 - positives);
      errors[i] = number_of_descending<S>(static_cast<key_of<S>>(pairs[i].key));
      if (c.gradient != nullptr) __builtin_prefetch(c.gradient + (pairs[i].place & place_mask<K>), 1);
      // Of a class without pixels the first error is the loss: from nothing of nothing to nothing of one pixel.
      above[i] = positive || united == 1.0 ? 1.0 : left;
      below[i] = positive || united == 1.0 ? united : united * (united - 1.0);
    }
    for (std::size_t i = 0; i < at_once; ++i) above[i] /= below[i];
    for (std::size_t i = 0; i < at_once; i += sums_at_once)
      for (std::size_t k = 0; k < sums_at_once; ++k) {
        const double term = above[i + k] * static_cast<double>(errors[i + k]);
        sums[k] += above[i + k] == 0.0 ? 0.0 : term;
      }
    if (c.gradient == nullptr) continue;
    bool finite = true;
    for (std::size_t i = 0; i < n; ++i) {
      const S slope = static_cast<S>(scale * above[i]);
      finite = finite && slope - slope == S(0);
      const K place = pairs[i].place;
      c.gradient[place & place_mask<K>] = (place >> mark_shift<K> & lovasz_falling) != 0 ? -slope : slope;
    }
    if (job_.check_finite && !finite) nonfinite.store(true, std::memory_order_relaxed);
  }
  double sum = 0.0;
  for (const double s : sums) sum += s;
  return missing ? std::numeric_limits<double>::quiet_NaN() : sum;
}

template class error_sorter<float, std::uint32_t>;
template class error_sorter<float, std::uint64_t>;
template class error_sorter<double, std::uint64_t>;

}  // namespace fastloss

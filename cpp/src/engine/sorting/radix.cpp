// From the largest digit down. The keys of a part, from its least to its largest, are cut into as many digits as pay for its size; its
// pairs move to where those of their digit belong, and each digit is a part by itself, until there are so few pairs that insertion is
// faster. Of many pairs the first digit is shared among threads run by run, and its parts one by one. Where a pair goes depends on the
// pairs alone.
//
// 4M pairs of float32, and of float64, take 12 and 18 ns each on two threads; from the least digit up, three and six passes over all of
// the memory, 30 and 50 to 95.
#include "engine/sorting/radix.hpp"

#include <algorithm>
#include <bit>
#include <utility>
#include <vector>

#include "engine/memory/scratch.hpp"
#include "fastloss/engine/padding.hpp"
#include "fastloss/runtime/threads.hpp"

namespace fastloss {
namespace {

constexpr int most_digit_bits = 11;
constexpr std::size_t most_digits = std::size_t{1} << most_digit_bits;
constexpr std::size_t least_stride = std::size_t{1} << 16, most_runs = 1024;
constexpr std::size_t stride_unit = 1024;                                        // strides are multiples of it
constexpr std::size_t few_pairs = 32;                                            // insertion sorts them faster
constexpr std::size_t pairs_of_a_digit = 2;                                      // on average: there is little left to insert
constexpr double range_ns = 0.4, count_ns = 0.7, move_ns = 6.0, part_ns = 12.0;  // of a pair, on one thread

template <class K>
using pair_of = key_and_place<K>;

template <class K>
struct key_range {
  K least = static_cast<K>(-1), most = 0;

  void add(const key_range& other) {
    least = std::min(least, other.least);
    most = std::max(most, other.most);
  }
};

template <class K>
key_range<K> range_of(const pair_of<K>* pairs, std::size_t count) {
  key_range<K> found;
  for (std::size_t i = 0; i < count; ++i) found.add({pairs[i].key, pairs[i].key});
  return found;
}

// The digit of a key, of so many with this range.
template <class K>
class digit_rule {
 public:
  digit_rule(const key_range<K>& range, std::size_t count) : least_(range.least) {
    const int bits = std::bit_width(static_cast<K>(range.most - range.least));
    const int wanted = std::clamp(static_cast<int>(std::bit_width(count / pairs_of_a_digit)), 1, most_digit_bits);
    shift_ = std::max(0, bits - wanted);
  }
  std::size_t operator()(K key) const { return static_cast<std::size_t>(static_cast<K>(key - least_) >> shift_); }

 private:
  K least_;
  int shift_;
};

template <class K>
void insert_in_order(pair_of<K>* pairs, std::size_t count) {
  for (std::size_t i = 1; i < count; ++i) {
    const pair_of<K> moved = pairs[i];
    std::size_t j = i;
    for (; j > 0 && moved.key < pairs[j - 1].key; --j) pairs[j] = pairs[j - 1];
    pairs[j] = moved;
  }
}

// From the numbers of pairs with each digit to where the first of these goes.
template <class N>
void make_starts(N* counts, std::size_t digits) {
  N before = 0;
  for (std::size_t d = 0; d < digits; ++d) before += std::exchange(counts[d], before);
}

// Sorts a part; the result is in `room`, or else in `pairs`. The digits of a part are counted in `counters`, those of its parts behind
// them.
template <class K>
void sort_part(pair_of<K>* pairs, pair_of<K>* room, std::size_t count, K* counters, bool in_room) {
  const key_range<K> range = count > few_pairs ? range_of(pairs, count) : key_range<K>{};
  if (range.least >= range.most) {
    if (count <= few_pairs) insert_in_order(pairs, count);
    if (in_room) std::copy_n(pairs, count, room);
    return;
  }
  const digit_rule<K> digit_of(range, count);
  const std::size_t digits = digit_of(range.most) + 1;
  std::fill_n(counters, digits, K{0});
  for (std::size_t i = 0; i < count; ++i) ++counters[digit_of(pairs[i].key)];
  const bool nearly = *std::max_element(counters, counters + digits) <= few_pairs;
  make_starts(counters, digits);
  for (std::size_t i = 0; i < count; ++i) room[counters[digit_of(pairs[i].key)]++] = pairs[i];
  if (nearly) {  // no pair is far from its place: one loop has fewer surprises for a processor than one for each digit
    insert_in_order(room, count);
    if (!in_room) std::copy_n(room, count, pairs);
    return;
  }
  for (std::size_t d = 0, first = 0; d < digits; first = counters[d++])
    sort_part(room + first, pairs + first, counters[d] - first, counters + digits, !in_room);
}

template <class K>
void sort_by_one_thread(pair_of<K>* pairs, pair_of<K>* room, std::size_t count) {
  // A digit takes its bits from those of a key, so that the digits of parts of parts are no more than six times, or three, as many.
  constexpr std::size_t most_deep = (8 * sizeof(K) + most_digit_bits - 1) / most_digit_bits;
  thread_local row_scratch scratch;
  sort_part(pairs, room, count, reinterpret_cast<K*>(scratch.at_least(most_deep * most_digits * sizeof(K))), true);
}

template <class K>
class shared_sort {
 public:
  shared_sort(pair_of<K>* pairs, pair_of<K>* room, const pair_runs& from, std::size_t* counters, int threads)
      : pairs_(pairs), room_(room), from_(from), counters_(counters), starts_(counters + from.runs * most_digits), threads_(threads) {
    for (std::size_t r = 0; r < from.runs; ++r) total_ += from.counts[r];
  }

  void run() {
    const digit_rule<K> digit_of(range(), total_);
    each_run(count_ns, [&](std::size_t r, const pair_of<K>* run, std::size_t n) {
      std::size_t* const counts = counters_of(r);
      std::fill_n(counts, most_digits, std::size_t{0});
      for (std::size_t i = 0; i < n; ++i) ++counts[digit_of(run[i].key)];
    });
    find_starts();
    each_run(move_ns, [&](std::size_t r, const pair_of<K>* run, std::size_t n) {
      std::size_t* const next = counters_of(r);
      for (std::size_t i = 0; i < n; ++i) room_[next[digit_of(run[i].key)]++] = run[i];
    });
    parallel_for(most_digits, static_cast<double>(total_) * part_ns, threads_, [&](std::size_t d) {
      const std::size_t first = starts_[d], end = d + 1 < most_digits ? starts_[d + 1] : total_;
      sort_by_one_thread(room_ + first, pairs_ + first, end - first);
    });
  }

 private:
  std::size_t* counters_of(std::size_t r) const { return counters_ + r * most_digits; }

  template <class Body>
  void each_run(double pair_ns, const Body& body) const {
    parallel_for(from_.runs, static_cast<double>(total_) * pair_ns, threads_,
                 [&](std::size_t r) { body(r, pairs_ + r * from_.stride, from_.counts[r]); });
  }

  key_range<K> range() const {
    std::vector<key_range<K>> of_runs(from_.runs);
    each_run(range_ns, [&](std::size_t r, const pair_of<K>* run, std::size_t n) { of_runs[r] = range_of(run, n); });
    key_range<K> all;
    for (const key_range<K>& of_run : of_runs) all.add(of_run);
    return total_ == 0 ? key_range<K>{0, 0} : all;
  }

  // Of each digit, and of each run with that digit.
  void find_starts() const {
    std::fill_n(starts_, most_digits, std::size_t{0});
    for (std::size_t r = 0; r < from_.runs; ++r)
      for (std::size_t d = 0; d < most_digits; ++d) starts_[d] += std::exchange(counters_of(r)[d], starts_[d]);
    make_starts(starts_, most_digits);
    for (std::size_t r = 0; r < from_.runs; ++r)
      for (std::size_t d = 0; d < most_digits; ++d) counters_of(r)[d] += starts_[d];
  }

  pair_of<K>*const pairs_, *const room_;
  const pair_runs from_;
  std::size_t *const counters_, *const starts_;
  const int threads_;
  std::size_t total_ = 0;
};

}  // namespace

std::size_t run_stride(std::size_t count) { return std::max(least_stride, padded_to(stride_unit, count / most_runs + 1)); }
std::size_t sort_counters(std::size_t runs) { return runs > 1 ? (runs + 1) * most_digits : 0; }

template <class K>
pair_of<K>* sort_pairs(pair_of<K>* pairs, pair_of<K>* room, const pair_runs& from, std::size_t* counters, int threads) {
  if (from.runs == 1) {
    sort_by_one_thread(pairs, room, from.counts[0]);
    return room;
  }
  shared_sort<K>(pairs, room, from, counters, threads).run();
  return pairs;
}

template pair_of<std::uint32_t>* sort_pairs(pair_of<std::uint32_t>*, pair_of<std::uint32_t>*, const pair_runs&, std::size_t*, int);
template pair_of<std::uint64_t>* sort_pairs(pair_of<std::uint64_t>*, pair_of<std::uint64_t>*, const pair_runs&, std::size_t*, int);

}  // namespace fastloss

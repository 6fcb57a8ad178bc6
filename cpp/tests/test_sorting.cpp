// The sort of pairs against std::stable_sort: the same pairs in the same order, for numbers of every kind, in one run or many, with any
// number of threads. Memory is of exactly the size needed, so that the sanitizers see each access that is one pair too far.
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"
#include "engine/sorting/radix.hpp"
#include "fastloss/runtime/threads.hpp"

namespace {

using namespace fastloss;

std::mt19937_64 generator(11);

template <class S>
constexpr S inf = std::numeric_limits<S>::infinity();
template <class S>
constexpr S nan_ = std::numeric_limits<S>::quiet_NaN();
template <class S>
constexpr S tiny = std::numeric_limits<S>::denorm_min();

template <class S>
void keys_are_in_descending_order() {
  const S numbers[] = {inf<S>,   std::numeric_limits<S>::max(),  S(2),  S(1),  std::numeric_limits<S>::min(),  2 * tiny<S>, tiny<S>, S(0),
                       -tiny<S>, -std::numeric_limits<S>::min(), S(-1), S(-2), -std::numeric_limits<S>::max(), -inf<S>};
  key_of<S> before = descending_key(nan_<S>);
  CHECK(descending_key(-nan_<S>) == before);
  CHECK(std::isnan(number_of_descending<S>(before)));
  for (const S x : numbers) {
    CHECK(descending_key(x) > before);
    before = descending_key(x);
    CHECK(std::bit_cast<key_of<S>>(number_of_descending<S>(before)) == std::bit_cast<key_of<S>>(x));
  }
  CHECK(descending_key(S(-0.0)) == descending_key(S(0)));
}

template <class K>
bool same(const key_and_place<K>& a, const key_and_place<K>& b) {
  return a.key == b.key && a.place == b.place;
}

// Runs of at most `stride` pairs, of which each lacks up to `gap` pairs.
template <class K>
void sorts(const std::vector<K>& keys, std::size_t stride, std::size_t gap, int threads) {
  using pair = key_and_place<K>;
  std::vector<pair> expected;
  std::vector<std::size_t> counts;
  std::vector<pair> pairs, room;
  for (std::size_t i = 0; i < keys.size();) {
    const std::size_t n = std::min({stride - std::min(stride - 1, gap == 0 ? 0 : generator() % (gap + 1)), keys.size() - i});
    pairs.resize(counts.size() * stride);
    for (std::size_t k = 0; k < n; ++k, ++i) pairs.push_back({keys[i], static_cast<K>(i)});
    counts.push_back(n);
  }
  if (counts.empty()) counts.push_back(0);
  for (std::size_t i = 0; i < keys.size(); ++i) expected.push_back({keys[i], static_cast<K>(i)});
  std::stable_sort(expected.begin(), expected.end(), [](const pair& a, const pair& b) { return a.key < b.key; });
  room.resize(pairs.size());
  std::vector<std::size_t> counters(sort_counters(counts.size()));
  const pair* const sorted = sort_pairs<K>(pairs.data(), room.data(), {stride, counts.data(), counts.size()}, counters.data(), threads);
  CHECK(std::equal(expected.begin(), expected.end(), sorted, same<K>));
}

template <class K>
void sorts_in_every_way(const std::vector<K>& keys) {
  sorts(keys, std::max<std::size_t>(1, keys.size()), 0, 1);
  if (keys.size() < 2) return;
  for (const int threads : {1, 2, 7}) {
    sorts(keys, keys.size() / 2 + 1, 0, threads);
    sorts(keys, keys.size() / 5 + 1, keys.size() / 10, threads);
  }
}

template <class S>
std::vector<key_of<S>> keys_of(std::size_t count, const std::function<S()>& draw) {
  std::vector<key_of<S>> keys(count);
  for (auto& key : keys) key = descending_key(draw());
  return keys;
}

template <class S>
void numbers_of_every_kind(std::size_t count) {
  using bits = key_of<S>;
  std::normal_distribution<double> normal;
  const auto any = [&] { return std::bit_cast<S>(static_cast<bits>(generator())); };  // denormals, NaN and all
  const S few[] = {S(0), S(-0.0), inf<S>, -inf<S>, nan_<S>, -nan_<S>, tiny<S>, -tiny<S>, S(1)};
  double rising = 0;
  const std::function<S()> draws[] = {
      [&] { return static_cast<S>(normal(generator)); },
      any,
      [&] { return few[generator() % std::size(few)]; },
      [] { return S(0.5); },
      [] { return nan_<S>; },
      [&] { return static_cast<S>(rising += 0.25); },
      [&] { return static_cast<S>(-(rising += 0.25)); },
      [&] { return static_cast<S>(static_cast<double>(generator() % 4) / 4); },
      [&] { return generator() % 1000 == 0 ? any() : static_cast<S>(1 + 1e-6 * normal(generator)); },  // one narrow part and few beside it
      [&] { return static_cast<S>(std::exp(40 * normal(generator))); },
  };
  for (const auto& draw : draws) sorts_in_every_way(keys_of<S>(count, draw));
}

// Parts of parts as deep as they get: each digit leaves all but one pair in one part.
template <class K>
void keys_that_part_slowly() {
  std::vector<K> keys;
  for (int bit = 0; bit < static_cast<int>(8 * sizeof(K)); ++bit)
    for (int copies = 0; copies < 40; ++copies) keys.push_back((K{1} << bit) + static_cast<K>(copies % 2));
  std::shuffle(keys.begin(), keys.end(), generator);
  sorts_in_every_way(keys);
}

}  // namespace

int main() {
  set_adaptive_teams(false);
  keys_are_in_descending_order<float>();
  keys_are_in_descending_order<double>();
  keys_that_part_slowly<std::uint32_t>();
  keys_that_part_slowly<std::uint64_t>();
  for (const std::size_t count : {0, 1, 2, 3, 31, 32, 33, 34, 100, 257, 1000, 2049, 20'000}) {
    numbers_of_every_kind<float>(count);
    numbers_of_every_kind<double>(count);
  }
  std::normal_distribution<float> normal;
  const std::vector<std::uint32_t> many = keys_of<float>(700'000, [&] { return normal(generator); });
  for (const int threads : {1, 4}) sorts(many, run_stride(many.size()), 5000, threads);
  return report();
}

// A stable sort of pairs by their keys: what it gives depends on the pairs alone, and not on how many threads there are.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/sorting/pairs.hpp"

namespace fastloss {

// Pairs lie in runs, each of at most `stride` of them and `stride` behind the start of the one before, so that threads can write them
// before it is known how many there will be. A single run is sorted by the calling thread.
struct pair_runs {
  std::size_t stride;
  const std::size_t* counts;  // of each run
  std::size_t runs;
};

// How far runs of `count` pairs in all are best apart, where threads share the sort.
std::size_t run_stride(std::size_t count);
// How many counters a sort of so many runs needs.
std::size_t sort_counters(std::size_t runs);

// Sorts by key, ascending; pairs of one key keep their order. Returns which of the two holds the result, without gaps: `pairs`, where they
// are, or `room`, of the same size. K is 32 or 64 unsigned bits, and there are no more pairs than it counts.
template <class K>
key_and_place<K>* sort_pairs(key_and_place<K>* pairs, key_and_place<K>* room, const pair_runs& from, std::size_t* counters, int threads);

}  // namespace fastloss

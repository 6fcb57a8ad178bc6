// What the row operations share: packs over the lanes of a row, sums of lanes, and loops over the packs of a row.
#pragma once

#include "fastloss/simd/exp.hpp"
#include "fastloss/simd/lanes.hpp"
#include "fastloss/simd/pack.hpp"
#include "isa/kernel_table.hpp"
#include "isa/tiles.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

template <class S>
using label_of = typename detail::lanes<S, 1>::ints;

template <class S>
struct vector_of;
template <>
struct vector_of<float> {
  using type = vector_of_float;
};
template <>
struct vector_of<double> {
  using type = vector_of_double;
};

template <class P>
FASTLOSS_FN vector_of_double widened(P x) {
  typename vector_of<typename P::scalar>::type v;
  __builtin_memcpy(&v, &x.v, sizeof v);
  return widened_sum(v);
}

// The largest lane; any lane where one is NaN.
template <class S, int W>
FASTLOSS_FN S largest_lane(pack<S, W> x) {
  if constexpr (W * sizeof(S) > 16) {
    S lane[W];
    x.store(lane);
    return largest_lane(detail::max(pack<S, W / 2>::load(lane), pack<S, W / 2>::load(lane + W / 2)));
  } else {
    S lane[W];
    x.store(lane);
    S most = lane[0];
    for (int i = 1; i < W; ++i) most = lane[i] > most ? lane[i] : most;
    return most;
  }
}

// Packs of a row in order, from `first` on: whole ones, and last the one that ends with the row and overlaps the one before. Rows
// have at least as many classes as a pack has lanes.
template <class P, class Whole, class Last>
FASTLOSS_FN void for_each_pack(std::size_t classes, const Whole& whole, const Last& last) {
  constexpr std::size_t w = P::width;
  std::size_t i = 0;
  for (; i + w <= classes; i += w) whole(i);
  if (i < classes) last(classes - w, i);
}

// Asks for the lines of memory that `Bytes` bytes take: they come while the processor computes.
template <std::size_t Bytes>
FASTLOSS_FN void fetch(const char* from) {
  constexpr std::size_t line = 64;
  for (std::size_t i = 0; i < Bytes; i += line) __builtin_prefetch(from + i);
}

// A sum of any number of terms that is as good as one rounding of the largest of them.
template <class T>
struct compensated {
  T sum{0.0}, rest{0.0};

  FASTLOSS_FN void add(T x) {
    const T total = sum + x, added = total - sum;
    rest += (sum - (total - added)) + (x - added);
    sum = total;
  }
  FASTLOSS_FN T value() const { return sum + rest; }
  // An infinite term makes the sum infinite, and what it lacks NaN.
  FASTLOSS_FN T value_or_infinity() const { return sum + select(is_nan(rest), T(0), rest); }
};

// A pass over packs that adds up: at most 64 additions in each lane before they go on in double.
inline constexpr std::size_t packs_of_a_sum = 256;

}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

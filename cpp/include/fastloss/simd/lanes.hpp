// Between the lanes of packs: numbers that lie in turn in memory, such as x and y of points; sums over the lanes of one.
#pragma once

#include <utility>

#include "fastloss/simd/pack.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

template <class P>
struct pack_pair {
  P first, second;

  FASTLOSS_FN pack_pair(P a, P b) : first(a), second(b) {}
};

namespace detail {

template <class P, int... I>
FASTLOSS_FN pack_pair<P> unzipped(P a, P b, std::integer_sequence<int, I...>) {
  return {P::of(__builtin_shufflevector(a.v, b.v, (2 * I)...)), P::of(__builtin_shufflevector(a.v, b.v, (2 * I + 1)...))};
}

template <class P, int... I>
FASTLOSS_FN pack_pair<P> zipped(P a, P b, std::integer_sequence<int, I...>) {
  constexpr int w = P::width;
  return {P::of(__builtin_shufflevector(a.v, b.v, (I / 2 + I % 2 * w)...)),
          P::of(__builtin_shufflevector(a.v, b.v, ((I + w) / 2 + I % 2 * w)...))};
}

// Every lane and the one that is D places away.
template <int D, class P, int... I>
FASTLOSS_FN P sums_of_pairs(P x, std::integer_sequence<int, I...>) {
  return x + P::of(__builtin_shufflevector(x.v, x.v, (I ^ D)...));
}

template <int D, class P>
FASTLOSS_FN P folded(P x) {
  if constexpr (D == 0) return x;
  else return folded<D / 2>(sums_of_pairs<D>(x, std::make_integer_sequence<int, P::width>{}));
}

}  // namespace detail

// From a0 a1 a2 ... and what follows it, b0 b1 b2 ...: the numbers at even places, and those at odd ones.
template <class P>
FASTLOSS_FN pack_pair<P> unzipped(P a, P b) {
  return detail::unzipped(a, b, std::make_integer_sequence<int, P::width>{});
}
// And back: a0 b0 a1 b1 ....
template <class P>
FASTLOSS_FN pack_pair<P> zipped(P a, P b) {
  return detail::zipped(a, b, std::make_integer_sequence<int, P::width>{});
}

template <class S, int W>
FASTLOSS_FN S sum_of_lanes(pack<S, W> x) {
  return detail::folded<W / 2>(x).v[0];
}

// 0, 1, 2, ... in the lanes.
template <class P>
FASTLOSS_FN P lane_numbers() {
  typename P::scalar numbers[P::width];
  for (int i = 0; i < P::width; ++i) numbers[i] = static_cast<typename P::scalar>(i);
  return P::load(numbers);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

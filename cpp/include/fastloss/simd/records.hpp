// Records of four numbers, such as boxes, between memory and registers: four packs hold as many records as a pack has lanes, and four
// packs of one number each are made of them by eight shuffles.
//
// A pack is seen as groups of four lanes. Memory has record j G + g in group g of pack j, where G is the number of groups; after the
// exchange it is lane 4 g + j of all four packs. The order does not matter between a load and a store of records; numbers that belong to
// records and lie in their order are shuffled once (in_record_lanes, in_record_order).
#pragma once

#include <utility>

#include "fastloss/simd/pack.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

template <class P>
struct record_packs {
  P of[4];
};

namespace detail {

template <class F, int... I>
FASTLOSS_FN auto shuffled(F a, F b, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, b, I...);
}

// Lane indices: of every group of four of a and b, its elements First and First + 1, taken in turn.
template <int W, int First, int... I>
constexpr auto interleaved(std::integer_sequence<int, I...>) {
  return std::integer_sequence<int, (I / 4 * 4 + First + I % 4 / 2 + (I % 2) * W)...>{};
}
// The first or the last two of every group of a, then the same of b.
template <int W, int First, int... I>
constexpr auto halves(std::integer_sequence<int, I...>) {
  return std::integer_sequence<int, (I / 4 * 4 + First + I % 2 + (I % 4 / 2) * W)...>{};
}
template <int W, int... I>
constexpr auto to_lanes(std::integer_sequence<int, I...>) {
  return std::integer_sequence<int, (I % 4 * (W / 4) + I / 4)...>{};
}
template <int W, int... I>
constexpr auto to_order(std::integer_sequence<int, I...>) {
  return std::integer_sequence<int, (I % (W / 4) * 4 + I / (W / 4))...>{};
}

template <class P>
FASTLOSS_FN record_packs<P> exchanged(record_packs<P> r) {
  constexpr int w = P::width;
  constexpr auto lanes = std::make_integer_sequence<int, w>{};
  using F = typename P::floats;
  const F a = r.of[0].v, b = r.of[1].v, c = r.of[2].v, d = r.of[3].v;
  const F ab_low = shuffled(a, b, interleaved<w, 0>(lanes)), ab_high = shuffled(a, b, interleaved<w, 2>(lanes));
  const F cd_low = shuffled(c, d, interleaved<w, 0>(lanes)), cd_high = shuffled(c, d, interleaved<w, 2>(lanes));
  return {{P::of(shuffled(ab_low, cd_low, halves<w, 0>(lanes))), P::of(shuffled(ab_low, cd_low, halves<w, 2>(lanes))),
           P::of(shuffled(ab_high, cd_high, halves<w, 0>(lanes))), P::of(shuffled(ab_high, cd_high, halves<w, 2>(lanes)))}};
}

// Packs of two lanes: a record is two of them.
template <class P>
FASTLOSS_FN record_packs<P> exchanged_pairs(P a, P b, P c, P d) {
  constexpr std::integer_sequence<int, 0, 2> low{};
  constexpr std::integer_sequence<int, 1, 3> high{};
  return {
      {P::of(shuffled(a.v, b.v, low)), P::of(shuffled(a.v, b.v, high)), P::of(shuffled(c.v, d.v, low)), P::of(shuffled(c.v, d.v, high))}};
}

}  // namespace detail

// As many records as a pack has lanes: their first numbers, their second, third and fourth ones.
template <class P, class S>
FASTLOSS_FN record_packs<P> load_records(const S* from) {
  const record_packs<P> r{{P::load(from), P::load(from + P::width), P::load(from + 2 * P::width), P::load(from + 3 * P::width)}};
  if constexpr (P::width == 2) return detail::exchanged_pairs(r.of[0], r.of[2], r.of[1], r.of[3]);
  else return detail::exchanged(r);
}

template <class P, class S>
FASTLOSS_FN void store_records(record_packs<P> r, S* to, bool streams) {
  record_packs<P> m = r;
  if constexpr (P::width == 2) {
    const auto pairs = detail::exchanged_pairs(r.of[0], r.of[1], r.of[2], r.of[3]);
    m = {{pairs.of[0], pairs.of[2], pairs.of[1], pairs.of[3]}};
  } else {
    m = detail::exchanged(r);
  }
  for (int j = 0; j < 4; ++j) {
    if (streams) m.of[j].stream(to + j * P::width);
    else m.of[j].store(to + j * P::width);
  }
}

// Numbers in the order of the records, in the lanes that load_records() gives these.
template <class P>
FASTLOSS_FN P in_record_lanes(P x) {
  if constexpr (P::width < 8) return x;
  else return P::of(detail::shuffled(x.v, x.v, detail::to_lanes<P::width>(std::make_integer_sequence<int, P::width>{})));
}
// And back.
template <class P>
FASTLOSS_FN P in_record_order(P x) {
  if constexpr (P::width < 8) return x;
  else return P::of(detail::shuffled(x.v, x.v, detail::to_order<P::width>(std::make_integer_sequence<int, P::width>{})));
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Records of a few numbers, such as boxes, between memory and registers: as many records as a pack has lanes, and a pack for each of their
// numbers. Of four numbers these are made by eight shuffles:
//
// A pack is seen as groups of four lanes. Memory has record j G + g in group g of pack j, where G is the number of groups; after the
// exchange it is lane 4 g + j of all four packs. The order does not matter between a load and a store of records; numbers that belong to
// records and lie in their order are shuffled once (in_record_lanes, in_record_order).
#pragma once

#include <cstddef>
#include <utility>

#include "fastloss/simd/pack.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

template <class P, int N = 4>
struct record_packs {
  P of[N];
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

#if defined(__AVX512F__) && !defined(__CUDACC__)
// exchanged() with half as many shuffles, for which processors of AVX-512 have one port: units that load double neighbouring numbers
// (vmovsldup, vmovshdup), and either other port blends. A loop of GIoU takes a tenth less.
template <class P>
FASTLOSS_FN record_packs<P> loaded_records(const float* from) {
  constexpr __mmask16 even = 0x5555, odd = 0xaaaa;
  const auto evens = [&](const float* a) {
    return _mm512_castps_pd(_mm512_mask_moveldup_ps(_mm512_loadu_ps(a), odd, _mm512_loadu_ps(a + P::width)));
  };
  const auto odds = [&](const float* a) {
    return _mm512_castps_pd(_mm512_mask_movehdup_ps(_mm512_loadu_ps(a + P::width), even, _mm512_loadu_ps(a)));
  };
  const auto low = evens(from), high = evens(from + 2 * P::width), low_odd = odds(from), high_odd = odds(from + 2 * P::width);
  const auto firsts = [](__m512d a, __m512d b) { return P::of(__m512(__builtin_shufflevector(a, b, 0, 8, 2, 10, 4, 12, 6, 14))); };
  const auto seconds = [](__m512d a, __m512d b) { return P::of(__m512(__builtin_shufflevector(a, b, 1, 9, 3, 11, 5, 13, 7, 15))); };
  return {{firsts(low, high), firsts(low_odd, high_odd), seconds(low, high), seconds(low_odd, high_odd)}};
}
#endif

// Lane I of one of five packs, when lane I of the result is to be element place(I) of all five, one behind the other: those of the first
// two packs and of the next two are brought to their lanes, then the two and the fifth are put together.
template <int W>
constexpr int from_two(int place, int first) {
  const int of = place - first * W;
  return of >= 0 && of < 2 * W ? of : -1;
}
template <int W>
constexpr int from_either(int lane, int place) {
  return place < 2 * W ? lane : place < 4 * W ? W + lane : -1;
}
template <int W>
constexpr int with_fifth(int lane, int place) {
  return place < 4 * W ? lane : place - 3 * W;
}
template <class P, class Place, int... I>
FASTLOSS_FN P of_five(const P (&x)[5], Place place, std::integer_sequence<int, I...>) {
  constexpr int w = P::width;
  const auto low = __builtin_shufflevector(x[0].v, x[1].v, from_two<w>(place(I), 0)...);
  const auto high = __builtin_shufflevector(x[2].v, x[3].v, from_two<w>(place(I), 2)...);
  const auto four = __builtin_shufflevector(low, high, from_either<w>(I, place(I))...);
  return P::of(__builtin_shufflevector(four, x[4].v, with_fifth<w>(I, place(I))...));
}

// Number K of each record.
template <int K, class P>
FASTLOSS_FN P column_of_five(const P (&memory)[5]) {
  return of_five(memory, [](int lane) { return 5 * lane + K; }, std::make_integer_sequence<int, P::width>{});
}
// Pack J of the memory that holds the records.
template <int J, class P>
FASTLOSS_FN P memory_of_five(const P (&numbers)[5]) {
  constexpr auto place = [](int lane) {
    const int number = P::width * J + lane;
    return number % 5 * P::width + number / 5;
  };
  return of_five(numbers, place, std::make_integer_sequence<int, P::width>{});
}

template <class P>
FASTLOSS_FN record_packs<P> in_memory_order(record_packs<P> r) {
  if constexpr (P::width == 2) {
    const auto pairs = exchanged_pairs(r.of[0], r.of[1], r.of[2], r.of[3]);
    return {{pairs.of[0], pairs.of[2], pairs.of[1], pairs.of[3]}};
  } else {
    return exchanged(r);
  }
}

}  // namespace detail

// As many records as a pack has lanes: their first numbers, their second ones and so on.
template <class P, int N, class S>
FASTLOSS_FN record_packs<P, N> load_records(const S* from) {
  if constexpr (N == 4) {
#if defined(__AVX512F__) && !defined(__CUDACC__)
    if constexpr (P::width == 16) return detail::loaded_records<P>(from);
#endif
    const record_packs<P> r{{P::load(from), P::load(from + P::width), P::load(from + 2 * P::width), P::load(from + 3 * P::width)}};
    if constexpr (P::width == 2) return detail::exchanged_pairs(r.of[0], r.of[2], r.of[1], r.of[3]);
    else return detail::exchanged(r);
  } else {
    static_assert(N == 5);
    constexpr int w = P::width;
    const P memory[] = {P::load(from), P::load(from + w), P::load(from + 2 * w), P::load(from + 3 * w), P::load(from + 4 * w)};
    return {{detail::column_of_five<0>(memory), detail::column_of_five<1>(memory), detail::column_of_five<2>(memory),
             detail::column_of_five<3>(memory), detail::column_of_five<4>(memory)}};
  }
}

// Brings records nearer that are to be loaded soon.
template <class P, int N, class S>
FASTLOSS_FN void prefetch_records(const S* from) {
  constexpr int line = 64 / sizeof(S);
  for (int i = 0; i < N * P::width; i += line) __builtin_prefetch(from + i);
}

// How records are stored: through the caches or, those of four numbers, past them, to memory aligned to 16 bytes or to the packs.
enum class storing : unsigned char { cached, streamed, streamed_aligned };

template <class P, int N, class S>
FASTLOSS_FN void store_records(record_packs<P, N> r, S* to, storing how) {
  if constexpr (N == 4) {
    const record_packs<P> m = detail::in_memory_order(r);
    for (int j = 0; j < 4; ++j) {
      if (how == storing::cached) m.of[j].store(to + j * P::width);
      else if (how == storing::streamed) m.of[j].stream(to + j * P::width);
      else m.of[j].stream_aligned(to + j * P::width);
    }
  } else {
    static_assert(N == 5);
    constexpr int w = P::width;
    detail::memory_of_five<0>(r.of).store(to);
    detail::memory_of_five<1>(r.of).store(to + w);
    detail::memory_of_five<2>(r.of).store(to + 2 * w);
    detail::memory_of_five<3>(r.of).store(to + 3 * w);
    detail::memory_of_five<4>(r.of).store(to + 4 * w);
  }
}

// Numbers in the order of the records, in the lanes that load_records() gives these.
template <int N, class P>
FASTLOSS_FN P in_record_lanes(P x) {
  if constexpr (N != 4 || P::width < 8) return x;
  else return P::of(detail::shuffled(x.v, x.v, detail::to_lanes<P::width>(std::make_integer_sequence<int, P::width>{})));
}
// And back.
template <int N, class P>
FASTLOSS_FN P in_record_order(P x) {
  if constexpr (N != 4 || P::width < 8) return x;
  else return P::of(detail::shuffled(x.v, x.v, detail::to_order<P::width>(std::make_integer_sequence<int, P::width>{})));
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

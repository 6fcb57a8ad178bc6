// A walk over the features of a row in packs; the last one may be part of a pack. Packs are of the computation's own dtype or, of floats,
// two of doubles.
#pragma once

#include <cstddef>
#include <utility>

#include "fastloss/simd/double_half.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

// Numbers of type S, computed with in type C.
template <class S, class C>
struct feature_packs {
  static constexpr int count = sizeof(C) / sizeof(S);
  native_pack<C> part[count];
};

// The conversion of two neighbouring numbers at a time that GCC 12 makes of __builtin_convertvector takes three times as long.
template <int W>
FASTLOSS_FN pack<double, W> widened(const float* from) {
  using P = pack<double, W>;
#if defined(__AVX512F__)
  if constexpr (W == 8) return P::of((typename P::floats)_mm512_maskz_cvtps_pd(0xff, _mm256_loadu_ps(from)));
#endif
#if defined(__AVX__)
  if constexpr (W == 4) return P::of((typename P::floats)_mm256_cvtps_pd(_mm_loadu_ps(from)));
#endif
  double numbers[W];
  for (int i = 0; i < W; ++i) numbers[i] = static_cast<double>(from[i]);
  return P::load(numbers);
}

template <class S, class C>
FASTLOSS_FN feature_packs<S, C> load_features(const S* from) {
  if constexpr (sizeof(S) == sizeof(C)) return {{native_pack<S>::load(from)}};
  else {
    constexpr int w = native_pack<double>::width;
    return {{widened<w>(from), widened<w>(from + w)}};
  }
}
template <class S, class C>
FASTLOSS_FN native_pack<S> rounded(const feature_packs<S, C>& x) {
  if constexpr (sizeof(S) == sizeof(C)) return x.part[0];
  else return detail::narrow(x.part[0], x.part[1]);
}

template <class S>
FASTLOSS_FN const S* row_of(const unit_rows& rows, std::size_t embedding, std::size_t row) {
  return static_cast<const S*>(rows.of[embedding]) + row * rows.features;
}

template <class S, class C>
struct all_lanes {
  FASTLOSS_FN feature_packs<S, C> load(const S* from) const { return load_features<S, C>(from); }
  template <bool Streams>
  FASTLOSS_FN void store(const feature_packs<S, C>& x, S* to) const {
    if constexpr (Streams) rounded(x).stream(to);
    else rounded(x).store(to);
  }
  FASTLOSS_FN native_pack<C> kept(int, native_pack<C> x) const { return x; }
};

// The others are 0.
template <class S, class C>
struct first_lanes {
  std::size_t count;

  FASTLOSS_FN feature_packs<S, C> load(const S* from) const {
    S numbers[native_pack<S>::width] = {};
    __builtin_memcpy(numbers, from, count * sizeof(S));
    return load_features<S, C>(numbers);
  }
  template <bool>
  FASTLOSS_FN void store(const feature_packs<S, C>& x, S* to) const {
    S numbers[native_pack<S>::width];
    rounded(x).store(numbers);
    __builtin_memcpy(to, numbers, count * sizeof(S));
  }
  FASTLOSS_FN native_pack<C> kept(int part, native_pack<C> x) const {
    constexpr std::size_t w = native_pack<C>::width;
    C numbers[w];
    x.store(numbers);
    for (std::size_t i = 0; i < w; ++i) numbers[i] = static_cast<std::size_t>(part) * w + i < count ? numbers[i] : C(0);
    return native_pack<C>::load(numbers);
  }
};

// Calls f(first, lanes) for each pack of features from the first on.
template <class S, class C, class F>
FASTLOSS_FN void for_features(std::size_t features, const F& f, std::size_t first = 0) {
  constexpr std::size_t w = native_pack<S>::width;
  for (; first + w <= features; first += w) f(first, all_lanes<S, C>{});
  if (first < features) f(first, first_lanes<S, C>{features - first});
}

// Calls f with each number below Count as a constant, so that arrays over embeddings and pairs stay in registers.
template <std::size_t Count, class F>
FASTLOSS_FN void for_each_constant(const F& f) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (f(std::integral_constant<std::size_t, I>{}), ...);
  }(std::make_index_sequence<Count>{});
}

// Packs of each gradient that are streamed one after the other: in turn with those of the others, pack by pack, they would leave lines half
// full in the buffers on their way to memory, and take three times as long.
inline constexpr std::size_t streamed_packs = 16;

// The gradients of a unit in its embeddings: find(first, lanes, found) puts what a pack of features needs for all of them into `found`, of
// so many packs, and place(e, found, first, lanes) makes that of embedding e of it, where that is wanted.
template <class S, class C, bool Streams, std::size_t Embeddings, std::size_t Found, class Find, class Place>
FASTLOSS_FN void for_gradients(std::size_t features, const unit_gradients& to, const Find& find, const Place& place) {
  using X = feature_packs<S, C>;
  constexpr std::size_t w = native_pack<S>::width;
  std::size_t done = 0;
  if constexpr (Streams) {
    X found[streamed_packs][Found];
    const all_lanes<S, C> lanes{};
    while (done + w <= features) {
      const std::size_t left = (features - done) / w, count = left < streamed_packs ? left : streamed_packs;
      for (std::size_t i = 0; i < count; ++i) find(done + i * w, lanes, found[i]);
      for_each_constant<Embeddings>([&](auto e) {
        if (to.of[e] == nullptr) return;
        for (std::size_t i = 0; i < count; ++i) place(e, found[i], done + i * w, lanes);
      });
      done += count * w;
    }
  }
  const auto at = [&](std::size_t first, const auto& lanes) {
    X found[Found];
    find(first, lanes, found);
    for_each_constant<Embeddings>([&](auto e) {
      if (to.of[e] != nullptr) place(e, found, first, lanes);
    });
  };
  for_features<S, C>(features, at, done);
}

}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

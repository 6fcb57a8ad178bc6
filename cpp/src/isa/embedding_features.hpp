// A walk over the features of a row in packs, which are widened to double; the last one may be part of a pack.
#pragma once

#include <cstddef>

#include "fastloss/simd/double_half.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

template <class S>
inline constexpr int halves = sizeof(double) / sizeof(S);

template <class S>
struct wide_pack {
  native_pack<double> half[halves<S>];
};

FASTLOSS_FN wide_pack<double> widened(native_pack<double> x) { return {{x}}; }
FASTLOSS_FN wide_pack<float> widened(native_pack<float> x) { return {{detail::widen<0>(x), detail::widen<1>(x)}}; }
FASTLOSS_FN native_pack<double> narrowed(const wide_pack<double>& x) { return x.half[0]; }
FASTLOSS_FN native_pack<float> narrowed(const wide_pack<float>& x) { return detail::narrow(x.half[0], x.half[1]); }

template <class S>
FASTLOSS_FN const S* row_of(const embedding_rows& rows, std::size_t embedding, std::size_t row) {
  return static_cast<const S*>(rows.of[embedding]) + row * rows.features;
}

template <class S>
struct all_lanes {
  FASTLOSS_FN wide_pack<S> load(const S* from) const { return widened(native_pack<S>::load(from)); }
  FASTLOSS_FN void store(const wide_pack<S>& x, S* to, bool streams) const {
    if (streams) narrowed(x).stream(to);
    else narrowed(x).store(to);
  }
  FASTLOSS_FN native_pack<double> kept(int, native_pack<double> x) const { return x; }
};

// The others are 0.
template <class S>
struct first_lanes {
  std::size_t count;

  FASTLOSS_FN wide_pack<S> load(const S* from) const {
    S numbers[native_pack<S>::width] = {};
    __builtin_memcpy(numbers, from, count * sizeof(S));
    return widened(native_pack<S>::load(numbers));
  }
  FASTLOSS_FN void store(const wide_pack<S>& x, S* to, bool) const {
    S numbers[native_pack<S>::width];
    narrowed(x).store(numbers);
    __builtin_memcpy(to, numbers, count * sizeof(S));
  }
  FASTLOSS_FN native_pack<double> kept(int half, native_pack<double> x) const {
    constexpr std::size_t w = native_pack<double>::width;
    double numbers[w];
    x.store(numbers);
    for (std::size_t i = 0; i < w; ++i) numbers[i] = static_cast<std::size_t>(half) * w + i < count ? numbers[i] : 0.0;
    return native_pack<double>::load(numbers);
  }
};

// Calls f(first, lanes) for each pack of features.
template <class S, class F>
FASTLOSS_FN void for_features(std::size_t features, const F& f) {
  constexpr std::size_t w = native_pack<S>::width;
  std::size_t first = 0;
  for (; first + w <= features; first += w) f(first, all_lanes<S>{});
  if (first < features) f(first, first_lanes<S>{features - first});
}

}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

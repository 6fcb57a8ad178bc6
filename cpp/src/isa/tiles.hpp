// Arithmetic on whole tiles: weights, masks, sums and checks. Loops are plain; -O3 vectorises them for each instruction set.
#pragma once

#include <cstdint>

#include "isa/kernel_table.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

// `ivdep` promises what holds here: an output is either one of the inputs at the same position or apart from them.
template <class S>
void fill(void* tile, double value, std::size_t count) {
  S* const t = static_cast<S*>(tile);
  const S v = static_cast<S>(value);
  for (std::size_t i = 0; i < count; ++i) t[i] = v;
}

template <class S>
void multiply(void* out, const void* c, const void* a, std::size_t count) {
  S* const o = static_cast<S*>(out);
  const S *const x = static_cast<const S*>(c), *const y = static_cast<const S*>(a);
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) {
    const S product = x[i] * y[i];
    o[i] = x[i] == S(0) ? S(0) : product;
  }
}

template <class S>
void multiply_scaled(void* out, const void* c, const void* a, double scale, std::size_t count) {
  S* const o = static_cast<S*>(out);
  const S *const x = static_cast<const S*>(c), *const y = static_cast<const S*>(a);
  const S s = static_cast<S>(scale);
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) {
    const S product = x[i] * y[i];
    o[i] = (x[i] == S(0) ? S(0) : product) * s;
  }
}

template <class S>
void axpby(void* out, double alpha, const void* a, double beta, const void* b, std::size_t count) {
  S* const o = static_cast<S*>(out);
  const S *const x = static_cast<const S*>(a), *const y = static_cast<const S*>(b);
  const S p = static_cast<S>(alpha), q = static_cast<S>(beta);
  if (y == nullptr) {
#pragma GCC ivdep
    for (std::size_t i = 0; i < count; ++i) o[i] = p * x[i] + q;
  } else {
#pragma GCC ivdep
    for (std::size_t i = 0; i < count; ++i) o[i] = p * x[i] + q * y[i];
  }
}

template <class S>
void blend(void* out, const void* mask, const void* a, double otherwise, std::size_t count) {
  S* const o = static_cast<S*>(out);
  const S *const m = static_cast<const S*>(mask), *const x = static_cast<const S*>(a);
  const S other = static_cast<S>(otherwise);
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) o[i] = m[i] != S(0) ? x[i] : other;
}

template <class S>
void propagate_nan(void* out, const void* from, const void* a, std::size_t count) {
  S* const o = static_cast<S*>(out);
  const S *const f = static_cast<const S*>(from), *const x = static_cast<const S*>(a);
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) o[i] = f[i] == f[i] ? x[i] : f[i];
}

template <class S>
bool nonfinite(const void* tile, std::size_t count) {
  const S* const x = static_cast<const S*>(tile);
  unsigned bad = 0;
  for (std::size_t i = 0; i < count; ++i) bad |= static_cast<unsigned>(!(x[i] - x[i] == S(0)));
  return bad != 0;
}

#if defined(__CUDACC__)
#error "tile operations are for CPUs"
#endif
typedef float vector_of_float __attribute__((vector_size(FASTLOSS_VECTOR_BYTES), aligned(4), may_alias));
typedef double vector_of_double __attribute__((vector_size(FASTLOSS_VECTOR_BYTES), aligned(8), may_alias));
typedef float half_vector_of_float __attribute__((vector_size(FASTLOSS_VECTOR_BYTES / 2), aligned(4), may_alias));

FASTLOSS_FN vector_of_double widened_sum(const vector_of_float& v) {
  half_vector_of_float low, high;
  __builtin_memcpy(&low, &v, sizeof low);
  __builtin_memcpy(&high, reinterpret_cast<const char*>(&v) + sizeof low, sizeof high);
  return __builtin_convertvector(low, vector_of_double) + __builtin_convertvector(high, vector_of_double);
}
FASTLOSS_FN vector_of_double widened_sum(const vector_of_double& v) { return v; }

FASTLOSS_FN double lanes_sum(const vector_of_double& v) {
  double lane[FASTLOSS_VECTOR_BYTES / sizeof(double)];
  __builtin_memcpy(lane, &v, sizeof lane);
  for (unsigned half = FASTLOSS_VECTOR_BYTES / sizeof(double) / 2; half > 0; half /= 2)
    for (unsigned k = 0; k < half; ++k) lane[k] += lane[k + half];
  return lane[0];
}

// The next number of dtype S above x.
FASTLOSS_FN float next_above(float x) {
  if (!(x < __builtin_inff())) return x;
  if (x == 0) return __FLT_DENORM_MIN__;
  const std::int32_t bits = __builtin_bit_cast(std::int32_t, x);
  return __builtin_bit_cast(float, x > 0 ? bits + 1 : bits - 1);
}
FASTLOSS_FN double next_above(double x) {
  if (!(x < __builtin_inf())) return x;
  if (x == 0) return __DBL_DENORM_MIN__;
  const std::int64_t bits = __builtin_bit_cast(std::int64_t, x);
  return __builtin_bit_cast(double, x > 0 ? bits + 1 : bits - 1);
}

// Comparisons with NaN are false, so that NaN passes. The bounds of a domain are representable in both dtypes, or infinite.
template <class S, class V>
bool outside(const void* tile, const domain& d, std::size_t count) {
  const S* const x = static_cast<const S*>(tile);
  const S lower = static_cast<S>(d.lower), upper = static_cast<S>(d.upper);
  const V least = (d.lower_open ? next_above(lower) : lower) - V{}, most = (d.upper_open ? -next_above(-upper) : upper) - V{};
  const V first = lower - V{}, second = upper - V{};
  auto bad = least < least;
  for (std::size_t i = 0; i < count; i += FASTLOSS_VECTOR_BYTES / sizeof(S)) {
    V v;
    __builtin_memcpy(&v, x + i, sizeof v);
    if (d.ends_only) bad |= (v < first) | (v > second) | ((v > first) & (v < second));
    else bad |= (v < least) | (v > most);
  }
  std::uint64_t words[FASTLOSS_VECTOR_BYTES / sizeof(std::uint64_t)], any = 0;
  __builtin_memcpy(words, &bad, sizeof words);
  for (const std::uint64_t word : words) any |= word;
  return any != 0;
}

// Eight packs are added as a tree in the computation dtype, everything after that in double: three roundings in float32
// whatever the length, so that a mean of 10^8 elements keeps seven digits. One exception is summed in double throughout:
// a tile whose float32 sum overflows although the mean does not.
template <class S, class At>
FASTLOSS_FN double sum_of_vectors(std::size_t count, const At& at) {
  constexpr std::size_t w = FASTLOSS_VECTOR_BYTES / sizeof(S);
  vector_of_double even = {}, odd = {};
  std::size_t i = 0;
  for (; i + 16 * w <= count; i += 16 * w) {
    even += widened_sum(((at(i) + at(i + w)) + (at(i + 2 * w) + at(i + 3 * w))) +
                        ((at(i + 4 * w) + at(i + 5 * w)) + (at(i + 6 * w) + at(i + 7 * w))));
    odd += widened_sum(((at(i + 8 * w) + at(i + 9 * w)) + (at(i + 10 * w) + at(i + 11 * w))) +
                       ((at(i + 12 * w) + at(i + 13 * w)) + (at(i + 14 * w) + at(i + 15 * w))));
  }
  for (; i < count; i += w) even += widened_sum(at(i));
  double total = lanes_sum(even + odd);
  if (sizeof(S) < sizeof(double) && !(total - total == 0)) {
    total = 0;
    for (i = 0; i < count; i += w) {
      const auto v = at(i);
      for (std::size_t k = 0; k < w; ++k) total += static_cast<double>(v[k]);
    }
  }
  return total;
}

template <class V, class S>
FASTLOSS_FN V vector_at(const S* x) {
  V v;
  __builtin_memcpy(&v, x, sizeof v);
  return v;
}

template <class S, class V>
double sum(const void* tile, std::size_t count) {
  const S* const x = static_cast<const S*>(tile);
  return sum_of_vectors<S>(count, [x](std::size_t i) { return vector_at<V>(x + i); });
}

template <class S, class V>
double sum_of_products(const void* c, const void* a, std::size_t count) {
  const S *const x = static_cast<const S*>(c), *const y = static_cast<const S*>(a);
  return sum_of_vectors<S>(count, [x, y](std::size_t i) {
    const V factor = vector_at<V>(x + i), product = factor * vector_at<V>(y + i);
    return factor == V{} ? V{} : product;
  });
}

}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

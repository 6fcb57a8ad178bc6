// pack<S, W>: W floating-point numbers of type S (float or double) that are computed on together.
//
// Wide packs are the compiler's vector extensions. The vector types are written out width by width, because GCC 12
// silently drops a vector_size that depends on a template parameter. pack<S, 1> is a plain number in a struct: it
// serves CUDA threads and anybody's scalar loop, and nvcc never sees a vector type. The struct is what makes every
// name resolve to ours: with a builtin float, exp would mean the double one of libm and abs the integer one.
#pragma once

#include <cstdint>
#include <type_traits>

#include "fastloss/core/config.hpp"

#if !defined(__CUDACC__)
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif
#endif

namespace fastloss {
inline namespace FASTLOSS_ISA {

namespace detail {

// The types behind a pack: its numbers, integers of the same size, and truth values (all bits of a lane, or a bool).
template <class S, int W>
struct lanes;

template <>
struct lanes<float, 1> {
  using floats = float;
  using ints = std::int32_t;
  using unsigned_ints = std::uint32_t;
  using truths = bool;
};
template <>
struct lanes<double, 1> {
  using floats = double;
  using ints = std::int64_t;
  using unsigned_ints = std::uint64_t;
  using truths = bool;
};

#if !defined(__CUDACC__)
#define FASTLOSS_LANES(S, I, W)                                                  \
  template <>                                                                    \
  struct lanes<S, W> {                                                           \
    typedef S floats __attribute__((vector_size(W * sizeof(S))));                \
    typedef std::I ints __attribute__((vector_size(W * sizeof(S))));             \
    typedef std::u##I unsigned_ints __attribute__((vector_size(W * sizeof(S)))); \
    typedef std::I truths __attribute__((vector_size(W * sizeof(S))));           \
  };
FASTLOSS_LANES(float, int32_t, 4)
FASTLOSS_LANES(float, int32_t, 8)
FASTLOSS_LANES(float, int32_t, 16)
FASTLOSS_LANES(double, int64_t, 2)
FASTLOSS_LANES(double, int64_t, 4)
FASTLOSS_LANES(double, int64_t, 8)
#undef FASTLOSS_LANES
#endif

}  // namespace detail

// Copies written out member by member. GCC 12 moves a trivially copyable struct of vectors through memory in words of
// eight bytes, which made a kernel that returns two duals three times slower.
#define FASTLOSS_COPY_ONE(TYPE, MEMBER)                 \
  FASTLOSS_FN TYPE(const TYPE& o) : MEMBER(o.MEMBER) {} \
  FASTLOSS_FN TYPE& operator=(const TYPE& o) {          \
    MEMBER = o.MEMBER;                                  \
    return *this;                                       \
  }

// Truth values of W lanes.
template <class S, int W>
struct mask {
  using truths = typename detail::lanes<S, W>::truths;
  truths v;

  FASTLOSS_FN mask(truths x) : v(x) {}
  FASTLOSS_COPY_ONE(mask, v)

  friend FASTLOSS_FN mask operator&(mask a, mask b) { return {static_cast<truths>(a.v & b.v)}; }
  friend FASTLOSS_FN mask operator|(mask a, mask b) { return {static_cast<truths>(a.v | b.v)}; }
  friend FASTLOSS_FN mask operator!(mask a) { return {static_cast<truths>(a.v == static_cast<truths>(truths{}))}; }

  // Whether any lane is true.
  friend FASTLOSS_FN bool any(mask m) {
#if defined(__CUDACC__)
    return m.v;
#else
    if constexpr (W == 1) {
      return m.v;
    } else {
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512BW__) && defined(__AVX512DQ__)
      if constexpr (sizeof(truths) == 64) {
        const __m512i bits = (__m512i)m.v;
        return _mm512_test_epi64_mask(bits, bits) != 0;
      }
#endif
#if defined(__AVX__)
      if constexpr (sizeof(truths) == 32) return !_mm256_testz_si256((__m256i)m.v, (__m256i)m.v);
#endif
#if defined(__SSE2__)
      if constexpr (sizeof(truths) == 16) return _mm_movemask_epi8((__m128i)m.v) != 0;
#endif
      auto all = m.v[0];
      for (int i = 1; i < W; ++i) all |= m.v[i];
      return all != 0;
    }
#endif
  }
};

// W integers of the size of S: the bits of floating-point numbers, exponents, counters. Sums wrap around: the bits of a negative
// number less those of a positive one are below the least integer, and what is made of them is not used.
template <class S, int W>
struct integer_pack {
  using integer = typename detail::lanes<S, 1>::ints;
  using ints = typename detail::lanes<S, W>::ints;
  using truths = typename detail::lanes<S, W>::truths;
  ints v;

  integer_pack() = default;
  FASTLOSS_COPY_ONE(integer_pack, v)
  template <class I, std::enable_if_t<std::is_integral_v<I>, int> = 0>
  FASTLOSS_FN integer_pack(I i) : v(static_cast<integer>(i) + ints{}) {}
  template <class V, std::enable_if_t<!std::is_integral_v<V> && std::is_same_v<V, ints>, int> = 0>
  FASTLOSS_FN explicit integer_pack(V x) : v(x) {}

  friend FASTLOSS_FN integer_pack operator+(integer_pack a, integer_pack b) { return make((ints)(a.bits() + b.bits())); }
  friend FASTLOSS_FN integer_pack operator-(integer_pack a, integer_pack b) { return make((ints)(a.bits() - b.bits())); }
  friend FASTLOSS_FN integer_pack operator&(integer_pack a, integer_pack b) { return make(a.v & b.v); }
  friend FASTLOSS_FN integer_pack operator|(integer_pack a, integer_pack b) { return make(a.v | b.v); }
  friend FASTLOSS_FN integer_pack operator^(integer_pack a, integer_pack b) { return make(a.v ^ b.v); }
  friend FASTLOSS_FN integer_pack operator<<(integer_pack a, int n) { return make(a.v << n); }
  friend FASTLOSS_FN integer_pack operator>>(integer_pack a, int n) { return make(a.v >> n); }
  friend FASTLOSS_FN mask<S, W> operator==(integer_pack a, integer_pack b) { return {static_cast<truths>(a.v == b.v)}; }
  friend FASTLOSS_FN mask<S, W> operator<(integer_pack a, integer_pack b) { return {static_cast<truths>(a.v < b.v)}; }
  friend FASTLOSS_FN mask<S, W> operator>(integer_pack a, integer_pack b) { return {static_cast<truths>(a.v > b.v)}; }
  friend FASTLOSS_FN integer_pack select(mask<S, W> m, integer_pack a, integer_pack b) { return make(m.v ? a.v : b.v); }

 private:
  FASTLOSS_FN auto bits() const { return (typename detail::lanes<S, W>::unsigned_ints)v; }  // no named cast between vectors
  static FASTLOSS_FN integer_pack make(ints x) {
    integer_pack r;
    r.v = x;
    return r;
  }
};

template <class S, int W>
struct pack {
  static_assert(std::is_same_v<S, float> || std::is_same_v<S, double>);
  using scalar = S;
  using floats = typename detail::lanes<S, W>::floats;
  using ints = typename detail::lanes<S, W>::ints;
  using truths = typename detail::lanes<S, W>::truths;
  static constexpr int width = W;

  floats v;

  pack() = default;
  FASTLOSS_COPY_ONE(pack, v)
  // Any number, in every lane.  (x - 0 is x for every x, -0.0 and NaN included; x + 0 is not.)
  template <class A, std::enable_if_t<std::is_arithmetic_v<A>, int> = 0>
  FASTLOSS_FN pack(A x) : v(static_cast<S>(x) - floats{}) {}

  static FASTLOSS_FN pack load(const S* from) {
    pack r;
    __builtin_memcpy(&r.v, from, sizeof(r.v));
    return r;
  }
  FASTLOSS_FN void store(S* to) const { __builtin_memcpy(to, &v, sizeof(v)); }
  // Past the caches, to memory aligned to 16 bytes. In pieces of 16: neighbouring packs then fill whole lines wherever the
  // first one starts, and arrays of NumPy start at 16 modulo 64 (one piece per pack is no faster where it can be used).
  FASTLOSS_FN void stream(S* to) const {
#if defined(__SSE2__) && !defined(__CUDACC__)
    if constexpr (sizeof(v) >= 16) {
      __m128i piece[sizeof(v) / 16];
      __builtin_memcpy(piece, &v, sizeof(v));
      for (unsigned i = 0; i < sizeof(v) / 16; ++i) _mm_stream_si128(reinterpret_cast<__m128i*>(to) + i, piece[i]);
      return;
    }
#endif
    store(to);
  }
  // The same in one piece, to memory that is aligned to the pack.
  FASTLOSS_FN void stream_aligned(S* to) const {
#if defined(__AVX512F__) && !defined(__CUDACC__)
    if constexpr (sizeof(v) == 64) return _mm512_stream_si512(reinterpret_cast<__m512i*>(to), __builtin_bit_cast(__m512i, v));
#endif
#if defined(__AVX__) && !defined(__CUDACC__)
    if constexpr (sizeof(v) == 32) return _mm256_stream_si256(reinterpret_cast<__m256i*>(to), __builtin_bit_cast(__m256i, v));
#endif
    stream(to);
  }

  static FASTLOSS_FN pack of(floats x) {
    pack r;
    r.v = x;
    return r;
  }
  static FASTLOSS_FN pack from_bits(integer_pack<S, W> i) { return of(__builtin_bit_cast(floats, i.v)); }
  FASTLOSS_FN integer_pack<S, W> bits() const {
    integer_pack<S, W> r;
    r.v = __builtin_bit_cast(ints, v);
    return r;
  }

  friend FASTLOSS_FN pack operator+(pack a, pack b) { return of(a.v + b.v); }
  friend FASTLOSS_FN pack operator-(pack a, pack b) { return of(a.v - b.v); }
  friend FASTLOSS_FN pack operator*(pack a, pack b) { return of(a.v * b.v); }
  friend FASTLOSS_FN pack operator/(pack a, pack b) { return of(a.v / b.v); }
  friend FASTLOSS_FN pack operator-(pack a) { return of(-a.v); }
  friend FASTLOSS_FN pack operator+(pack a) { return a; }
  FASTLOSS_FN pack& operator+=(pack b) { return *this = *this + b; }
  FASTLOSS_FN pack& operator-=(pack b) { return *this = *this - b; }
  FASTLOSS_FN pack& operator*=(pack b) { return *this = *this * b; }

  friend FASTLOSS_FN mask<S, W> operator==(pack a, pack b) { return {static_cast<truths>(a.v == b.v)}; }
  friend FASTLOSS_FN mask<S, W> operator!=(pack a, pack b) { return {static_cast<truths>(a.v != b.v)}; }
  friend FASTLOSS_FN mask<S, W> operator<(pack a, pack b) { return {static_cast<truths>(a.v < b.v)}; }
  friend FASTLOSS_FN mask<S, W> operator<=(pack a, pack b) { return {static_cast<truths>(a.v <= b.v)}; }
  friend FASTLOSS_FN mask<S, W> operator>(pack a, pack b) { return {static_cast<truths>(a.v > b.v)}; }
  friend FASTLOSS_FN mask<S, W> operator>=(pack a, pack b) { return {static_cast<truths>(a.v >= b.v)}; }

  friend FASTLOSS_FN mask<S, W> is_nan(pack a) { return a != a; }
  // Lanes where a or b is NaN.
  friend FASTLOSS_FN mask<S, W> unordered(pack a, pack b) { return (a != a) | (b != b); }

  friend FASTLOSS_FN pack abs(pack a) { return from_bits(a.bits() & ~sign_bit); }
  // -|a| in one instruction.
  friend FASTLOSS_FN pack negative_abs(pack a) { return from_bits(a.bits() | sign_bit); }
  // The magnitude of a with the sign of b.
  friend FASTLOSS_FN pack copysign(pack a, pack b) { return from_bits((a.bits() & ~sign_bit) | (b.bits() & sign_bit)); }

  // a * b + c: rounded once where the machine can (v3 and up, NEON, CUDA), twice on x86-64-v2. The compiler may not
  // contract on its own, so that a formula gives the same bits wherever it is used.
  friend FASTLOSS_FN pack fma(pack a, pack b, pack c) {
#if defined(__CUDACC__)
    return of(::fma(a.v, b.v, c.v));
#else
#if defined(__FMA__)
    if constexpr (W == 1 && sizeof(S) == 4) return of(__builtin_fmaf(a.v, b.v, c.v));
    if constexpr (W == 1 && sizeof(S) == 8) return of(__builtin_fma(a.v, b.v, c.v));
    if constexpr (W == 4 && sizeof(S) == 4) return of((floats)_mm_fmadd_ps((__m128)a.v, (__m128)b.v, (__m128)c.v));
    if constexpr (W == 2 && sizeof(S) == 8) return of((floats)_mm_fmadd_pd((__m128d)a.v, (__m128d)b.v, (__m128d)c.v));
    if constexpr (W == 8 && sizeof(S) == 4) return of((floats)_mm256_fmadd_ps((__m256)a.v, (__m256)b.v, (__m256)c.v));
    if constexpr (W == 4 && sizeof(S) == 8) return of((floats)_mm256_fmadd_pd((__m256d)a.v, (__m256d)b.v, (__m256d)c.v));
#endif
#if defined(__AVX512F__)
    if constexpr (W == 16 && sizeof(S) == 4) return of((floats)_mm512_fmadd_ps((__m512)a.v, (__m512)b.v, (__m512)c.v));
    if constexpr (W == 8 && sizeof(S) == 8) return of((floats)_mm512_fmadd_pd((__m512d)a.v, (__m512d)b.v, (__m512d)c.v));
#endif
#if defined(__aarch64__)
    if constexpr (W == 4 && sizeof(S) == 4) return of((floats)vfmaq_f32((float32x4_t)c.v, (float32x4_t)a.v, (float32x4_t)b.v));
    if constexpr (W == 2 && sizeof(S) == 8) return of((floats)vfmaq_f64((float64x2_t)c.v, (float64x2_t)a.v, (float64x2_t)b.v));
#endif
    return of(a.v * b.v + c.v);
#endif
  }

  friend FASTLOSS_FN pack sqrt(pack a) {
#if defined(__CUDACC__)
    return of(::sqrt(a.v));
#else
    if constexpr (W == 1) {
#if defined(__SSE2__)
      // Not __builtin_sqrt, which calls libm for a negative number unless errno is switched off.
      if constexpr (sizeof(S) == 4) return of(_mm_cvtss_f32(_mm_sqrt_ss(_mm_set_ss(a.v))));
      if constexpr (sizeof(S) == 8) return of(_mm_cvtsd_f64(_mm_sqrt_pd(_mm_set1_pd(a.v))));
#else
      if constexpr (sizeof(S) == 4) return of(__builtin_sqrtf(a.v));
      if constexpr (sizeof(S) == 8) return of(__builtin_sqrt(a.v));
#endif
    } else {
#if defined(__SSE2__)
      if constexpr (W == 4 && sizeof(S) == 4) return of((floats)_mm_sqrt_ps((__m128)a.v));
      if constexpr (W == 2 && sizeof(S) == 8) return of((floats)_mm_sqrt_pd((__m128d)a.v));
#endif
#if defined(__AVX__)
      if constexpr (W == 8 && sizeof(S) == 4) return of((floats)_mm256_sqrt_ps((__m256)a.v));
      if constexpr (W == 4 && sizeof(S) == 8) return of((floats)_mm256_sqrt_pd((__m256d)a.v));
#endif
#if defined(__AVX512F__)
      if constexpr (W == 16 && sizeof(S) == 4) return of((floats)_mm512_maskz_sqrt_ps(0xffff, (__m512)a.v));
      if constexpr (W == 8 && sizeof(S) == 8) return of((floats)_mm512_maskz_sqrt_pd(0xff, (__m512d)a.v));
#endif
#if defined(__aarch64__)
      if constexpr (W == 4 && sizeof(S) == 4) return of((floats)vsqrtq_f32((float32x4_t)a.v));
      if constexpr (W == 2 && sizeof(S) == 8) return of((floats)vsqrtq_f64((float64x2_t)a.v));
#endif
      pack r = a;
      for (int i = 0; i < W; ++i) r.v[i] = sqrt(pack<S, 1>(a.v[i])).v;
      return r;
    }
#endif
  }

 private:
  using integer = typename detail::lanes<S, 1>::ints;
  static constexpr integer sign_bit = static_cast<integer>(1ull << (8 * sizeof(S) - 1));
};

// m ? a : b, lane by lane. A number or a tag in place of a pack is handled by the select of dual.hpp.
template <class S, int W>
FASTLOSS_FN pack<S, W> select(mask<S, W> m, pack<S, W> a, pack<S, W> b) {
  return pack<S, W>::of(m.v ? a.v : b.v);
}

namespace detail {

// b where either is NaN, which is what the machine's own instruction gives. Not for duals, whose ties need a rule: see
// hinge_max0.
template <class S, int W>
FASTLOSS_FN pack<S, W> min(pack<S, W> a, pack<S, W> b) {
#if defined(__x86_64__) && !defined(__CUDACC__)
  using floats = typename pack<S, W>::floats;
  if constexpr (W == 4 && sizeof(S) == 4) return pack<S, W>::of((floats)_mm_min_ps((__m128)a.v, (__m128)b.v));
  if constexpr (W == 2 && sizeof(S) == 8) return pack<S, W>::of((floats)_mm_min_pd((__m128d)a.v, (__m128d)b.v));
#if defined(__AVX__)
  if constexpr (W == 8 && sizeof(S) == 4) return pack<S, W>::of((floats)_mm256_min_ps((__m256)a.v, (__m256)b.v));
  if constexpr (W == 4 && sizeof(S) == 8) return pack<S, W>::of((floats)_mm256_min_pd((__m256d)a.v, (__m256d)b.v));
#endif
#if defined(__AVX512F__)
  if constexpr (W == 16 && sizeof(S) == 4) return pack<S, W>::of((floats)_mm512_maskz_min_ps(0xffff, (__m512)a.v, (__m512)b.v));
  if constexpr (W == 8 && sizeof(S) == 8) return pack<S, W>::of((floats)_mm512_maskz_min_pd(0xff, (__m512d)a.v, (__m512d)b.v));
#endif
#endif
  return select(a < b, a, b);
}
template <class S, int W>
FASTLOSS_FN pack<S, W> max(pack<S, W> a, pack<S, W> b) {
#if defined(__x86_64__) && !defined(__CUDACC__)
  using floats = typename pack<S, W>::floats;
  if constexpr (W == 4 && sizeof(S) == 4) return pack<S, W>::of((floats)_mm_max_ps((__m128)a.v, (__m128)b.v));
  if constexpr (W == 2 && sizeof(S) == 8) return pack<S, W>::of((floats)_mm_max_pd((__m128d)a.v, (__m128d)b.v));
#if defined(__AVX__)
  if constexpr (W == 8 && sizeof(S) == 4) return pack<S, W>::of((floats)_mm256_max_ps((__m256)a.v, (__m256)b.v));
  if constexpr (W == 4 && sizeof(S) == 8) return pack<S, W>::of((floats)_mm256_max_pd((__m256d)a.v, (__m256d)b.v));
#endif
#if defined(__AVX512F__)
  if constexpr (W == 16 && sizeof(S) == 4) return pack<S, W>::of((floats)_mm512_maskz_max_ps(0xffff, (__m512)a.v, (__m512)b.v));
  if constexpr (W == 8 && sizeof(S) == 8) return pack<S, W>::of((floats)_mm512_maskz_max_pd(0xff, (__m512d)a.v, (__m512d)b.v));
#endif
#endif
  return select(a > b, a, b);
}

}  // namespace detail

#if defined(__CUDACC__)
template <class S>
using native_pack = pack<S, 1>;
#else
template <class S>
using native_pack = pack<S, FASTLOSS_VECTOR_BYTES / static_cast<int>(sizeof(S))>;
#endif

#undef FASTLOSS_COPY_ONE

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Element types in memory and their conversion to and from the computation dtypes.
#pragma once

#include <cstdint>

#include "fastloss/core/array.hpp"
#include "fastloss/core/config.hpp"
#include "fastloss/core/type_list.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

struct half_bits {
  std::uint16_t bits;
};
struct brain_bits {
  std::uint16_t bits;
};

// In the order of dtype.
template <dtype T>
using element = typename type_at<static_cast<std::size_t>(T), bool, std::int8_t, std::uint8_t, std::int16_t, std::uint16_t, std::int32_t,
                                 std::uint32_t, std::int64_t, std::uint64_t, half_bits, brain_bits, float, double>::type;

FASTLOSS_FN std::uint32_t bits_of(float x) { return __builtin_bit_cast(std::uint32_t, x); }
FASTLOSS_FN float float_of(std::uint32_t x) { return __builtin_bit_cast(float, x); }

// Rebiasing the exponent by a multiplication is right for subnormals too; infinities and NaN need their exponent set.
FASTLOSS_FN float widen(half_bits h) {
  const std::uint32_t magnitude = h.bits & 0x7fffu, sign = (h.bits & 0x8000u) << 16;
  const std::uint32_t scaled = bits_of(float_of(magnitude << 13) * 0x1p112f);
  return float_of((magnitude >= 0x7c00u ? scaled | 0x7f800000u : scaled) | sign);
}
FASTLOSS_FN float widen(brain_bits b) { return float_of(static_cast<std::uint32_t>(b.bits) << 16); }

// Round to nearest even.
FASTLOSS_FN half_bits narrow_to_half(float x) {
  const std::uint32_t all = bits_of(x), sign = all & 0x80000000u, a = all ^ sign;
  const std::uint32_t special = a > 0x7f800000u ? 0x7e00u : 0x7c00u;
  const std::uint32_t subnormal = bits_of(float_of(a) + 0.5f) - 0x3f000000u;  // 0.5f has the spacing of half subnormals
  const std::uint32_t normal = (a - 0x38000000u + 0xfffu + ((a >> 13) & 1u)) >> 13;
  const std::uint32_t h = a >= 0x47800000u ? special : a < 0x38800000u ? subnormal : normal;
  return {static_cast<std::uint16_t>(h | (sign >> 16))};
}
FASTLOSS_FN brain_bits narrow_to_brain(float x) {
  const std::uint32_t a = bits_of(x);
  const std::uint32_t rounded = (a + 0x7fffu + ((a >> 16) & 1u)) >> 16;
  return {static_cast<std::uint16_t>(x != x ? (a >> 16) | 0x40u : rounded)};
}

// A float that a double is rounded to on the way to fewer digits, without rounding twice: the nearest towards 0, with the last bit
// set where digits were lost (S. Boldo and G. Melquiond, Emulation of FMA and Correctly Rounded Sums, 2008). It needs two digits
// more than the half has, also among the half's subnormals: there are 13 or more for float16, and 16 for bfloat16.
FASTLOSS_FN float rounded_to_odd(double x) {
  const float near = static_cast<float>(x);
  const double back = static_cast<double>(near);
  const std::uint32_t inward = bits_of(near) - static_cast<std::uint32_t>(__builtin_fabs(back) > __builtin_fabs(x));
  return back == x || x != x ? near : float_of(inward | 1u);
}
FASTLOSS_FN float rounded_to_odd(float x) { return x; }

template <class S, class T>
FASTLOSS_FN S to_computation(T x) {
  if constexpr (__is_same(T, half_bits) || __is_same(T, brain_bits)) return static_cast<S>(widen(x));
  else if constexpr (__is_same(T, bool)) return static_cast<S>(static_cast<int>(x));  // GCC 12 converts a bool by itself one at a time
  else return static_cast<S>(x);
}

template <class T, class S>
FASTLOSS_FN T from_computation(S x) {
  if constexpr (__is_same(T, half_bits)) return narrow_to_half(rounded_to_odd(x));
  else if constexpr (__is_same(T, brain_bits)) return narrow_to_brain(rounded_to_odd(x));
  else return static_cast<T>(x);
}

// Any byte but 0 is true, as in C; memory that was never a bool must not become an out-of-range one.
template <class T, bool Swapped>
FASTLOSS_FN T read(const char* p) {
  if constexpr (__is_same(T, bool)) {
    return *p != 0;
  } else {
    T x;
    if constexpr (Swapped) {
      char bytes[sizeof(T)];
      for (unsigned i = 0; i < sizeof(T); ++i) bytes[i] = p[sizeof(T) - 1 - i];
      __builtin_memcpy(&x, bytes, sizeof(T));
    } else {
      __builtin_memcpy(&x, p, sizeof(T));
    }
    return x;
  }
}

template <class T, bool Swapped>
FASTLOSS_FN void write(char* p, T x) {
  if constexpr (Swapped) {
    char bytes[sizeof(T)];
    __builtin_memcpy(bytes, &x, sizeof(T));
    for (unsigned i = 0; i < sizeof(T); ++i) p[i] = bytes[sizeof(T) - 1 - i];
  } else {
    __builtin_memcpy(p, &x, sizeof(T));
  }
}

}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

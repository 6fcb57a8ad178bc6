// Float functions computed in double: both halves of a float pack in turn. For functions whose intermediate steps need
// more than a float's precision; two double packs cost less than compensated float arithmetic.
#pragma once

#include "fastloss/simd/pack.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

#if !defined(__CUDACC__)

template <int W>
struct half_floats;
template <>
struct half_floats<4> {
  typedef float type __attribute__((vector_size(8)));
};
template <>
struct half_floats<8> {
  typedef float type __attribute__((vector_size(16)));
};
template <>
struct half_floats<16> {
  typedef float type __attribute__((vector_size(32)));
};

// The lower (0) or upper (1) half of the lanes as doubles.
template <int Half, int W>
FASTLOSS_FN pack<double, W / 2> widen(pack<float, W> x) {
  typename half_floats<W>::type half;
  __builtin_memcpy(&half, reinterpret_cast<const char*>(&x.v) + Half * sizeof(half), sizeof(half));
  return pack<double, W / 2>::of(__builtin_convertvector(half, typename pack<double, W / 2>::floats));
}
template <int W>
FASTLOSS_FN pack<float, 2 * W> narrow(pack<double, W> lower, pack<double, W> upper) {
  using half = typename half_floats<2 * W>::type;
  const half halves[2] = {__builtin_convertvector(lower.v, half), __builtin_convertvector(upper.v, half)};
  pack<float, 2 * W> r;
  __builtin_memcpy(&r.v, halves, sizeof(r.v));
  return r;
}

#endif

namespace {

// f, called and not inlined: of long functions every kernel would hold copies, which take minutes to compile, and the call takes a
// few hundredths of the time that they do. In an unnamed namespace, as what is not inlined may not be merged with a user's copy.
template <class F, int W, class... X>
FASTLOSS_CALLED pack<double, W> called(F f, pack<double, W> x, X... more) {
  return f(x, more...);
}

}  // namespace

// f of float packs by way of f of double packs.
template <class F, int W, class... X>
FASTLOSS_FN pack<float, W> in_double(F f, pack<float, W> x, X... more) {
  if constexpr (W == 1) {
    return pack<float, 1>(f(pack<double, 1>(x.v), pack<double, 1>(more.v)...).v);
  } else {
#if !defined(__CUDACC__)
    return narrow(called(f, widen<0>(x), widen<0>(more)...), called(f, widen<1>(x), widen<1>(more)...));
#endif
  }
}

}  // namespace detail
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

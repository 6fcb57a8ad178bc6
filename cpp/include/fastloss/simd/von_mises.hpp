// The negative log-likelihood of the von Mises distribution without log(2 pi): log I0(k) - k cos(r).
//
// For large k that is a difference of large numbers. There it is 2 k sin(r / 2)^2 + (log I0(k) - k), of which neither part is
// larger than the result needs.
#pragma once

#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// -cos(r) for small k, and 1 - cos(r) for large ones, as bessel.hpp splits log I0.
template <class S, int W>
FASTLOSS_FN pack<S, W> von_mises_angle(pack<S, W> r, pack<S, W> k) {
  using P = pack<S, W>;
  const auto half = sincos(P(0.5) * r);
  const P above = P(2) * half.sine * half.sine;
  return select(k >= P(bessel_asymptotic<S>), above, (half.sine - half.cosine) * (half.sine + half.cosine));
}

// The derivative in r: k sin(r), and k cos(r) as that of it.
template <class R, class K>
FASTLOSS_FN auto von_mises_in_residual(R r, K k) {
  if constexpr (is_dual<R>) {
    const auto half = sincos(0.5 * r.value);
    const auto cosine = (half.cosine - half.sine) * (half.cosine + half.sine);
    return make_dual(von_mises_in_residual(r.value, k), (k * cosine) * r.tangent);
  } else {
    const auto half = sincos(R(0.5) * r);
    return mul0(R(2) * half.sine * half.cosine, k);
  }
}

template <class R, class K>
FASTLOSS_FN auto von_mises_nll(R r, K k) {
  if constexpr (is_dual<R>) {
    return make_dual(von_mises_nll(r.value, k), von_mises_in_residual(r.value, k) * r.tangent);
  } else if constexpr (is_dual<K>) {
    return make_dual(von_mises_nll(r, k.value), (von_mises_angle(r, k.value) + bessel_ratio_in_parts(k.value)) * k.tangent);
  } else {
    const R angle = von_mises_angle(r, k);
    const R infinity(ieee<typename R::scalar>::infinity);
    // All of the density lies at r = 0 where k is infinite.
    const R limit = select(angle == R(0), -infinity, angle + infinity);
    return select(k == infinity, limit, k * angle + log_i0_in_parts(k));
  }
}

}  // namespace detail
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Quotients that would overflow or vanish if they were differentiated term by term.
#pragma once

#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// r^2 / (2 v), with the derivatives r / v and -(r / v)^2 / 2: neither r^2 nor r / v^2 is formed, which leave the range of
// the dtype long before the results do.
template <class R, class V>
FASTLOSS_FN auto half_squared_quotient(R r, V v) {
  if constexpr (is_dual<R> || is_dual<V>) {
    constexpr int n = detail::common_depth<R, V>;
    const auto a = detail::value_at<n>(r);
    const auto b = detail::value_at<n>(v);
    const auto q = a / b;
    return detail::make_dual(half_squared_quotient(a, b), q * detail::tangent_at<n>(r) - ((0.5 * q) * q) * detail::tangent_at<n>(v));
  } else {
    return (0.5 * r) * (r / v);
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

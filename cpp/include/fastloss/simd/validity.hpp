// Formulas that exist for some arguments only.
#pragma once

#include "fastloss/simd/dual.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

namespace detail {

template <class P>
FASTLOSS_FN auto is_infinite(P x) {
  return abs(x) == P(__builtin_inf());
}

}  // namespace detail

// x where the condition holds, else NaN: the value and all derivatives, which some formulas would leave finite.
template <class S, int W, class X>
FASTLOSS_FN auto nan_unless(mask<S, W> valid, X x) {
  using P = pack<S, W>;
  if constexpr (is_dual<X>) return detail::make_dual(nan_unless(valid, x.value), nan_unless(valid, x.tangent));
  else return select(valid, detail::as_pack<P>(x), P(__builtin_nan("")));
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

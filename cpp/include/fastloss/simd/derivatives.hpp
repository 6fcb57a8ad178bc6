// Functions of one variable that state their own first and second derivatives.
#pragma once

#include "fastloss/simd/dual.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

template <class V, class G, class C>
struct value_and_derivatives {
  V value;
  G d1;
  C d2;
};

// f(x) and its derivatives at a pack, where f computes them.
template <class F, class S, int W>
FASTLOSS_FN auto derivatives_of(F f, pack<S, W> x) {
  return f(x);
}

template <class F, class T, class D>
FASTLOSS_FN auto derivatives_of(F f, dual<T, D> x) {
  static_assert(depth<dual<T, D>> <= 2, "there is no third derivative here");
  const auto inner = derivatives_of(f, x.value);
  const auto value = make_dual(inner.value, inner.d1 * x.tangent);
  const auto d1 = make_dual(inner.d1, inner.d2 * x.tangent);
  return value_and_derivatives<decltype(make_dual(inner.value, inner.d1 * x.tangent)), decltype(make_dual(inner.d1, inner.d2 * x.tangent)),
                               decltype(inner.d2)>{value, d1, inner.d2};
}

}  // namespace detail
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// The binary cross-entropy of a probability, with the bounds that torch gives it.
#pragma once

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// The bounds of value and gradient do not belong to each other: where a logarithm is held at -100, the gradient is that of
// x (1 - x) held at 1e-12. The second derivative is that of this gradient.
template <class P>
struct clamped_cross_entropy_of {
  P target, rest;  // t and 1 - t

  FASTLOSS_FN auto operator()(P x) const {
    const P complement = 1 - x;
    const P value = mul0(target, min(-log(x), P(100))) + mul0(rest, min(-log1p(-x), P(100)));
    const P variance = x * complement;
    const P d1 = (x - target) / max(variance, P(1e-12));
    const P d2 = select(variance < P(1e-12), P(1e12), target / (x * x) + rest / (complement * complement));
    return value_and_derivatives<P, P, P>{value, d1, d2};
  }
};

}  // namespace detail

// -t max(log x, -100) - (1 - t) max(log(1 - x), -100); the derivative in t has no bounds. `rest` is 1 - t.
template <class X, class T, class R>
FASTLOSS_FN auto clamped_cross_entropy(X x, T target, R rest) {
  if constexpr (is_dual<T>) {
    return detail::make_dual(clamped_cross_entropy(x, target.value, detail::innermost(rest)), mul0(target.tangent, log1p(-x) - log(x)));
  } else {
    using P = typename detail::pack_of<X>::type;
    return detail::derivatives_of(detail::clamped_cross_entropy_of<P>{detail::as_pack<P>(target), detail::as_pack<P>(rest)}, x).value;
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

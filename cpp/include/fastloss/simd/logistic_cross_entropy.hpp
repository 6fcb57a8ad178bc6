// The cross-entropy between a probability and the sigmoid of a logit.
#pragma once

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// With u = 1 - t for a positive logit and u = t for a negative one, the loss is u |z| + log(1 + e^-|z|), and the derivative
// u sigmoid(|z|) - (1 - u) sigmoid(-|z|), with the sign of z: no difference of nearly equal numbers where the loss is small.
template <class P>
struct logistic_cross_entropy_of {
  P target, rest;  // t and 1 - t

  FASTLOSS_FN auto operator()(P z) const {
    const P e = exp_nonpositive(negative_abs(z));
    const P larger = P(1) / (e + 1);
    const P smaller = e * larger;
    const auto negative = z < P(0);
    const P wrong = select(negative, target, rest);
    const P right = select(negative, rest, target);
    const P d1 = wrong * larger - right * smaller;
    return value_and_derivatives<P, P, P>{mul0(wrong, abs(z)) + log1p_unit(e), select(negative, -d1, d1), larger * smaller};
  }
};

}  // namespace detail

// (1 - t) softplus(z) + t softplus(-z), at 0.7 of the cost of that expression. `rest` is 1 - t, for a caller that has more
// digits of it than that difference.
template <class Z, class T, class R>
FASTLOSS_FN auto logistic_cross_entropy(Z z, T target, R rest) {
  if constexpr (is_dual<T>) {
    return detail::make_dual(logistic_cross_entropy(z, target.value, detail::innermost(rest)), mul0(target.tangent, -z));
  } else {
    using P = typename detail::pack_of<Z>::type;
    return detail::derivatives_of(detail::logistic_cross_entropy_of<P>{detail::as_pack<P>(target), detail::as_pack<P>(rest)}, z).value;
  }
}
template <class Z, class T>
FASTLOSS_FN auto logistic_cross_entropy(Z z, T target) {
  return logistic_cross_entropy(z, target, 1 - target);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

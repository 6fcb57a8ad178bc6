// 1 - exp(-x) of numbers that are not negative, with all digits of a small one, and exp(-x) as its derivative.
#pragma once

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/math.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// Both from one reduction of the argument.
template <class P>
struct saturation_of {
  FASTLOSS_FN auto operator()(P x) const {
    using S = typename P::scalar;
    constexpr double last = is_float<S> ? 104 : 746;  // exp(-last) rounds to 0
    const auto e = reduce_exp(max(P(-last), -x));     // NaN stays NaN
    const P p = expm1_reduced(e.r);
    // 2^n is a normal number down to where 1 - 2^n is 1.
    constexpr double lowest = is_float<S> ? -100 : -200;
    const P power = power_of_two(max(P(static_cast<double>(ieee<S>::rounder) + lowest), e.biased).bits() - ieee<S>::rounder_bits);
    const P d1 = scale_exponent(p + 1, e);
    return value_and_derivatives<P, P, P>{fma(-power, p, P(1) - power), d1, -d1};
  }
};

}  // namespace detail

template <class S, int W>
FASTLOSS_FN pack<S, W> saturation(pack<S, W> x) {
  return detail::saturation_of<pack<S, W>>{}(x).value;
}
template <class T, class D>
FASTLOSS_FN auto saturation(dual<T, D> x) {
  return detail::derivatives_of(detail::saturation_of<typename detail::pack_of<T>::type>{}, x).value;
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// 1 - exp(-x) of numbers that are not negative, with all digits of a small one; its derivative exp(-x) is 0 where it would be subnormal.
#pragma once

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/math.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// Both from one reduction of the argument. A processor takes a hundred times as long for a subnormal result, or for one that vanishes:
// where one argument in a hundred was that far out, a loss with its gradient took twice the time.
template <class P>
struct saturation_of {
  FASTLOSS_FN auto operator()(P x) const {
    using S = typename P::scalar;
    constexpr double last = is_float<S> ? 87 : 708;  // exp(-last) is a normal number
    const auto e = reduce_exp(max(P(-last), -x));    // NaN stays NaN
    const P p = expm1_reduced(e.r), power = power_of_two(e.biased.bits() - ieee<S>::rounder_bits);
    // The same as far as 1 - 2^n differs from 1; its product with p is a normal number, too.
    constexpr double lowest = is_float<S> ? -100 : -200;
    const P above = power_of_two(max(P(static_cast<double>(ieee<S>::rounder) + lowest), e.biased).bits() - ieee<S>::rounder_bits);
    const P d1 = select(x > P(last), P(0), (p + 1) * power);
    return value_and_derivatives<P, P, P>{fma(-above, p, P(1) - above), d1, -d1};
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

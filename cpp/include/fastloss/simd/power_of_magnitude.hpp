// |x|^p for any p > 0 and its derivatives, from one power.
#pragma once

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/pow.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

template <class P>
struct power_of_magnitude_at {
  double exponent;

  FASTLOSS_FN auto operator()(P x) const {
    using S = typename P::scalar;
    const double p = static_cast<double>(static_cast<S>(exponent));  // the dtype's number, so that p - 1 belongs to it
    const P a = abs(x);
    const auto zero = a == P(0);
    const auto infinite = a == P(ieee<S>::infinity);
    if (p < 0.5) {
      // Here p - 1 would round, but no power leaves the range of the dtype.
      const P power = pow(a, P(p));
      const P d1 = select(zero | infinite, P(0), (P(p) * power) / a);
      return at(x, power, d1, select(zero | infinite, P(0), (P(p - 1) * d1) / a));
    }
    // Half the exponent, twice: p times a power may be normal where the power alone is not.
    const P half = pow(a, P((p - 1) / 2));
    const P d1 = select(zero & (P(p) < P(1)), P(0), (P(p) * half) * half);
    const P value = select(zero | infinite, a, (a * half) * half);
    if (p < 1) return at(x, value, d1, select(zero | infinite, P(0), (P(p - 1) * d1) / a));
    const P half_d2 = pow(a, P((p - 2) / 2));
    return at(x, value, d1, select(zero & (P(p) <= P(1)), P(0), (P(p * (p - 1)) * half_d2) * half_d2));
  }

 private:
  FASTLOSS_FN static auto at(P x, P value, P d1, P d2) { return value_and_derivatives<P, P, P>{value, copysign(d1, x), d2}; }
};

}  // namespace detail

// |x|^p for p > 0; the derivative at 0 is 0 for every p. Exactly x^2 and |x| for p = 2 and 1.
template <class X>
FASTLOSS_FN auto power_of_magnitude(X x, double p) {
  using P = typename detail::pack_of<X>::type;
  return choose(
      p == 2, [&] { return square(x); },
      [&] {
        return choose(p == 1, [&] { return abs(x); }, [&] { return detail::derivatives_of(detail::power_of_magnitude_at<P>{p}, x).value; });
      });
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// The pseudo-Huber function and its derivatives.
#pragma once

#include <limits>

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/polynomial.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// delta (h - delta) for h = sqrt(r^2 + delta^2), whose first derivative is delta r / h and whose second (delta / h)^3. The difference
// cancels where r is small, so the value is formed as delta r^2 / (h + delta): the lesser of |r| and delta times |r| times the
// greater over h + delta, of which the last two are quotients near 1 of numbers scaled to where their squares are normal.
template <class P>
struct pseudo_huber_of {
  double delta;

  FASTLOSS_FN auto operator()(P r) const {
    using S = typename P::scalar;
    constexpr bool f = is_float<S>;
    constexpr double largest = static_cast<double>(std::numeric_limits<S>::max());
    const P width(finite_held_by<S>(delta));
    const P a = abs(r);
    const P lesser = min(width, a);
    const P greater = max(width, a);
    const P scale = select(greater > P(f ? 0x1p60 : 0x1p500), P(f ? 0x1p-80 : 0x1p-600),
                           select(greater < P(f ? 0x1p-40 : 0x1p-450), P(f ? 0x1p100 : 0x1p900), P(1)));
    const P x = lesser * scale;
    const P y = min(P(largest), greater) * scale;  // finite, so that y / h is 1 where r is infinite
    const P w = width * scale;
    const P h = sqrt(fma(x, x, y * y));
    const P sum = h + w;
    const P inverse = P(1) / (h * sum);
    return value_and_derivatives<P, P, P>{lesser * (a * ((y * h) * inverse)), copysign(lesser * (y * (sum * inverse)), r),
                                          cubed_quotient(a <= width, lesser / greater)};
  }

 private:
  // (delta / h)^3 for the ratio of the lesser to the greater, from the square of delta / h, which rounds less than the cube.
  FASTLOSS_FN static P cubed_quotient(decltype(P() == P()) near, P ratio) {
    const P square = P(1) / fma(ratio, ratio, P(1));
    const P cube = square * sqrt(square);
    return select(near, cube, ((ratio * ratio) * ratio) * cube);
  }
};

}  // namespace detail

// delta^2 (sqrt(1 + (r / delta)^2) - 1) for delta > 0
template <class R>
FASTLOSS_FN auto pseudo_huber_function(R r, double delta) {
  using P = typename detail::pack_of<R>::type;
  return detail::derivatives_of(detail::pseudo_huber_of<P>{delta}, r).value;
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

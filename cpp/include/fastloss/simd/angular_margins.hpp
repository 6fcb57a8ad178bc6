// Cosines of angles with margins, of the cosine of the angle, with their derivatives in it.
#pragma once

#include "fastloss/simd/trig.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

template <class P>
struct cosine_with_margin {
  P value, d1;
};

namespace detail {

template <class P>
struct half_angle {
  P cosine;  // of the angle
  P sine;    // not below a bound, so that quotients by it are numbers
  P angle;   // from 0 to pi
};

// Rounding makes cosines larger than 1.
template <class S, int W>
FASTLOSS_FN half_angle<pack<S, W>> angle_of_cosine(pack<S, W> cosine) {
  using P = pack<S, W>;
  constexpr double least_sine = 1e-10;
  const P c = min(max(cosine, P(-1)), P(1));
  const P c_or_nan = select(unordered(cosine, cosine), cosine, c);
  const P up = sqrt(P(1) - c), down = sqrt(P(1) + c);
  return {c_or_nan, max(up * down, P(least_sine)), P(2) * atan_of_ratio(up, down)};
}

}  // namespace detail

// cos(factor angle + margin)
template <class P>
FASTLOSS_FN cosine_with_margin<P> cosine_of_widened(P cosine, double factor, double margin) {
  const auto of = detail::angle_of_cosine(cosine);
  const auto turned = sincos(factor * of.angle + margin);
  return {turned.cosine + (of.cosine - of.cosine), factor * turned.sine / of.sine + (of.cosine - of.cosine)};
}

// cos(angle + margin), and beyond pi, where that would rise again, cos(angle) - margin sin(margin).
template <class P>
FASTLOSS_FN cosine_with_margin<P> cosine_of_sum(P cosine, double margin) {
  const auto of = detail::angle_of_cosine(cosine);
  const double along = __builtin_cos(margin), across = __builtin_sin(margin);
  const auto beyond = of.cosine < P(-along);
  return {select(beyond, of.cosine - margin * across, of.cosine * along - of.sine * across),
          select(beyond, P(1), along + of.cosine * across / of.sine)};
}

// (-1)^k cos(factor angle) - 2 k, where k is how often pi is in factor angle: it falls all the way.
template <class P>
FASTLOSS_FN cosine_with_margin<P> cosine_of_multiple(P cosine, double factor) {
  constexpr double pi = 3.141592653589793, rounder = 0x1p52;
  const auto of = detail::angle_of_cosine(cosine);
  const P widened = factor * of.angle;
  const P nearest = (widened / P(pi) + rounder) - rounder;
  const P times = nearest - select(nearest * pi > widened, P(1), P(0));
  const P half = P(0.5) * times;
  const P sign = select((half + rounder) - rounder == half, P(1), P(-1));
  const auto turned = sincos(widened);
  const P missing = of.cosine - of.cosine;
  const P slope = select(of.angle < P(1e-6), P(factor * factor), sign * factor * turned.sine / of.sine);
  return {sign * turned.cosine - P(2) * times + missing, slope + missing};
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

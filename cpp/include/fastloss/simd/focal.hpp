// The focal loss of a logit: alpha_t (1 - p_t)^gamma BCE(z, t), and the losses that replace 1 - p_t by something else.
#pragma once

#include "fastloss/simd/logistic_terms.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// (1 - p_t)^gamma for 1 - p_t = p (1 - t) + (1 - p) t. The derivative is a multiple of the power itself, with a bounded
// factor: (1 - p_t)^(gamma - 1), which is infinite at saturation for gamma < 1, is not formed.
template <class S, int W>
FASTLOSS_FN modulation<pack<S, W>> focal_modulation(const logistic_terms<S, W>& l, pack<S, W> wrong, pack<S, W> right, double gamma) {
  using P = pack<S, W>;
  const P reduced = wrong + right * l.decay;
  const P m = reduced * l.larger;
  const P lean = wrong - right;
  const P d1 = lean * l.variance();
  const P turn = l.smaller - l.larger;
  if (gamma == 2.0) return {m, m, (m + m) * d1, P(2) * (d1 * d1 + m * (d1 * turn))};
  if (gamma == 1.0) return {m, P(1), d1, d1 * turn};
  if (gamma == 0.0) return {P(1), P(1), P(0), P(0)};
  const P half = power_of_unit(m, 0.5 * gamma);
  const P relative = select(wrong == P(0), -l.larger, lean * l.smaller / reduced);
  const P first = P(gamma) * (half * half) * relative;
  return {half, half, first, first * (turn + P(gamma - 1.0) * relative)};
}

// |p - t|^beta. The difference is taken of the smaller sigmoid and the part of the target that is smaller with it, which is
// exact where it cancels. At p = t the power has the derivative 0 for every beta, and for beta between 1 and 2 an infinite second one.
template <class S, int W>
FASTLOSS_FN modulation<pack<S, W>> distance_modulation(const logistic_terms<S, W>& l, pack<S, W> difference, double beta) {
  using P = pack<S, W>;
  const P d1 = l.variance();
  const P distance = abs(difference);
  const P turn = d1 * (l.smaller - l.larger);
  if (beta == 2.0) return {distance, distance, P(2) * difference * d1, P(2) * (d1 * d1 + difference * turn)};
  if (beta == 1.0) {
    const P side = sign(difference);
    return {distance, P(1), side * d1, side * turn};
  }
  if (beta == 0.0) return {P(1), P(1), P(0), P(0)};
  const auto met = difference == P(0);
  const P half = power_of_unit(distance, 0.5 * beta);
  const P relative = d1 / difference;
  const P first = P(beta) * (half * half) * relative;
  const P second = first * (P(beta - 1.0) * relative + (l.smaller - l.larger));
  const P sharp = select(d1 == P(0), P(0), P(beta > 1.0 && beta < 2.0 ? ieee<S>::infinity : S(0)));
  return {half, half, select(met, P(0), first), select(met, sharp, second)};
}

template <class P>
struct sides {
  P wrong, right;
};
template <class S, int W>
FASTLOSS_FN sides<pack<S, W>> sides_of(const logistic_terms<S, W>& l, pack<S, W> target) {
  const pack<S, W> rest = 1 - target;
  return {select(l.negative, target, rest), select(l.negative, rest, target)};
}

template <class P>
struct focal_of {
  P target;
  double gamma;

  FASTLOSS_FN auto operator()(P z) const {
    const logistic_terms l(z);
    const auto [wrong, right] = sides_of(l, target);
    return modulated(l, focal_modulation(l, wrong, right, gamma), l.cross_entropy(wrong), wrong * l.larger - right * l.smaller);
  }
};

template <class P>
struct quality_focal_of {
  P target;
  double beta;

  FASTLOSS_FN auto operator()(P z) const {
    const logistic_terms l(z);
    const P wrong = sides_of(l, target).wrong;
    const P difference = wrong - l.smaller;
    return modulated(l, distance_modulation(l, difference, beta), l.cross_entropy(wrong), difference);
  }
};

// t > 0: w BCE(z, t), with w = t or 1; else alpha p^gamma BCE(z, 0), the focal loss of a negative.
template <class P>
struct varifocal_of {
  P target;
  bool iou_weighted;
  double alpha, gamma;

  FASTLOSS_FN auto operator()(P z) const {
    const logistic_terms l(z);
    const auto [wrong, right] = sides_of(l, target);
    const P loss = l.cross_entropy(wrong);
    const P d1 = wrong * l.larger - right * l.smaller;
    const auto negative = modulated(l, focal_modulation(l, wrong, right, gamma), loss, d1);
    const auto positive = target > P(0);
    const P weight = select(iou_weighted, target, P(1));
    return value_and_derivatives<P, P, P>{select(positive, weight * loss, mul0(P(alpha), negative.value)),
                                          select(positive, weight * l.signed_as_logit(d1), alpha * negative.d1),
                                          select(positive, weight * l.variance(), alpha * negative.d2)};
  }
};

// In the derivatives in t of the first two, terms in |z| stand that may overflow although their sum, or its product with
// a power, does not. They are formed with a |z| that leaves room for it, and its scale is given back in two halves.
template <class S, int W>
struct scaled_size {
  using P = pack<S, W>;
  P size, half_scale;

  FASTLOSS_FN explicit scaled_size(const logistic_terms<S, W>& l) : size(l.size), half_scale(1) {
    const auto huge = l.size > P(is_float<S> ? 1e30 : 1e290);
    size = select(l.infinite(), P(1), select(huge, l.size * P(0x1p-64), l.size));
    half_scale = select(huge, P(0x1p32), P(1));
  }
  // first second sum, where the sum is made of the scaled size. A power that is only rounded to 0 does not make an infinite
  // derivative finite.
  FASTLOSS_FN P product(const logistic_terms<S, W>& l, P wrong, double exponent, P first, P second, P sum) const {
    const auto unbounded = l.infinite() & ((wrong > P(0)) | (P(exponent) == P(0)));
    return select(unbounded, mul0(sum, l.size), mul0(first * half_scale, mul0(second, sum) * half_scale));
  }
};

// d/dt of alpha_t (1 - p_t)^gamma BCE(z, t)
template <class S, int W>
FASTLOSS_FN pack<S, W> focal_in_target(pack<S, W> z, pack<S, W> target, pack<S, W> alpha, double alpha_d1, double gamma) {
  using P = pack<S, W>;
  const logistic_terms l(z);
  const scaled_size s(l);
  const auto [wrong, right] = sides_of(l, target);
  const auto agrees = wrong == P(0);
  const P m = (wrong + right * l.decay) * l.larger;
  const P loss = mul0(wrong, s.size) + l.log_term();
  const P loss_by_m = select(agrees, l.quotient * (l.decay + 1), loss / m);
  const P falls = s.size + P(gamma) * (tanh(P(0.5) * l.size) * loss_by_m);
  const P sum = P(alpha_d1) * loss - l.signed_as_logit(mul0(alpha, falls));
  P first = m, second(1);
  if (gamma == 0.0) first = P(1);
  else if (gamma == 2.0) second = m;
  else if (gamma != 1.0) first = second = power_of_decay(m, 0.5 * gamma, agrees, l.size);
  return s.product(l, wrong, gamma, first, second, sum);
}

// d/dt of |p - t|^beta BCE(z, t)
template <class S, int W>
FASTLOSS_FN pack<S, W> quality_focal_in_target(pack<S, W> z, pack<S, W> target, double beta) {
  using P = pack<S, W>;
  const logistic_terms l(z);
  const scaled_size s(l);
  const P wrong = sides_of(l, target).wrong;
  const auto agrees = wrong == P(0);
  const P difference = wrong - l.smaller;
  const P distance = abs(difference);
  const P loss = mul0(wrong, s.size) + l.log_term();
  const P loss_by_distance = select(agrees, -(l.quotient * (l.decay + 1)), select(distance == P(0), P(0), loss / difference));
  const P sum = -l.signed_as_logit(s.size + P(beta) * loss_by_distance);
  P first = distance, second(1);
  if (beta == 0.0) first = P(1);
  else if (beta == 2.0) second = distance;
  else if (beta != 1.0) first = second = power_of_decay(distance, 0.5 * beta, agrees, l.size);
  return s.product(l, wrong, beta, first, second, sum);
}

}  // namespace detail

// alpha_t (1 - p_t)^gamma BCE(z, t), with alpha_t = alpha t + (1 - alpha) (1 - t), or 1 for a negative alpha.
template <class Z, class T>
FASTLOSS_FN auto focal_cross_entropy(Z z, T target, double alpha, double gamma) {
  using P = detail::common_pack<Z, T>;
  const bool balanced = alpha >= 0.0;
  const P t = detail::as_pack<P>(detail::innermost(target));
  const P factor = select(balanced, P(alpha) * t + P(1.0 - alpha) * (1 - t), P(1));
  if constexpr (is_dual<T>) {
    const P d1 = detail::focal_in_target(z, t, factor, balanced ? 2.0 * alpha - 1.0 : 0.0, gamma);
    return detail::make_dual(focal_cross_entropy(z, target.value, alpha, gamma), d1 * target.tangent);
  } else {
    return mul0(factor, detail::derivatives_of(detail::focal_of<P>{t, gamma}, z).value);
  }
}

// |p - t|^beta BCE(z, t)
template <class Z, class T>
FASTLOSS_FN auto distance_focal_cross_entropy(Z z, T target, double beta) {
  using P = detail::common_pack<Z, T>;
  if constexpr (is_dual<T>)
    return detail::make_dual(distance_focal_cross_entropy(z, target.value, beta),
                             detail::quality_focal_in_target(z, target.value, beta) * target.tangent);
  else return detail::derivatives_of(detail::quality_focal_of<P>{detail::as_pack<P>(target), beta}, z).value;
}

// t > 0: w BCE(z, t), with w = t or 1; else alpha p^gamma BCE(z, 0)
template <class Z, class P>
FASTLOSS_FN auto varifocal_cross_entropy(Z z, P target, double alpha, double gamma, bool iou_weighted) {
  return detail::derivatives_of(detail::varifocal_of<P>{target, iou_weighted, alpha, gamma}, z).value;
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

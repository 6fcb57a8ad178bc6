// What losses make of u, the logarithm of a softmax probability: u <= 0, and -inf where the class is impossible. All of it is
// written with 1 - p = -expm1(u), which has all its digits where p is close to 1.
#pragma once

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/logistic_terms.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/validity.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// (1 - p)^gamma (-u). With v = -u and r = v / (e^v - 1), which is 1 at v = 0, the derivative in v is (1 - p)^gamma (1 + gamma r): there
// is no power gamma - 1, which would be infinite at p = 1.
template <class P>
struct softmax_focal_of {
  double gamma;

  FASTLOSS_FN auto operator()(P u) const {
    using S = typename P::scalar;
    const P v = max(-u, P(0));
    if (gamma == 0.0) return value_and_derivatives<P, P, P>{v, P(-1), P(0)};
    const P p = exp_nonpositive(-v);
    const P rest = -expm1(-v);
    const auto certain = rest == P(0);
    const P r = select(certain, P(1), mul0(p, v) / rest);
    // The derivative of r in v; near 0 by its series.
    const P r_d1 = select(v < P(is_float<S> ? 0x1p-6 : 0x1p-17), fma(v, P(1.0 / 6), P(-0.5)), mul0(r / v, 1 - v - r));
    P power, below;  // (1 - p)^gamma, (1 - p)^(gamma - 1)
    if (gamma == 2.0) {
      power = rest * rest;
      below = rest;
    } else if (gamma == 1.0) {
      power = rest;
      below = P(1);
    } else if (gamma > 1.0) {
      below = power_of_unit(rest, gamma - 1.0);
      power = below * rest;
    } else {
      power = power_of_unit(rest, gamma);
      below = select(certain, P(0), power / rest);  // infinite at p = 1, but nothing without a factor (1 - p)^2 comes of it
    }
    const P steepness = fma(P(gamma), r, P(1));
    return value_and_derivatives<P, P, P>{power * v, -(power * steepness), P(gamma) * (below * (p * steepness) + power * r_d1)};
  }
};

// e^u - 1 - u for u from -1 to 0, by a minimax polynomial.
template <class S, int W>
FASTLOSS_FN pack<S, W> near_expm1_excess(pack<S, W> u) {
  using P = pack<S, W>;
  P q;
  if constexpr (is_float<S>) q = polynomial(u, 0.5, 0.16666664, 0.041666288, 0.0083310418, 0.0013822236, 0.00018830725, 1.692178e-05);
  else
    q = polynomial(u, 0.5, 0.16666666666666666, 0.04166666666666666, 0.008333333333333177, 0.0013888888888867962, 0.00019841269839592342,
                   2.4801587214391833e-05, 2.755731614384584e-06, 2.755724326766962e-07, 2.505078535231909e-08, 2.0860514756300563e-09,
                   1.5921030170697878e-10, 1.0691634826589672e-11, 4.955087593835959e-13);
  return (u * u) * q;
}

// e^u - 1 - u for u <= 0
template <class S, int W>
FASTLOSS_FN pack<S, W> expm1_excess(pack<S, W> u) {
  return select(u > pack<S, W>(-1), near_expm1_excess(u), expm1(u) - u);
}

// -u + epsilon (1 - p), as a sum of terms of one sign: for a negative epsilon (1 + epsilon) (-u) - epsilon (e^u - 1 - u).
template <class P>
struct poly_of {
  double epsilon;

  FASTLOSS_FN auto operator()(P u) const {
    const double held = static_cast<double>(static_cast<typename P::scalar>(epsilon));
    const P factor(held), rest(1.0 + held), e = exp(u);
    const P d2 = -(factor * e);
    if (held > 0.0) return value_and_derivatives<P, P, P>{-u - factor * expm1(u), P(-1) + d2, d2};
    return value_and_derivatives<P, P, P>{mul0(rest, -u) - mul0(factor, expm1_excess(u)), -rest - factor * expm1(u), d2};
  }
};

// (1 - p^q) / q for q > 0
template <class P>
struct box_cox_of {
  double q;

  FASTLOSS_FN auto operator()(P u) const {
    const P exponent = P(q) * u;
    const auto linear = abs(exponent) < P(is_float<typename P::scalar> ? 0x1p-26 : 0x1p-55);
    const P power = exp(exponent);
    return value_and_derivatives<P, P, P>{select(linear, -u, expm1(exponent) / -q), -power, -(P(q) * power)};
  }
};

}  // namespace detail

// (1 - p)^gamma (-u)
template <class U>
FASTLOSS_FN auto softmax_focal_term(U u, double gamma) {
  using P = typename detail::pack_of<U>::type;
  return detail::derivatives_of(detail::softmax_focal_of<P>{gamma}, u).value;
}

// -u + epsilon (1 - p)
template <class U>
FASTLOSS_FN auto poly_term(U u, double epsilon) {
  using P = typename detail::pack_of<U>::type;
  return detail::derivatives_of(detail::poly_of<P>{epsilon}, u).value;
}

// (1 - p^q) / q, from -u at q = 0 to 1 - p at q = 1.
template <class U>
FASTLOSS_FN auto box_cox_term(U u, double q) {
  using P = typename detail::pack_of<U>::type;
  return choose(q < 1e-30, [&] { return -u; }, [&] { return detail::derivatives_of(detail::box_cox_of<P>{q}, u).value; });
}

// The logarithm of an option > 0, as a pack like that behind U.
template <class U>
FASTLOSS_FN auto logarithm_of(double x) {
  using P = typename detail::pack_of<U>::type;
  return log(P(detail::held_by<typename P::scalar>(x)));
}

// max(u, log lower): below, the gradient is 0.
template <class U>
FASTLOSS_FN auto clamp_min_straight_through(U u, double lower) {
  const auto least = logarithm_of<U>(lower);
  return select(u < least, least, u);
}

// The logarithm of an amount that is at least 0. An amount of 0 counts as the smallest normal number: its class still has a
// gradient, by its part in the sum of the amounts.
template <class X>
FASTLOSS_FN auto log_of_amount(X x) {
  using P = typename detail::pack_of<X>::type;
  return nan_unless(detail::innermost(x) >= 0, log(clamp_min(x, P(detail::ieee<typename P::scalar>::smallest_normal))));
}

// tau log(x) for x >= 0. The derivative in x at 0, where the class is impossible, is 0.
template <class X>
FASTLOSS_FN auto log_shift(X x, double tau) {
  if constexpr (is_dual<X>) {
    return detail::make_dual(log_shift(x.value, tau), select(x.value == 0, zero_t{}, tau / x.value) * x.tangent);
  } else {
    return select(tau != 0.0, tau * log(x), zero_t{});
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

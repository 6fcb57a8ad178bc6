// The continuous ranked probability score of a distribution with a location and a scale, in closed form: s E(r / s).
//
// E is even and smooth, and E(z) tends to |z| - c. Each distribution gives the score as r times something that tends to
// the sign of r, plus s times something that is bounded: neither overflows where s is tiny, and s = 0 is the absolute error.
// What is bounded is written from its value at z = 0, by way of expm1, so that no digits cancel there.
#pragma once

#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// E(z), its derivative E'(z), E(z) - z E'(z), which is the derivative of s E(r / s) in s, E''(z), and what that tends to
// the square of where it vanishes.
struct gaussian_crps {
  template <class P>
  FASTLOSS_FN P score(P r, P s, P z) const {
    return r * d1(z) + s * in_scale(z);
  }
  template <class P>
  FASTLOSS_FN P d1(P z) const {
    return erf(z * 0.70710678118654752440);
  }
  template <class P>
  FASTLOSS_FN P in_scale(P z) const {
    // sqrt(2 / pi) exp(-z^2 / 2) - 1 / sqrt(pi)
    return P(0.79788456080286535588) * expm1((P(-0.5) * z) * z) + 0.23369497725510906913;
  }
  template <class P>
  FASTLOSS_FN P d2(P z) const {
    return P(0.79788456080286535588) * exp_minus_square(z * 0.70710678118654752440);
  }
  template <class P>
  FASTLOSS_FN P root_of_d2(P z) const {
    return P(0.89324374097502642) * exp_minus_square(P(0.5) * z);
  }
};

struct laplace_crps {
  template <class P>
  FASTLOSS_FN P score(P r, P s, P z) const {
    return abs(r) + s * (expm1(negative_abs(z)) + 0.25);
  }
  template <class P>
  FASTLOSS_FN P d1(P z) const {
    return copysign(expm1(negative_abs(z)), z);
  }
  template <class P>
  FASTLOSS_FN P in_scale(P z) const {
    return mul0(exp_nonpositive(negative_abs(z)), abs(z) + 1) - 0.75;
  }
  template <class P>
  FASTLOSS_FN P d2(P z) const {
    return exp_nonpositive(negative_abs(z));
  }
  template <class P>
  FASTLOSS_FN P root_of_d2(P z) const {
    return exp_nonpositive(P(0.5) * negative_abs(z));
  }
};

struct logistic_crps {
  template <class P>
  FASTLOSS_FN P score(P r, P s, P z) const {
    return abs(r) + s * bounded(z);
  }
  template <class P>
  FASTLOSS_FN P d1(P z) const {
    return tanh(P(0.5) * z);
  }
  template <class P>
  FASTLOSS_FN P in_scale(P z) const {
    return bounded(z) + 2 * mul0(sigmoid(negative_abs(z)), abs(z));
  }
  template <class P>
  FASTLOSS_FN P d2(P z) const {
    return P(0.5) * sech_squared(P(0.5) * z);
  }
  template <class P>
  FASTLOSS_FN P root_of_d2(P z) const {
    return P(1.4142135623730950488) * exp_nonpositive(P(0.5) * negative_abs(z));
  }

 private:
  // 2 log(1 + e^-|z|) - 1, with 1 + e^-|z| as 2 (1 + expm1(-|z|) / 2).
  template <class P>
  static FASTLOSS_FN P bounded(P z) {
    return P(2) * log1p(P(0.5) * expm1(negative_abs(z))) + 0.38629436111989061883;
  }
};

// z = r / s, and 0 where r is 0 whatever s is.
template <class S, int W>
FASTLOSS_FN pack<S, W> standardized(pack<S, W> r, pack<S, W> s) {
  return select(r == pack<S, W>(0), r, r / s);
}

// E''(z) / s, and 0 where E''(z) is, whatever s is: a small s may make a number of what vanishes without it.
template <class F, class S, int W>
FASTLOSS_FN pack<S, W> crps_d2(F f, pack<S, W> r, pack<S, W> s) {
  using P = pack<S, W>;
  const P z = standardized(r, s);
  const P d2 = f.d2(z);
  const P quotient = select(d2 == 0, P(0), d2 / s);
  const auto vanishes = d2 < P(ieee<S>::smallest_normal);
  if (!any(vanishes)) return quotient;
  const P root = f.root_of_d2(z);
  return select(vanishes, select(root == 0, P(0), (root / s) * root), quotient);
}

template <class F, class R, class S>
FASTLOSS_FN auto crps_d1(F f, R r, S s) {
  if constexpr (is_dual<R>) {
    return make_dual(crps_d1(f, r.value, s), crps_d2(f, r.value, s) * r.tangent);
  } else {
    return f.d1(standardized(r, s));
  }
}

}  // namespace detail

// s E(r / s) for one of the distributions above; two derivatives in r, one in s.
template <class F, class R, class S>
FASTLOSS_FN auto scaled_crps(F f, R r, S s) {
  if constexpr (is_dual<R>) {
    return detail::make_dual(scaled_crps(f, r.value, s), detail::crps_d1(f, r.value, s) * r.tangent);
  } else if constexpr (is_dual<S>) {
    return detail::make_dual(scaled_crps(f, r, s.value), f.in_scale(detail::standardized(r, s.value)) * s.tangent);
  } else {
    return f.score(r, s, detail::standardized(r, s));
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// What the losses of a logit z and a target in [0, 1] share: one exponential, one division, one polynomial.
//
// Everything is written for the distance |z|, with `wrong` the part of the target that the sign of z contradicts: then sums
// of positive terms stand where p, 1 - p, t and 1 - t would be subtracted from one another.
#pragma once

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/pow.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

template <class S, int W>
struct logistic_terms {
  using P = pack<S, W>;

  mask<S, W> negative;
  P size;             // |z|
  P decay;            // e^-|z|
  P quotient;         // log(1 + decay) / decay
  P larger, smaller;  // sigmoid of |z| and of -|z|

  FASTLOSS_FN explicit logistic_terms(pack<S, W> z)
      : negative(z < P(0)),
        size(abs(z)),
        decay(exp_nonpositive(negative_abs(z))),
        quotient(log1p_quotient(decay)),
        larger(P(1) / (decay + 1)),
        smaller(decay * larger) {}

  FASTLOSS_FN P log_term() const { return decay * quotient; }  // softplus(-|z|)
  FASTLOSS_FN P variance() const { return larger * smaller; }  // the derivative of the sigmoid
  FASTLOSS_FN P probability() const { return select(negative, smaller, larger); }
  FASTLOSS_FN P complement() const { return select(negative, larger, smaller); }
  FASTLOSS_FN auto infinite() const { return size == P(ieee<S>::infinity); }
  // The binary cross-entropy with a target whose part `wrong` lies on the other side of 0.
  FASTLOSS_FN P cross_entropy(P wrong) const { return mul0(wrong, size) + log_term(); }
  // A derivative in z from the one in |z|.
  FASTLOSS_FN P signed_as_logit(P d1) const { return select(negative, -d1, d1); }
};

// A function of z that multiplies a loss: the product of two equal or similar factors, because it may itself be too small
// for the dtype where the product with a large loss is not; and its derivatives in |z|.
template <class P>
struct modulation {
  P first, second;
  P d1, d2;
};

// m loss, with derivatives in z. An infinite loss is not made finite by a weight that is only rounded to 0.
template <class S, int W>
FASTLOSS_FN auto modulated(const logistic_terms<S, W>& l, const modulation<pack<S, W>>& m, pack<S, W> loss, pack<S, W> loss_d1) {
  using P = pack<S, W>;
  const P weight = m.first * m.second;
  const P value = select(l.infinite(), loss, m.first * (m.second * loss));
  const P d1 = weight * loss_d1 + mul0(m.d1, loss);
  const P d2 = weight * l.variance() + P(2) * (m.d1 * loss_d1) + mul0(m.d2, loss);
  return value_and_derivatives<P, P, P>{value, l.signed_as_logit(d1), d2};
}

// x^y for x in [0, 1] and a y that is the same for every element.
template <class S, int W>
FASTLOSS_FN pack<S, W> power_of_unit(pack<S, W> x, double y) {
  using P = pack<S, W>;
  P r;
  if constexpr (is_float<S>) r = in_double(power_of_float{}, x, P(y));
  else r = called(power_of_double{}, x, P(y));
  return select(x == P(0), P(0), r);
}

// x^y where x is e^-size / (1 + e^-size) in the lanes of `decays`: those keep the digits that x lost on its way to 0.
template <class S, int W>
FASTLOSS_FN pack<S, W> power_of_decay(pack<S, W> x, double y, mask<S, W> decays, pack<S, W> size) {
  using P = pack<S, W>;
  const P r = power_of_unit(x, y);
  if (y >= 1.0) return r;
  return select(decays & (size > P(is_float<S> ? 80 : 700)), exp_nonpositive(size * -y), r);
}

}  // namespace detail
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

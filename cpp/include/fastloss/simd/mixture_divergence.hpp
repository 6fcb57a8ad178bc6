// The Jensen-Shannon divergence: of two numbers from their weighted mean, without cancellation where they are nearly equal.
#pragma once

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/divergences.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// Of a ratio r = part / mean, log(r) and its excess r log(r) - (r - 1).
template <class P>
struct ratio_terms {
  P ratio, log, excess;
};

// (atanh(s) / s - 1) / s^2 of z = s^2 from 0 to 1/9.
template <class S, int W>
FASTLOSS_FN pack<S, W> atanh_polynomial(pack<S, W> z) {
  if constexpr (is_float<S>) return polynomial(z, 0.33333334, 0.19999853, 0.14296183, 0.1085323, 0.11612461);
  else
    return polynomial(z, 0.3333333333333333, 0.1999999999999976, 0.14285714285800133, 0.11111111099108056, 0.0909090994963398,
                      0.07692271958876583, 0.06667589830757856, 0.05867132589688297, 0.05422645516389906, 0.03745819730336633,
                      0.07815767353715612);
}

// `rise` is r - 1, which has digits that the ratio has not where it is near 1. A part of 0 has no logarithm here.
//
// With f = rise for ratios between 1/2 and 2, else the mantissa less 1, and s = f / (f + 2): log(1 + f) = 2 atanh(s), and the
// excess of 1 + f is s f (1 + s (1 + s) q) for atanh(s) = s (1 + s^2 q).
template <class S, int W>
FASTLOSS_FN ratio_terms<pack<S, W>> terms_of_ratio(pack<S, W> part, pack<S, W> mean, pack<S, W> rise) {
  using P = pack<S, W>;
  const auto far = part < mean * 0x1p-30;  // the quotient might be subnormal, or vanish
  const P quotient = select(far, part * 0x1p64, part) / mean;
  const auto near = (rise > P(-0.5)) & (rise < P(1));
  const auto parts = split_exponent(max(quotient, P(ieee<S>::smallest_normal)));
  const P k = select(near, P(0), small_integer(parts.exponent) - select(far, P(64), P(0)));
  const P f = select(near, rise, parts.mantissa - 1);
  const P s = f / (f + 2);
  const P z = s * s;
  const P q = atanh_polynomial(z);
  constexpr double ln2_upper = is_float<S> ? 0.693359375 : 6.93147180369123816490e-01;
  constexpr double ln2_lower = is_float<S> ? -2.12194440054690581e-4 : 1.90821492927058770002e-10;
  const P tail = fma(k, P(ln2_lower), -(s * fma(P(-2) * z, q, f)));
  const P log = fma(k, P(ln2_upper), f + tail);
  const P ratio = quotient * select(far, P(0x1p-64), P(1));
  return {ratio, log, select(near, (s * f) * fma(s * (s + 1), q, P(1)), ratio * log - rise)};
}

// beta as the dtype holds it, and what it leaves.
template <class P>
struct mixture_weights {
  P of_s, of_t;

  FASTLOSS_FN explicit mixture_weights(double beta) {
    const double held = held_by<typename P::scalar>(beta);
    of_t = P(held);
    of_s = P(held < 1.0 ? 1.0 - held : 1.0 - beta);
  }
};

// beta t log(t / m) + (1 - beta) s log(s / m) for m = (1 - beta) s + beta t, as a sum of two excesses, neither of which is
// negative; and what its derivatives need. `difference` is s - t.
template <class P>
struct mixture_terms {
  P mean;
  ratio_terms<P> of_s, of_t;
  P value;

  FASTLOSS_FN mixture_terms(P s, P t, P difference, mixture_weights<P> w)
      : mean(select(abs(difference) < P(0.5) * t, fma(w.of_s, difference, t), fma(w.of_s, s, w.of_t * t))),
        of_s(terms_of_ratio(s, mean, w.of_t * (difference / mean))),
        of_t(terms_of_ratio(t, mean, -(w.of_s * (difference / mean)))),
        value(mean * (w.of_s * of_s.excess + w.of_t * of_t.excess)) {}
};

// e^x without a subnormal result: where x is low it is 2^64 times that.
template <class S>
inline constexpr double low_exponent = is_float<S> ? -60 : -600;
template <class P>
FASTLOSS_FN P lifted_exp(P x, decltype(P() < P()) low) {
  return exp(x + select(low, P(64 * 0.693147180559945309417), P(0)));
}

template <class P>
struct mixture_derivatives {
  P value, d1, d2;  // in the logarithm of s
  P d1_in_target;
};

// s = e^x. The derivative in t at t = 0, where it has no finite limit, is 0.
template <class S, int W>
FASTLOSS_FN mixture_derivatives<pack<S, W>> divergence_from_probability(pack<S, W> x, pack<S, W> t, double beta) {
  using P = pack<S, W>;
  constexpr S infinity = ieee<S>::infinity;
  const mixture_weights<P> w(beta);
  const auto low = (x < P(low_exponent<S>)) & (t < P(0x1p60));
  const P unit = select(low, P(0x1p-64), P(1));
  const P s = lifted_exp(x, low);
  const P lifted_t = t * select(low, P(0x1p64), P(1));
  const mixture_terms<P> terms(s, lifted_t, s - lifted_t, w);
  const auto nothing = terms.mean == P(0);
  const auto s_infinite = s == P(infinity);
  const auto t_infinite = t == P(infinity);
  const auto valid = (t >= P(0)) & !(s_infinite & t_infinite);
  const P log_s = select(s_infinite, -log(w.of_s), select(t_infinite, P(-infinity), terms.of_s.log));
  const P log_t = select(t_infinite, -log(w.of_t), select(s_infinite, P(-infinity), terms.of_t.log));
  const P ratio_t = select(s_infinite, P(0), select(t_infinite, P(1) / w.of_t, terms.of_t.ratio));
  const P value = select(s_infinite | t_infinite, P(infinity), terms.value * unit);
  const P d1 = mul0(s, w.of_s * log_s) * unit;
  const P d2 = mul0(s, w.of_s * (log_s + w.of_t * ratio_t)) * unit;
  return {nan_unless(valid, select(nothing, P(0), value)), nan_unless(valid, select(nothing, P(0), d1)),
          nan_unless(valid, select(nothing, P(0), d2)), nan_unless(valid, select(nothing | (t == P(0)), P(0), w.of_t * log_t))};
}

// s = e^x and t = e^y, in units of the greater of the two. The last derivative is that in y.
template <class S, int W>
FASTLOSS_FN mixture_derivatives<pack<S, W>> divergence_of_logarithms(pack<S, W> x, pack<S, W> y, double beta) {
  using P = pack<S, W>;
  const mixture_weights<P> w(beta);
  const auto none = (x == P(-ieee<S>::infinity)) & (y == P(-ieee<S>::infinity));
  const P lead = select(none, P(0), x - y);
  const P behind = negative_abs(lead);
  const auto less = lead < P(0);
  const P lesser = exp_nonpositive(behind);
  const P gap = -expm1(behind);
  const mixture_terms<P> terms(select(less, lesser, P(1)), select(less, P(1), lesser), select(less, -gap, gap), w);
  // Of two logarithms that are far apart, the lesser is the greater and the distance: its own number may have vanished.
  const auto far = behind < P(-20);
  const P log_s = select(far & less, terms.of_t.log + lead, terms.of_s.log);
  const P log_t = select(far & !less, terms.of_s.log - lead, terms.of_t.log);
  const P greater = select(less, y, x);
  const auto times_power = [](P factor, P z) {
    const auto low = z < P(low_exponent<S>);
    return mul0(lifted_exp(z, low), factor) * select(low, P(0x1p-64), P(1));
  };
  return {times_power(terms.value, greater), times_power(w.of_s * log_s, x), times_power(w.of_s * (log_s + w.of_t * terms.of_t.ratio), x),
          times_power(w.of_t * log_t, y)};
}

template <class P>
struct divergence_from_probability_of {
  P target;
  double beta;

  FASTLOSS_FN auto operator()(P x) const {
    const auto d = divergence_from_probability(x, target, beta);
    return value_and_derivatives<P, P, P>{d.value, d.d1, d.d2};
  }
};

template <class P>
struct divergence_of_logarithms_of {
  P target;
  double beta;

  FASTLOSS_FN auto operator()(P x) const {
    const auto d = divergence_of_logarithms(x, target, beta);
    return value_and_derivatives<P, P, P>{d.value, d.d1, d.d2};
  }
};

}  // namespace detail

// beta t log(t / m) + (1 - beta) e^x (x - log m) with m = (1 - beta) e^x + beta t, for t >= 0.
template <class X, class T>
FASTLOSS_FN auto mixture_divergence_of_probability(X x, T t, double beta) {
  if constexpr (is_dual<T>) {
    const auto d = detail::divergence_from_probability(x, t.value, beta);
    return detail::make_dual(d.value, d.d1_in_target * t.tangent);
  } else {
    return detail::derivatives_of(detail::divergence_from_probability_of<T>{t, beta}, x).value;
  }
}

// The same of the logarithm of t.
template <class X, class T>
FASTLOSS_FN auto mixture_divergence_of_logarithms(X x, T t, double beta) {
  if constexpr (is_dual<T>) {
    const auto d = detail::divergence_of_logarithms(x, t.value, beta);
    return detail::make_dual(d.value, d.d1_in_target * t.tangent);
  } else {
    return detail::derivatives_of(detail::divergence_of_logarithms_of<T>{t, beta}, x).value;
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

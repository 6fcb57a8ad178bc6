// The negative log-likelihood of Student's t distribution without log(2 pi) / 2, over the whole range of its degrees of
// freedom: at infinity it is the Gaussian one.
//
// With z = r / s, w = z^2 and q = w / nu it is log s + (nu + 1) / 2 log(1 + q) + rest(nu), where rest(nu), the logarithm of
// sqrt(nu / 2) Gamma(nu / 2) / Gamma((nu + 1) / 2), falls to 0 as 1 / (4 nu). Differences of gamma functions, and the
// derivative in nu term by term, would lose that in rounding errors.
#pragma once

#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// rest(nu) = rest(nu + 4) + log1p(steps(nu)) / 2: every term is positive, so nothing cancels.
template <class S, int W>
FASTLOSS_FN pack<S, W> student_t_steps(pack<S, W> nu) {
  using P = pack<S, W>;
  const P middle = nu + 2;
  return (P(2) + P(1) / (middle * middle)) / (nu * (nu + 4));
}

template <class S, int W>
FASTLOSS_FN pack<S, W> student_t_rest(pack<S, W> nu) {
  using P = pack<S, W>;
  constexpr bool f = is_float<S>;
  // Near 0 the steps are in proportion to 1 / nu, which can overflow where its logarithm does not.
  constexpr double lift = f ? 0x1p64 : 0x1p512, log_lift = f ? 44.361419555836499802 : 354.89135644669199842;
  const auto tiny = nu < P(f ? 0x1p-100 : 0x1p-900);
  P steps = student_t_steps(select(tiny, nu * lift, nu));
  P top = nu + 4;
  if constexpr (!f) {
    const P more = student_t_steps(top);
    steps = steps + more + steps * more;
    top = top + 4;
  }
  const P inverse = P(1) / top;
  const P u = P(4) * inverse * inverse;
  P p;
  if constexpr (f) p = polynomial(u, 1.0, -0.041666597, 0.012495006, -0.009349256, 0.0115343025, -0.014758868, 0.01092671);
  else
    p = polynomial(u, 1.0, -0.04166666666665612, 0.012499999992931162, -0.009486605286971272, 0.013454609111241286, -0.03065269381012507,
                   0.10151936450637172, -0.43715338057297515, 2.025578631473818, -7.646148687303194, 15.489671080706142);
  return fma(P(0.25) * inverse, p, P(0.5) * (log1p(steps) + select(tiny, P(log_lift), P(0))));
}

// Minus the derivative of rest(nu).
template <class S, int W>
FASTLOSS_FN pack<S, W> student_t_rest_d1(pack<S, W> nu) {
  using P = pack<S, W>;
  constexpr bool f = is_float<S>;
  constexpr int steps = f ? 2 : 4;
  const P inverse = P(1) / (nu + 2 * steps);
  const P u = P(4) * inverse * inverse;
  P p;
  if constexpr (f) p = polynomial(u, 1.0, -0.124999836, 0.062484585, -0.06583811, 0.11023208, -0.21156704, 0.31927487, -0.24187733);
  else
    p = polynomial(u, 1.0, -0.12499999999997324, 0.06249999997855047, -0.06640624323915348, 0.12109264045808764, -0.3372935211095939,
                   1.3263441868660708, -6.793354972186326, 39.72243346288691, -217.3829477633653, 872.5213111396133, -1771.7100988297323);
  P sum = P(0.25) * inverse * inverse * p;
  for (int i = 2 * steps - 2; i >= 0; i -= 2) sum = sum + P(1) / ((nu + i) * ((nu + (i + 1)) * (nu + (i + 2))));
  return sum;
}

// log(1 + q) - q / (1 + q) for q <= 1, without its cancellation at 0: a series of positive terms in v = q / (2 + q).
template <class S, int W>
FASTLOSS_FN pack<S, W> log1p_above_tangent(pack<S, W> q) {
  using P = pack<S, W>;
  const P v = q / (q + 2);
  const P square = v * v;
  P p;
  if constexpr (is_float<S>) p = polynomial(square, 0.33333334, 0.20000005, 0.14285149, 0.111324765, 0.08731108, 0.10398288);
  else
    p = polynomial(square, 0.3333333333333333, 0.20000000000000007, 0.14285714285710924, 0.11111111111672786, 0.09090909042514188,
                   0.07692310147413847, 0.06666587937684089, 0.05884007909324292, 0.052401021399606694, 0.049716661701829104,
                   0.03164577811317818, 0.07619686376882154);
  return P(2) * square * fma(v, p, P(1) / (v + 1));
}

template <class P>
struct student_t_terms {
  P z, w, q, inverse_q, log1p_q;
};

template <class S, int W>
FASTLOSS_FN student_t_terms<pack<S, W>> student_t_parts(pack<S, W> r, pack<S, W> s, pack<S, W> nu) {
  using P = pack<S, W>;
  const P infinity(ieee<S>::infinity);
  const P z = r / s;
  // 0 where z is, and in the Gaussian limit; infinite without degrees of freedom. NaN stays NaN.
  const P root = select((z == P(0)) | ((nu == infinity) & (z == z)), P(0), z / sqrt(nu));
  const P q = select((nu == P(0)) & (abs(r) > P(0)), infinity, root * root);
  P logarithm = log1p(q);
  const auto overflows = q == infinity;
  if (any(overflows)) logarithm = select(overflows, P(2) * (log(abs(r)) - log(s)) - log(nu), logarithm);
  return {z, z * z, q, P(1) / q, logarithm};
}

// The derivative in r: (nu + 1) r / (nu s^2 + r^2).
template <class S, int W>
FASTLOSS_FN pack<S, W> student_t_in_residual(pack<S, W> r, pack<S, W> s, pack<S, W> nu) {
  using P = pack<S, W>;
  const auto t = student_t_parts(r, s, nu);
  const P z_by_nu = select(nu == P(ieee<S>::infinity), P(0), t.z / nu);
  P near = ((t.z + z_by_nu) / s) / (t.q + 1);
  // A quotient that vanishes may be divided by a small scale, or by few degrees of freedom.
  const auto vanishes = (abs(t.z) < P(ieee<S>::smallest_normal)) & (abs(r) > P(0)) & (abs(r) < P(8));
  if (any(vanishes)) {
    constexpr double lift = is_float<S> ? 0x1p64 : 0x1p512;
    const P z = (r * lift) / s;
    near = select(vanishes, (((z + z / nu) / s) * (1 / lift)) / (t.q + 1), near);
  }
  const P d1 = select(t.q > P(1), ((nu + 1) / r) / (t.inverse_q + 1), near);
  return select(r == P(0), r, d1);
}

// The second derivative in r: (nu + 1) (nu s^2 - r^2) / (nu s^2 + r^2)^2.
template <class S, int W>
FASTLOSS_FN pack<S, W> student_t_d2(pack<S, W> r, pack<S, W> s, pack<S, W> nu) {
  using P = pack<S, W>;
  const auto t = student_t_parts(r, s, nu);
  const P inverse_s = P(1) / s;
  const P inverse = P(1) / (s * sqrt(nu));
  const auto far = t.q > P(1);
  const P smaller = select(far, t.inverse_q, t.q);
  const P within = (P(1) - smaller) / ((smaller + 1) * (smaller + 1));
  return select(far, ((-(nu + 1) / r) * within) / r, mul0(within, fma(inverse, inverse, inverse_s * inverse_s)));
}

// The derivative in s: (1 - w) / (1 + q) / s.
template <class S, int W>
FASTLOSS_FN pack<S, W> student_t_in_scale(pack<S, W> r, pack<S, W> s, pack<S, W> nu) {
  using P = pack<S, W>;
  const auto t = student_t_parts(r, s, nu);
  const auto large = t.w > P(1);
  const auto far = (t.q > P(1)) & (t.w > P(0));
  const P near_form = select(large, (P(1) / t.w - 1) * (t.z * (t.z / s)), (P(1) - t.w) / s);
  const P nu_over_ws = select(s > P(1), (nu / t.w) / s, (nu / s) / t.w);  // the order that stays in range
  const P far_form = select(large, (P(1) / t.w - 1) * (nu / s), (P(1) - t.w) * nu_over_ws);
  return select(far, far_form, near_form) / (select(far, t.inverse_q, t.q) + 1);
}

// The derivative in nu: (log(1 + q) - q / (1 + q) - q / (1 + q) / nu) / 2 plus that of rest(nu).
template <class S, int W>
FASTLOSS_FN pack<S, W> student_t_in_df(pack<S, W> r, pack<S, W> s, pack<S, W> nu) {
  using P = pack<S, W>;
  const auto t = student_t_parts(r, s, nu);
  const auto far = t.q > P(1);
  const P quotient = select(far, P(1) / (t.inverse_q + 1), t.q / (t.q + 1));
  const P beyond_quotient = select(far, t.log1p_q - quotient, log1p_above_tangent(t.q));
  const P d1 = P(0.5) * (beyond_quotient - quotient / nu) - student_t_rest_d1(nu);
  return select(nu == P(0), P(-ieee<S>::infinity), d1);
}

template <class T, class D, class S, class N>
FASTLOSS_FN auto student_t_in_residual(dual<T, D> r, S s, N nu) {
  return make_dual(student_t_in_residual(r.value, s, nu), student_t_d2(r.value, s, nu) * r.tangent);
}

template <class R, class S, class N>
FASTLOSS_FN auto student_t_nll(R r, S s, N nu) {
  if constexpr (is_dual<R>) {
    return make_dual(student_t_nll(r.value, s, nu), student_t_in_residual(r.value, s, nu) * r.tangent);
  } else if constexpr (is_dual<S>) {
    return make_dual(student_t_nll(r, s.value, nu), student_t_in_scale(r, s.value, nu) * s.tangent);
  } else if constexpr (is_dual<N>) {
    return make_dual(student_t_nll(r, s, nu.value), student_t_in_df(r, s, nu.value) * nu.tangent);
  } else {
    const auto t = student_t_parts(r, s, nu);
    // (nu + 1) / 2 log(1 + q), also where q is lost beside 1, as it is with many degrees of freedom.
    constexpr double negligible = is_float<typename R::scalar> ? 0x1p-26 : 0x1p-55;
    const R tail = select(t.q > R(negligible), (R(0.5) * (nu + 1)) * t.log1p_q, R(0.5) * (t.w + t.q));
    return log(s) + (student_t_rest(nu) + tail);
  }
}

}  // namespace detail
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

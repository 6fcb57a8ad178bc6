// The negative log-likelihood of a negative binomial distribution by its mean m and its dispersion a: the variance is
// m + a m^2, and a = 0 is the Poisson distribution. Computed in double, floats included: logarithms of gamma functions of
// 1 / a and of the count cancel.
//
// With r = 1 / a and z = log(a m) the definition is r softplus(z) + t softplus(-z) - log(Gamma(r + t) / Gamma(r)). As a goes
// to 0 each term goes to infinity; close to the Poisson distribution Stirling's formula takes the infinite parts out.
#pragma once

#include "fastloss/simd/log_factorial.hpp"
#include "fastloss/simd/quotients.hpp"
#include "fastloss/simd/scaled_exp.hpp"
#include "fastloss/simd/validity.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// What the formulas share. The input is log m or m.
template <bool Log, class P>
struct negative_binomial_point {
  P mean, log_mean, t, a;
  P y;         // a m
  P at;        // a t
  P r;         // 1 / a, at most the largest number
  P less, d1;  // the smaller one of m and 1 / m; the derivative in log m

  FASTLOSS_FN negative_binomial_point(P input, P target, P dispersion) : t(target), a(dispersion) {
    if constexpr (Log) {
      mean = exp(input);
      log_mean = input;
      y = scaled_exp(a, input);
      less = exp_nonpositive(negative_abs(input));
    } else {
      mean = input + 0.0;  // of two zeros the positive one
      log_mean = log(input);
      y = mul0(a, input);
      less = select(input > 1, 1 / input, mean);
    }
    at = a * t;
    r = min(1 / a, P(std::numeric_limits<double>::max()));
    const auto large = log_mean > 0;
    // t - m itself loses less than 1 - t / m, where it is known.
    const P above = Log ? 1 - t * less : relative_excess(mean, t);
    d1 = select(large, above, less - t) / scale(large);
  }

  // 1 + a m, divided by m where m is above 1.
  template <class M>
  FASTLOSS_FN P scale(M large) const {
    return select(large, less + a, 1 + a * less);
  }
  FASTLOSS_FN P d2() const {
    const P divisor = scale(log_mean > 0);
    return select(divisor == 0, P(ieee<double>::infinity), mul0(less / divisor, (1 + at) / divisor));
  }

  // log(1 + a t), also where a t overflows.
  FASTLOSS_FN P log_scale() const {
    const auto overflows = at == P(ieee<double>::infinity);
    const P logarithm = log1p(at);
    return any(overflows) ? select(overflows, log(a) + log(t), logarithm) : logarithm;
  }
  FASTLOSS_FN P z() const { return log_mean + log(a); }
  FASTLOSS_FN auto has_series() const { return a < 1 / gamma_asymptotic; }
  FASTLOSS_FN auto near_poisson() const { return has_series() & (y < 1) & (at < 1); }
  // (1 + a m) / (1 + a t) - 1
  FASTLOSS_FN P excess() const { return (y - at) / (1 + at); }
  FASTLOSS_FN P series_base() const { return max(P(gamma_asymptotic), r); }
};

// (w - log(1 + w)) / w^2 for 1 + w in [sqrt(1/2), sqrt(2)): by the steps of log_reduced, without the difference.
template <class P>
FASTLOSS_FN P reduced_log1p_remainder(P w) {
  const P inverse = P(1) / (w + 2);
  const P s = w * inverse;
  const P z = s * s;
  const P tail = polynomial(z, 0.6666666666666687, 0.3999999999966184, 0.2857142869570508, 0.2222220280119603, 0.18183365605838203,
                            0.1531872598956251, 0.14752405424730938);
  return P(0.5) - s * (P(0.5) + tail * (inverse * inverse));
}

template <bool Log, class Constant>
struct negative_binomial_value {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> input, pack<double, W> t, pack<double, W> a) const {
    using P = pack<double, W>;
    const negative_binomial_point<Log, P> at(input, t, a);
    const auto shift = Constant::shift(t);
    const auto rest = Constant::rest(t);
    const auto near = at.near_poisson();

    const P v = at.excess();
    const P growth = select(v == 0, P(1), log1p(v) / v);
    const P series = -stirling_rest_difference(at.series_base(), t);
    const P likely = (at.mean * growth - mul0(t, (at.log_mean - (1 - growth)) - shift)) + ((0.5 * log1p(at.at) + series) + rest);
    const P close = select(at.mean == P(ieee<double>::infinity), at.mean, likely);
    if (!any(!near)) return close;

    const auto s = softplus2(at.z());
    const P ratio = lgamma_growth_function{}(at.r, t);
    // A ratio for each event: products with t overflow where their sum does not.
    const P mass = at.r * s.positive;
    const P far = mass + mul0(t, (s.negative + shift) - ratio / t) + rest;
    return select(near, close, select(is_infinite(mass), mass, far));
  }
};

template <bool Log>
struct negative_binomial_d1 {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> input, pack<double, W> t, pack<double, W> a) const {
    using P = pack<double, W>;
    if constexpr (Log) return negative_binomial_point<true, P>(input, t, a).d1;
    else return relative_excess(input + 0.0, t) / (1 + mul0(a, input));
  }
};

template <bool Log>
struct negative_binomial_d2 {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> input, pack<double, W> t, pack<double, W> a) const {
    using P = pack<double, W>;
    if constexpr (Log) {
      return negative_binomial_point<true, P>(input, t, a).d2();
    } else {
      const P q = quotient0(t, input + 0.0);
      const P scale = 1 + mul0(a, input);
      return quotient0(q / scale, input + 0.0) / scale + mul0(a / scale, (q + q - 1) / scale);
    }
  }
};

template <bool Log>
struct negative_binomial_d1_in_target {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> input, pack<double, W> t, pack<double, W> a) const {
    using P = pack<double, W>;
    const negative_binomial_point<Log, P> at(input, t, a);
    const auto near = at.near_poisson();
    // log(r + t) - digamma(r + t)
    const P series = 0.5 * a / (1 + at.at) + digamma_rest(at.series_base() + t);
    const P close = (log1p(at.excess()) - at.log_mean) + series;
    if (!any(!near)) return close;
    return select(near, close, softplus2(at.z()).negative - digamma_function{}(at.r + t));
  }
};

template <bool Log>
struct negative_binomial_d1_in_dispersion {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> input, pack<double, W> t, pack<double, W> a) const {
    using P = pack<double, W>;
    const negative_binomial_point<Log, P> at(input, t, a);
    const P s = 1 + at.at;

    // (log(1 + w) - w) / a^2 for (1 + a t) / (1 + a m) = 1 + w
    const P q = -at.d1;
    const P w = mul0(a, q);
    const auto small = (w > -0.29) & (w < 0.41);
    const P logarithm = select(at.y > 1, at.log_scale() - softplus2(at.z()).positive, log1p(w));
    const P of_mean = select(small, -(q * reduced_log1p_remainder(select(small, w, P(0)))) * q,
                             select(is_infinite(q), logarithm / a, logarithm / a - q) / a);

    // (digamma(r + t) - digamma(r) - log(1 + a t)) / a^2
    const P close = t / s * (0.5 + a * digamma_rest_d1(a, 1 / s));
    if (!any(!at.has_series())) return of_mean + close;
    const P far = (digamma_ratio_function{}(at.r, t) - at.log_scale()) * at.r * at.r;
    return of_mean + select(at.has_series(), close, far);
  }
};

template <bool Log, class P>
FASTLOSS_FN P negative_binomial_derivative(P x, P t, P a) {
  return gamma_family(negative_binomial_d1<Log>{}, x, t, a);
}
template <bool Log, class X, class D, class P>
FASTLOSS_FN auto negative_binomial_derivative(dual<X, D> x, P t, P a) {
  static_assert(is_pack<X>, "there is no third derivative here");
  return make_dual(negative_binomial_derivative<Log>(x.value, t, a), gamma_family(negative_binomial_d2<Log>{}, x.value, t, a) * x.tangent);
}

}  // namespace detail

// The input is the logarithm of the mean, or the mean itself: NaN where that is negative.
template <bool Log, class Constant, class X, class T, class A>
FASTLOSS_FN auto negative_binomial(X x, T t, A a) {
  const auto checked = [&](auto result) __attribute__((always_inline)) {
    if constexpr (Log) return result;
    else return nan_unless(detail::innermost(x) >= 0, result);
  };
  if constexpr (is_dual<T>) {
    const auto d1 = detail::gamma_family(detail::negative_binomial_d1_in_target<Log>{}, x, t.value, a) + Constant::d1(t.value);
    return detail::make_dual(negative_binomial<Log, Constant>(x, t.value, a), checked(d1) * t.tangent);
  } else if constexpr (is_dual<A>) {
    const auto d1 = detail::gamma_family(detail::negative_binomial_d1_in_dispersion<Log>{}, x, t, a.value);
    return detail::make_dual(negative_binomial<Log, Constant>(x, t, a.value), checked(d1) * a.tangent);
  } else if constexpr (is_dual<X>) {
    const auto d1 = detail::negative_binomial_derivative<Log>(x.value, t, a);
    return detail::make_dual(negative_binomial<Log, Constant>(x.value, t, a), checked(d1) * x.tangent);
  } else {
    return checked(detail::gamma_family(detail::negative_binomial_value<Log, Constant>{}, x, t, a));
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

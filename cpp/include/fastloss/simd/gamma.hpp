// The gamma family of packs: lgamma, digamma, trigamma, and lgamma_ratio for differences that would cancel.
//
// All of them are computed in double, floats included: losses of counts subtract large values of lgamma from each other,
// and the recurrences lose a few digits.
#pragma once

#include "fastloss/simd/double_half.hpp"
#include "fastloss/simd/log.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// From here on the asymptotic series are exact to double precision.
inline constexpr double gamma_asymptotic = 8;
inline constexpr int gamma_steps = 8;

// sin(pi u) for |u| <= 1/2.
template <class P>
FASTLOSS_FN P sine_of_half_turn(P u) {
  return u * polynomial(u * u, 3.141592653589793, -5.167712780049907, 2.5501640398720533, -0.5992645291509153, 0.08214588393101692,
                        -0.007370407948447585, 0.0004661931339795225, -2.1640795557981908e-05, 5.069951851290252e-07);
}

// sin(pi a) and cos(pi a) for a >= 0, exactly 0 where they are.
template <class P>
struct circle_point {
  P sine, cosine;
};
template <int W>
FASTLOSS_FN circle_point<pack<double, W>> on_circle(pack<double, W> a) {
  using P = pack<double, W>;
  const auto integer = a >= P(0x1p52);
  const P shifted = a + 0x1p52;
  const P u = select(integer, P(0), a - (shifted - 0x1p52));  // in [-1/2, 1/2]
  const auto odd = (shifted.bits() & 1) == integer_pack<double, W>(1);
  const P sine = sine_of_half_turn(u);
  const P cosine = sine_of_half_turn(P(0.5) - abs(u));
  return {select(odd, -sine, sine), select(odd, -cosine, cosine)};
}

// stirling_rest(x + n) - stirling_rest(x), which keeps its digits where n is small.
template <class P>
FASTLOSS_FN P stirling_rest_difference(P x, P n) {
  const P low = P(1) / x;
  const P high = P(1) / (x + n);
  const P step = -(n * low) * high;  // high - low
  const auto p = polynomial_with_difference(high * high, low * low, 0.083333333333333333, -0.0027777777777777778, 0.00079365079365079365,
                                            -0.00059523809523809524, 0.00084175084175084175, -0.0019175269175269175, 0.0064102564102564103,
                                            -0.029550653594771242, 0.17964437236883057);
  return step * (p.value + low * (high + low) * p.divided_difference);
}

// log Gamma(x) - ((x - 1/2) log x - x + log(2 pi) / 2) for x >= 8.
template <class P>
FASTLOSS_FN P stirling_rest(P x) {
  const P inverse = P(1) / x;
  return inverse * polynomial(inverse * inverse, 0.083333333333333333, -0.0027777777777777778, 0.00079365079365079365,
                              -0.00059523809523809524, 0.00084175084175084175, -0.0019175269175269175, 0.0064102564102564103,
                              -0.029550653594771242, 0.17964437236883057);
}

// log(x) - 1/(2x) - digamma(x) for x >= 8.
template <class P>
FASTLOSS_FN P digamma_rest(P x) {
  const P square = P(1) / (x * x);
  return square * polynomial(square, 0.083333333333333333, -0.0083333333333333333, 0.0039682539682539683, -0.0041666666666666667,
                             0.0075757575757575758, -0.021092796092796093, 0.083333333333333333, -0.44325980392156863, 3.0539543302701197);
}

// digamma_rest(x) - digamma_rest(x + n) divided by n / x^2 / (x + n), which keeps its digits where n is small; of 1 / x and
// x / (x + n). A derivative needs two terms more.
template <class P>
FASTLOSS_FN P digamma_rest_d1(P inverse, P fraction) {
  const P low = inverse * fraction;
  const auto p =
      polynomial_with_difference(inverse * inverse, low * low, 0.0, 0.083333333333333333, -0.0083333333333333333, 0.0039682539682539683,
                                 -0.0041666666666666667, 0.0075757575757575758, -0.021092796092796093, 0.083333333333333333,
                                 -0.44325980392156863, 3.0539543302701197, -26.456212121212121, 281.46014492753623);
  return (1 + fraction) * p.divided_difference;
}

struct lgamma_function {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> x) const {
    using P = pack<double, W>;
    const P a = abs(x);
    const P r = positive(a);
    if (!any(x < P(0))) return r;
    // Gamma(-a) Gamma(a) = -pi / (a sin(pi a))
    const P reflected = log(P(3.141592653589793) / (a * abs(on_circle(a).sine))) - r;
    return select(x < P(0), select(a < P(0x1p52), reflected, P(ieee<double>::infinity)), r);
  }

 private:
  template <int W>
  static FASTLOSS_FN pack<double, W> positive(pack<double, W> x) {
    using P = pack<double, W>;
    const auto large = x >= P(gamma_asymptotic);
    // lgamma(2 + u) is u p(u) for u in [-3/4, 1/2], which keeps its zero; near its other zero lgamma(x) is
    // lgamma(1 + x) - log x. Everything else steps there: up by x (1 + x) below 1/2, down by a product above 5/2.
    P t = x;
    P factor(1);
    for (int i = 0; i < 6; ++i) {
      const auto steps = t > P(2.5);
      t = select(steps, t - 1, t);
      factor = select(steps, factor * t, factor);
    }
    const auto near_one = x < P(1.25);
    const auto near_zero = x < P(0.5);
    const P u = select(near_zero, x, select(near_one, x - 1, t - 2));
    factor = select(near_zero, x * (x + 1), select(near_one, x, factor));
    const P p =
        polynomial(u, 0.42278433509846713, 0.3224670334241131, -0.06735230105319519, 0.020580808427811327, -0.007385551028947834,
                   0.002890510329053745, -0.0011927539021148097, 0.000509669574912416, -0.0002231549176956317, 9.945668554260117e-05,
                   -4.4924913623854344e-05, 2.051530970317422e-05, -9.443922940433811e-06, 4.327150801899317e-06, -2.048521353063349e-06,
                   1.1179292006612976e-06, -3.2297164158794834e-07, -6.526479970201027e-08, -4.844006695358624e-07, 1.5322190064499452e-07,
                   3.7969479551964535e-07, 2.0253310223156581e-07);
    const P log_term = log(select(large, x, factor));
    const P small = fma(u, p, select(near_one, -log_term, log_term));
    const P asymptotic = (x - 0.5) * (log_term - 1) + (stirling_rest(max(P(gamma_asymptotic), x)) + 0.4189385332046727);
    return select(large, asymptotic, small);
  }
};

struct digamma_function {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> x) const {
    using P = pack<double, W>;
    const P a = abs(x);
    const P r = select(x == P(0), P(-1) / x, positive(a));
    if (!any(x < P(0))) return r;
    const auto point = on_circle(a);
    const P reflected = r + P(1) / a + P(3.141592653589793) * (point.cosine / point.sine);
    return select(x < P(0), select(point.sine == P(0), P(ieee<double>::nan), reflected), r);
  }

 private:
  template <int W>
  static FASTLOSS_FN pack<double, W> positive(pack<double, W> x) {
    using P = pack<double, W>;
    // digamma(t + 1) = digamma(t) + 1/t: steps into [1, 2], collecting the sum of the 1/t as one fraction.
    const auto below_one = x < P(1);
    P t = select(below_one, x + 1, x);
    P numerator = select(below_one, P(-1), P(0));
    P denominator = select(below_one, x, P(1));
    for (int i = 0; i < 6; ++i) {
      const auto steps = t > P(2);
      t = select(steps, t - 1, t);
      numerator = select(steps, fma(numerator, t, denominator), numerator);
      denominator = select(steps, denominator * t, denominator);
    }
    // digamma = (t - root) p(t - 3/2), with the root in two words.
    const P p =
        polynomial(t - 1.5, 0.9510558760318328, -0.4236274212814607, 0.240542484240829, -0.1484049230538523, 0.09498872444615555,
                   -0.0619221332779738, 0.040760834361717825, -0.026975796560767536, 0.017907234832538508, -0.011908222273044103,
                   0.007927273786630643, -0.005279908763210013, 0.0035151715133919935, -0.0023457294159327925, 0.0015853204979850539,
                   -0.0010352385273181353, 0.0005854814497058667, -0.0004898372055756634, 0.0006384388380997999, -0.00013787788488490432,
                   -0.000433440021215677, -0.0001835106205153153, 0.0005044660137348289);
    const P small = fma((t - 1.4616321449683622) - 9.549995429965697e-17, p, numerator / denominator);
    const P y = max(P(gamma_asymptotic), x);
    const P asymptotic = log(x) - P(0.5) / y - digamma_rest(y);
    return select(x < P(gamma_asymptotic), small, asymptotic);
  }
};

struct trigamma_function {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> x) const {
    using P = pack<double, W>;
    const P a = abs(x);
    const P r = positive(a);
    if (!any(x < P(0))) return r;
    const P d1 = P(3.141592653589793) / on_circle(a).sine;
    return select(x < P(0), (d1 * d1 - r) + P(1) / (a * a), r);
  }

 private:
  template <int W>
  static FASTLOSS_FN pack<double, W> positive(pack<double, W> x) {
    using P = pack<double, W>;
    const auto small = x < P(gamma_asymptotic);
    // The largest term last.
    P sum(0);
    for (int i = gamma_steps - 1; i >= 0; --i) {
      const P inverse = P(1) / (x + i);
      sum = fma(inverse, inverse, sum);
    }
    const P inverse = P(1) / select(small, x + gamma_steps, x);
    const P square = inverse * inverse;
    const P series = polynomial(square, 0.16666666666666667, -0.033333333333333333, 0.023809523809523810, -0.033333333333333333,
                                0.075757575757575758, -0.25311355311355311, 1.1666666666666667, -7.0921568627450980, 54.971177944862155);
    const P asymptotic = fma(inverse * square, series, fma(P(0.5), square, inverse));
    return select(small, sum + asymptotic, asymptotic);
  }
};

// lgamma(x + n) - lgamma(x) for x > 0, x + n > 0.
struct lgamma_ratio_function {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> x, pack<double, W> n) const {
    using P = pack<double, W>;
    const auto small = x < P(gamma_asymptotic);
    const P base = select(small, x + gamma_steps, x);
    const P top = base + n;
    // The difference of the two Stirling formulas, without their cancelling parts.
    const P asymptotic = n * log(top) + ((base - 0.5) * log1p(n / base) - n) + stirling_rest_difference(base, n);
    if (!any(small)) return asymptotic;
    // Gamma(x + n + 8) / Gamma(x + 8) is larger by the product of (x + n + i) / (x + i), i < 8; its excess over 1 keeps its digits
    // where n is small.
    P product(1);
    P excess(0);
    for (int i = 0; i < gamma_steps; ++i) {
      const P step = n / (x + i);
      product = product * ((x + n + i) / (x + i));
      excess = fma(excess, step, excess + step);
    }
    const P log_product = select(abs(excess) < P(0.5), log1p(excess), log(product));
    // Or the difference itself, if n is not lost in it: whichever has the smaller terms to cancel.
    const P upper = lgamma_function{}(x + n);
    const P lower = lgamma_function{}(x);
    const auto direct = (abs(n) > P(0.0625)) & (max(abs(upper), abs(lower)) <= max(abs(asymptotic), abs(log_product)));
    return select(small, select(direct, upper - lower, asymptotic - log_product), asymptotic);
  }
};

// The same for n >= 0 beside terms of the size of n log(x + n + 8), whose rounding covers that of this: half the time.
struct lgamma_growth_function {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> x, pack<double, W> n) const {
    using P = pack<double, W>;
    const P growth = of_ordinary_size(x, n);
    const auto extreme = (n > P(0x1p100)) | (x < P(0x1p-100));  // a quotient of that overflows
    return any(extreme) ? select(extreme, lgamma_ratio_function{}(x, n), growth) : growth;
  }

 private:
  template <int W>
  static FASTLOSS_FN pack<double, W> of_ordinary_size(pack<double, W> x, pack<double, W> n) {
    using P = pack<double, W>;
    const auto small = x < P(gamma_asymptotic);
    const P base = select(small, x + gamma_steps, x);
    const P asymptotic = n * log(base + n) + ((base - 0.5) * log1p(n / base) - n) + stirling_rest_difference(base, n);
    if (!any(small)) return asymptotic;
    // The product of the x + i, and by how much that of the x + n + i is larger.
    P product(1);
    P excess(0);
    for (int i = 0; i < gamma_steps; ++i) {
      excess = fma(excess, x + n + i, product * n);
      product = product * (x + i);
    }
    return select(small, asymptotic - log1p(excess / product), asymptotic);
  }
};

// digamma(x + n) - digamma(x) for x > 0, x + n > 0.
struct digamma_ratio_function {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> x, pack<double, W> n) const {
    using P = pack<double, W>;
    const auto small = x < P(gamma_asymptotic);
    const P base = select(small, x + gamma_steps, x);
    const P top = base + n;
    const P inverse = P(1) / base;
    const P fraction = base / top;
    const P step = n * inverse;
    const P asymptotic = log1p(step) + step * fraction * (P(0.5) * inverse + digamma_rest_d1(inverse, fraction) * inverse * inverse);
    P sum(0);
    for (int i = gamma_steps - 1; i >= 0; --i) sum = sum + n / (x + i) / (x + n + i);
    return select(small, sum + asymptotic, asymptotic);
  }
};

template <class F, class S, int W, class... X>
FASTLOSS_FN pack<S, W> gamma_family(F f, pack<S, W> x, X... more) {
  if constexpr (std::is_same_v<S, float>) return in_double(f, x, more...);
  else return called(f, x, more...);
}

}  // namespace detail

// log|Gamma(x)|. For negative x the error is relative to the larger of the result and log(pi / |x sin(pi x)|).
template <class S, int W>
FASTLOSS_FN pack<S, W> lgamma(pack<S, W> x) {
  return detail::gamma_family(detail::lgamma_function{}, x);
}

// The derivative of lgamma; NaN at negative integers.
template <class S, int W>
FASTLOSS_FN pack<S, W> digamma(pack<S, W> x) {
  return detail::gamma_family(detail::digamma_function{}, x);
}

// The derivative of digamma.
template <class S, int W>
FASTLOSS_FN pack<S, W> trigamma(pack<S, W> x) {
  return detail::gamma_family(detail::trigamma_function{}, x);
}

// log(Gamma(x + n) / Gamma(x)) for positive x, without the cancellation of lgamma(x + n) - lgamma(x).
template <class S, int W>
FASTLOSS_FN pack<S, W> lgamma_ratio(pack<S, W> x, pack<S, W> n) {
  return detail::gamma_family(detail::lgamma_ratio_function{}, x, n);
}

// digamma(x + n) - digamma(x) for positive x: the derivative of lgamma_ratio in x.
template <class S, int W>
FASTLOSS_FN pack<S, W> digamma_ratio(pack<S, W> x, pack<S, W> n) {
  return detail::gamma_family(detail::digamma_ratio_function{}, x, n);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Barron's general robust function of a residual, its shape alpha and its scale c:
//
//   A / alpha ((v / A + 1)^(alpha / 2) - 1)   with A = |alpha - 2| and v = (r / c)^2
//
// and its limits at alpha = 0, 2 and both infinities. It is computed in double, also for floats: with u = v / A and
// l = log(1 + u), the power is exp(alpha / 2 l), which must not lose what u and l have.
#pragma once

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

template <class P>
struct general_robust_values {
  P value, d1, d2, d_scale;
};

// exp(x + rest) as mantissa * 2^n, so that factors can join before the result leaves the range.
template <class P>
struct split_exp {
  P mantissa, minus_one, n;  // minus_one: the mantissa less 1, with all its digits

  FASTLOSS_FN split_exp(P x, P rest) : mantissa(0), minus_one(0), n(0) {
    auto e = reduce_exp(max(P(-6000), min(P(6000), x)));
    e.r = e.r + select(abs(x) < P(6000), rest, P(0));
    minus_one = expm1_reduced(e.r);
    mantissa = minus_one + 1;
    n = e.n;
  }

  // factor * exp, rounded to a subnormal number or to infinity only at the end.
  FASTLOSS_FN P times(P factor) const { return scaled(factor * mantissa, n); }

  FASTLOSS_FN P less_one() const {
    const P power = power_of_two(nearest_integer(max(P(-200), min(P(1000), n))));
    return select(n > P(100), times(P(1)), fma(power, minus_one, power - 1));
  }

  FASTLOSS_FN static P scaled(P x, P exponent) {
    // Four steps, each within the range of a power, for numbers of any size.
    const P limited = max(P(-4080), min(P(4080), exponent));
    const auto whole = nearest_integer(limited);
    const auto quarter = whole >> 2;
    const P step = power_of_two(quarter);
    return x * step * step * step * power_of_two(whole - quarter - quarter - quarter);
  }
};

template <int W>
FASTLOSS_FN split_exp<pack<double, W>> exp_of_product(pack<double, W> a, pack<double, W> b, pack<double, W> rest) {
  const auto product = exact_product(a, b);
  return {product.upper, product.lower + a * rest};
}

// What value and derivatives have in common. From |r / c| = 2^480 on v may overflow, and l comes from logarithms.
template <int W>
struct general_robust_frame {
  using P = pack<double, W>;
  static constexpr double far_out = 0x1p480;

  P r, alpha, scale, gap, q, v, u, l, rest;  // log(1 + u) in two words: l and rest
  mask<double, W> flat, infinite, far;

  FASTLOSS_FN general_robust_frame(P residual, P shape, P c)
      : r(residual),
        alpha(0),
        scale(c),
        gap(0),
        q(0),
        v(0),
        u(0),
        l(0),
        rest(0),
        flat(shape == P(2)),
        infinite(abs(residual) == P(ieee<double>::infinity)),
        far(shape == P(2)) {
    // From |alpha| = 2^80 on nothing differs from the limits.
    alpha = max(P(-0x1p80), min(P(0x1p80), shape));
    gap = select(flat, P(1), abs(alpha - 2));
    r = select(infinite, P(1), r);
    q = r / scale;
    v = q * q;
    u = v / gap;
    l = log1p(u);
    far = abs(q) > P(far_out);
    if (any(far)) {
      // log(|r| / c) from a quotient that stays within range, and the powers of 2^600 that it lacks, in two words.
      const auto large = abs(r) > P(1);
      const auto narrow_scale = scale < P(1);
      const P reduced = select(large, r * 0x1p-600, r) / select(narrow_scale, scale * 0x1p600, scale);
      const P powers = select(large, P(1), P(0)) + select(narrow_scale, P(1), P(0));
      const P upper = P(2) * (powers * 415.88830833596717);
      const P part = P(2) * log(abs(reduced)) - log(gap);
      const P logarithm = upper + part;
      const P back = logarithm - upper;
      rest = select(far, ((upper - (logarithm - back)) + (part - back)) + P(2) * (powers * 1.8355172981578424e-14), P(0));
      l = select(far, logarithm, l);
    }
  }
};

template <int W>
FASTLOSS_FN general_robust_values<pack<double, W>> general_robust_in_double(pack<double, W> r, pack<double, W> shape, pack<double, W> c) {
  using P = pack<double, W>;
  const general_robust_frame<W> f(r, shape, c);
  const P alpha = f.alpha;
  const P half = P(0.5) * alpha;
  // (1 + u)^(alpha / 2) or, from alpha = 1 on, (1 + u)^(alpha / 2 - 1): whichever exponent is the smaller one.
  const auto whole = (alpha < P(1)) | f.far;
  const P exponent = select(whole, half, P(0.5) * (alpha - 2));
  const auto e = exp_of_product(exponent, f.l, f.rest);
  const P product = exponent * f.l;
  const P more = f.u + 1;

  const P less_one = e.less_one();
  const P ratio = select(product == P(0), P(1), less_one / product);
  const P small = (P(0.5) * f.gap * f.l) * ratio;
  const P part_of_gap = f.gap / alpha;
  const P rest = f.v / alpha;
  const auto steep = product > P(40);
  const P below = select(steep, e.times(part_of_gap), small);
  const P above = select(steep, e.times(part_of_gap + rest), part_of_gap * less_one + e.times(rest));
  P value = select(whole, below, above);
  const auto tiny = (f.u < P(0x1p-60)) & (abs(half) * f.u < P(0x1p-60));
  value = select(tiny, P(0.5) * f.v, value);

  // dl/dq = q (1 + u)^(alpha / 2 - 1)
  const P power = select(whole, P(1) / more, P(1));
  // Powers of two of the scale join those of the exponential: no product leaves the range before the result does.
  const auto c_parts = split_exponent(select(f.scale < P(0x1p-1000), f.scale * 0x1p200, f.scale));
  const P c_exponent = small_integer(c_parts.exponent) - select(f.scale < P(0x1p-1000), P(200), P(0));
  const P c_rest = c_parts.mantissa;
  const P force = f.q * power * e.mantissa / c_rest;
  P d1 = split_exp<P>::scaled(force, e.n - c_exponent);
  const P unscaled_d2 = (power * (fma(alpha - 1, f.u, P(1)) / more)) * e.mantissa / (c_rest * c_rest);
  P d2 = split_exp<P>::scaled(unscaled_d2, e.n - c_exponent - c_exponent);
  const auto inner = abs(f.q) < P(1);
  const P lift = select(inner, P(0x1p500), P(1));
  P d_scale = split_exp<P>::scaled(-(f.q * lift) * (force * lift), e.n - c_exponent - select(inner, P(1000), P(0)));

  if (any(f.far)) {
    // There 1 + u is u, and the derivative A / r (v / A)^(alpha / 2): no square is needed.
    const P part = (f.gap * 0x1p60) / f.r;
    const P near_half = P(0.5) * e.n;
    const P first = (near_half + ieee<double>::rounder) - ieee<double>::rounder;
    const P partial = split_exp<P>::scaled(part * e.mantissa, first) / f.r;
    d1 = select(f.far, split_exp<P>::scaled(part * e.mantissa, e.n - 60), d1);
    d2 = select(f.far, split_exp<P>::scaled((alpha - 1) * partial, (e.n - first) - 60), d2);
    d_scale = select(f.far, split_exp<P>::scaled(-f.gap * e.mantissa / c_rest, e.n - c_exponent), d_scale);
  }

  value = select(f.flat, (P(0.5) * f.q) * f.q, value);
  d1 = select(f.flat, f.q / f.scale, d1);
  d2 = select(f.flat, P(1) / f.scale / f.scale, d2);
  d_scale = select(f.flat, -(f.q / f.scale) * f.q, d_scale);
  if (any(f.infinite)) {
    const P infinity(ieee<double>::infinity);
    value = select(f.infinite, select(shape < P(0), P(1) - P(2) / shape, infinity), value);
    d1 = select(f.infinite, copysign(select(shape < P(1), P(0), select(shape == P(1), P(1) / c, infinity)), r), d1);
    d2 = select(f.infinite, select(shape < P(2), P(0), select(f.flat, P(1) / c / c, infinity)), d2);
    d_scale = select(f.infinite, select(shape < P(0), P(0), select(shape == P(0), P(-2) / c, -infinity)), d_scale);
  }
  return {value, d1, d2, d_scale};
}

// The integrals of s^k e^(y s) over [0, 1] for k = 0, 1, and the sum over k >= 2 of (-l)^(k - 2) / k! times the k-th: by the
// recurrence that runs downwards, where it forgets how it began. For |y| < 2 and, the sum, l < 1.
template <class P>
struct exponential_moments {
  P zeroth, first, tail;

  FASTLOSS_FN exponential_moments(P y, P exp_y, P l) : zeroth(0), first(0), tail(0) {
    constexpr int top = 26;
    P moment = exp_y * (1.0 / (top + 1));
    double factorial = 1;
    for (int k = 2; k <= top; ++k) factorial *= k;
    for (int k = top; k >= 2; --k) {
      tail = fma(-l, tail, moment * (1 / factorial));
      factorial /= k;
      moment = fma(-y, moment, exp_y) * (1.0 / k);
    }
    first = moment;
    zeroth = fma(-y, first, exp_y);
  }
};

// (e^x - 1) / x
template <class P>
FASTLOSS_FN P exprel(P x) {
  return select(x == P(0), P(1), expm1(x) / x);
}

// (l - 1 + e^-l) / l^2
template <int W>
FASTLOSS_FN pack<double, W> second_difference_of_exp(pack<double, W> l) {
  using P = pack<double, W>;
  P series(0);
  double factorial = 1;
  for (int k = 2; k <= 20; ++k) factorial *= k;
  for (int k = 20; k >= 2; --k) {
    series = fma(-l, series, P(1 / factorial));
    factorial /= k;
  }
  return select(l < P(1), series, (l + expm1(-l)) / l / l);
}

// The derivative in alpha, A / 4 times the integral over x from 0 to l of e^(alpha x / 2) (x - 1 + e^-x): a positive function.
// Differentiating the formula itself would leave the third difference of nearly equal terms.
template <int W>
FASTLOSS_FN pack<double, W> general_robust_by_alpha(pack<double, W> r, pack<double, W> shape, pack<double, W> c) {
  using P = pack<double, W>;
  const general_robust_frame<W> f(r, shape, c);
  const P half = P(0.5) * f.alpha;
  const P y = half * f.l;
  const P w = P(0.5) * (f.alpha - 2) * f.l;
  const auto e = exp_of_product(half, f.l, f.rest);
  const auto central = abs(y) < P(2);
  const P bounded = select(central, y, P(1));
  const exponential_moments<P> moments(bounded, exp(bounded), min(P(1), f.l));
  const P mean_w = exprel(w);
  const P short_range = (((P(0.25) * f.gap * f.l) * f.l) * f.l) * moments.tail;
  const P long_range = (P(0.25) * f.gap * f.l) * (fma(f.l, moments.first, mean_w) - moments.zeroth);
  // A where it is small joins the power, which may overflow alone; where it is large, l, which may underflow.
  const auto small_gap = f.gap < P(1);
  const P factor = select(small_gap, f.gap, P(1));
  const P length = select(small_gap, f.l, f.gap * f.l);
  const P nonzero = select(central, P(1), y);
  const P inner = second_difference_of_exp(f.l) - exprel(-f.l) / nonzero;
  const P outer = ((P(0.25) * length) * f.l) * f.l / nonzero * (e.times(factor * inner) + factor * mean_w / nonzero);
  P result = select(central, select(f.l < P(1), short_range, long_range), outer);

  const P infinity(ieee<double>::infinity);
  result = select(f.flat, select(r == P(0), P(0), infinity), result);
  result = select(abs(shape) == infinity, P(0), result);
  result = select(f.infinite, select(shape < P(0), P(2) / shape / shape, infinity), result);
  return select((r == r) & (c > P(0)), result, P(ieee<double>::nan));
}

// alpha = 1, the default: sqrt(1 + v) - 1, in the precision of the operands.
template <class P>
FASTLOSS_FN general_robust_values<P> general_robust_root(P r, P c) {
  constexpr double far = is_float<typename P::scalar> ? 0x1p60 : 0x1p500;
  const P q = r / c;
  const P size = abs(q);
  const P v = q * q;
  const auto beyond = size > P(far);
  const P root = select(beyond, size, sqrt(v + 1));
  const P direction = select(beyond, copysign(P(1), q), q / root);
  const P inverse = select(beyond, c / abs(r), P(1) / root);
  return {select(beyond, size, v / (root + 1)), direction / c, (inverse / c) * (inverse / c) * inverse,
          -select(c < P(1), q * (direction / c), (q * direction) / c)};
}

template <class P>
FASTLOSS_FN general_robust_values<P> general_robust_of_any_shape(P r, P alpha, P c) {
  if constexpr (is_float<typename P::scalar>) {
    if constexpr (P::width == 1) {
      using D = pack<double, 1>;
      const auto d = general_robust_in_double(D(r.v), D(alpha.v), D(c.v));
      return {P(d.value.v), P(d.d1.v), P(d.d2.v), P(d.d_scale.v)};
    } else {
#if !defined(__CUDACC__)
      const auto a = general_robust_in_double(widen<0>(r), widen<0>(alpha), widen<0>(c));
      const auto b = general_robust_in_double(widen<1>(r), widen<1>(alpha), widen<1>(c));
      return {narrow(a.value, b.value), narrow(a.d1, b.d1), narrow(a.d2, b.d2), narrow(a.d_scale, b.d_scale)};
#endif
    }
  } else {
    return general_robust_in_double(r, alpha, c);
  }
}

// A lane of shape 1 gets the same formula whatever its neighbours are: a result does not depend on the element's position.
template <class P>
FASTLOSS_FN general_robust_values<P> general_robust_of_any_scale(P r, P alpha, P c) {
  const auto is_root = alpha == P(1);
  const auto root = general_robust_root(r, c);
  if (!any(!is_root)) return root;
  const auto other = general_robust_of_any_shape(r, alpha, c);
  return {select(is_root, root.value, other.value), select(is_root, root.d1, other.d1), select(is_root, root.d2, other.d2),
          select(is_root, root.d_scale, other.d_scale)};
}

// There is no loss of a scale that is not positive.
template <class P>
FASTLOSS_FN general_robust_values<P> general_robust(P r, P alpha, P c) {
  const auto all = general_robust_of_any_scale(r, alpha, c);
  const auto positive = c > P(0);
  const P nan(ieee<typename P::scalar>::nan);
  return {select(positive, all.value, nan), select(positive, all.d1, nan), select(positive, all.d2, nan),
          select(positive, all.d_scale, nan)};
}

struct general_robust_in_alpha {
  template <int W>
  FASTLOSS_FN pack<double, W> operator()(pack<double, W> r, pack<double, W> alpha, pack<double, W> c) const {
    return general_robust_by_alpha(r, alpha, c);
  }
};

template <class P>
struct general_robust_of {
  P alpha, scale;

  FASTLOSS_FN auto operator()(P r) const {
    const auto all = general_robust(r, alpha, scale);
    return value_and_derivatives<P, P, P>{all.value, all.d1, all.d2};
  }
};

}  // namespace detail

template <class R, class A, class C>
FASTLOSS_FN auto general_robust_function(R r, A alpha, C scale) {
  using P = detail::common_pack<R, detail::common_pack<A, C>>;
  if constexpr (is_dual<A>) {
    P d1(0);
    if constexpr (detail::is_float<typename P::scalar>) d1 = detail::in_double(detail::general_robust_in_alpha{}, r, alpha.value, scale);
    else d1 = detail::general_robust_in_alpha{}(r, alpha.value, scale);
    return detail::make_dual(detail::general_robust(r, alpha.value, scale).value, d1 * alpha.tangent);
  } else if constexpr (is_dual<C>) {
    const auto all = detail::general_robust(r, alpha, scale.value);
    return detail::make_dual(all.value, all.d_scale * scale.tangent);
  } else {
    return detail::derivatives_of(detail::general_robust_of<P>{alpha, scale}, r).value;
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

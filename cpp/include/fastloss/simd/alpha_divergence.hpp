// The alpha-divergence of two amounts and its derivatives. Everything follows from L = log(t / x) and from
// F(c) = (e^(c L) - 1) / c, which is L for c = 0: the gradients are -F(a) in x and F(a - 1) in t, and the value is
// (t F(a - 1) + x - t) / a, or (x F(a) + x - t) / (a - 1). Neither cancels near a = 1 or a = 0 respectively; near L = 0, where
// both do, a series takes over. The exponent c L is formed in two words, as its error is multiplied by as much as 1500 |c|.
#pragma once

#include <array>
#include <limits>

#include "fastloss/simd/pow.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/validity.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// m * 2^n where only the result must be in the range of the dtype.
template <int W>
FASTLOSS_FN pack<double, W> times_power_of_two(pack<double, W> m, pack<double, W> n) {
  using P = pack<double, W>;
  const P bounded = max(P(-2040), min(P(2040), n));
  const auto whole = nearest_integer(bounded);
  const auto half = whole >> 1;
  return m * power_of_two(half) * power_of_two(whole - half);
}

// The same for n <= 0; far below, what is left is no longer seen.
template <int W>
FASTLOSS_FN pack<double, W> lowered(pack<double, W> m, pack<double, W> n) {
  using P = pack<double, W>;
  return m * power_of_two(nearest_integer(max(P(-1000), n)));
}

// For the dtype S, in double. Of floats no product of these leaves the range of double, and no result needs a second word.
template <class S>
struct alpha_divergence_terms {
  static constexpr bool narrow = is_float<S>;
  static constexpr double infinity = std::numeric_limits<double>::infinity();
  double alpha;

  // c = upper + lower exactly. Where it is tiny, F(c) is L to all digits, and c L might be subnormal.
  struct factor {
    double upper, lower;
    FASTLOSS_FN bool tiny() const { return __builtin_fabs(upper) < 0x1p-70; }
  };
  FASTLOSS_FN factor in_x() const { return {alpha, 0.0}; }
  FASTLOSS_FN factor in_t() const {
    const double c = alpha - 1;
    return {c, __builtin_fabs(alpha) < 1 ? alpha - (c + 1) : -1 - (c - alpha)};
  }

  template <class P>
  struct split_amount {
    P mantissa, exponent;
  };
  template <class P>
  FASTLOSS_FN static split_amount<P> split(P x) {
    const auto subnormal = x < P(ieee<double>::smallest_normal);
    const auto parts = split_exponent(select(subnormal, x * 0x1p54, x));
    return {parts.mantissa, small_integer(parts.exponent) - select(subnormal, P(54), P(0))};
  }

  // log(t / x), with all digits near t = x too: what the quotient lost is added to the logarithm.
  template <class P>
  FASTLOSS_FN static two_words<P> log_of_ratio(P x, P t) {
    if constexpr (narrow) {
      const auto parts = split_exponent(t / x);
      return {log_reduced(small_integer(parts.exponent), parts.mantissa - 1), P(0)};
    } else {
      const auto above = split(t);
      const auto below = split(x);
      const P q = above.mantissa / below.mantissa;
      const auto back = exact_product(q, below.mantissa);
      const P rest = ((above.mantissa - back.upper) - back.lower) / above.mantissa;
      const auto parts = split_exponent(q);
      const auto log_q = log_two_words(parts.mantissa, small_integer(parts.exponent) + (above.exponent - below.exponent));
      return quick_sum(log_q.upper, log_q.lower + rest);
    }
  }

  // e^(c log) = 2^n (1 + p)
  template <class P>
  struct split_power {
    P n, p;
  };
  template <class P>
  FASTLOSS_FN static split_power<P> power(factor c, two_words<P> log) {
    if constexpr (narrow) {
      const auto e = reduce_exp(P(c.upper) * log.upper);
      return {max(P(-1000), min(P(700), e.n)), expm1_reduced(e.r)};
    } else {
      const auto product = exact_product(P(c.upper), log.upper);
      auto e = reduce_exp(product.upper);
      e.r = e.r + (product.lower + fma(P(c.upper), log.lower, P(c.lower) * log.upper));
      return {e.n, expm1_reduced(e.r)};
    }
  }

  // F(c), and its limits at x = 0, t = infinity and the other way round; where both are 0 that of t = 0 if it is finite (`nothing`).
  template <class P>
  FASTLOSS_FN static P quotient(factor c, P x, P t, double at_both_zero) {
    const auto log = log_of_ratio(x, t);
    const auto e = power(c, log);
    P inside = log.upper;
    if (!c.tiny()) {
      const P top = narrow ? P(0) : max(P(0), e.n);
      const P scale = lowered_power(e.n, top);
      const P difference = (scale * e.p + (scale - lowered(P(1), -top))) / P(c.upper);
      inside = narrow ? difference : times_power_of_two(difference, top);
    }
    const double low = c.upper > 0 ? -1 / c.upper : -infinity;
    const double high = c.upper < 0 ? -1 / c.upper : infinity;
    inside = select((t == P(0)) | (x == P(infinity)), P(low), inside);
    inside = select((x == P(0)) | (t == P(infinity)), P(high), inside);
    return valid(x, t, P(select((x == P(0)) & (t == P(0)), P(at_both_zero), inside)));
  }

  template <class P>
  FASTLOSS_FN static P lowered_power(P n, P top) {
    return narrow ? power_of_two(nearest_integer(n)) : lowered(P(1), n - top);
  }

  // Two infinite amounts cannot be compared.
  template <class P>
  FASTLOSS_FN static P valid(P x, P t, P result) {
    return nan_unless((x >= P(0)) & (t >= P(0)) & !((x == P(infinity)) & (t == P(infinity))), result);
  }

  // 1 / 2!, 1 / 3!, ...
  template <int N>
  static constexpr auto inverse_factorials() {
    std::array<double, N> r{};
    double factorial = 2;
    for (int k = 0; k < N; ++k) {
      r[k] = 1 / factorial;
      factorial *= k + 3;
    }
    return r;
  }

  // l = x L^2 (1/2! + (1 + a) L / 3! + (1 + a + a^2) L^2 / 4! + ...)
  template <class P>
  FASTLOSS_FN P series(P log) const {
    constexpr int terms = narrow ? 12 : 17;  // the first one left out is 2^-31 or 2^-55 of the sum for |L| (1 + |a|) <= 1
    constexpr auto inverse = inverse_factorials<terms>();
    double coefficients[terms];
    double sum = 1;
    for (int k = 0; k < terms; ++k) {
      coefficients[k] = sum * inverse[k];
      sum = 1 + alpha * sum;
    }
    P r(coefficients[terms - 1]);
    for (int k = terms - 2; k >= 0; --k) r = fma(r, log, P(coefficients[k]));
    return r;
  }

  template <class P>
  FASTLOSS_FN P value(P x, P t) const {
    const bool by_target = alpha >= 0.5;
    const factor c = by_target ? in_t() : in_x();
    const double weight = by_target ? 1 / alpha : 1 / (alpha - 1);
    const auto log = log_of_ratio(x, t);
    const auto e = power(c, log);
    // All in units of the largest term, so that nothing overflows or vanishes before the result does.
    P top(0), low_x = x, low_t = t, grown;
    if constexpr (narrow) {
      grown = (by_target ? t : x) * lowered_power(e.n, top);
    } else {
      const auto split_x = split(x);
      const auto split_t = split(t);
      const auto base = by_target ? split_t : split_x;
      top = max(max(split_x.exponent, split_t.exponent), base.exponent + e.n);
      low_x = lowered(split_x.mantissa, split_x.exponent - top);
      low_t = lowered(split_t.mantissa, split_t.exponent - top);
      grown = lowered(base.mantissa, base.exponent + e.n - top);
    }
    const P base = by_target ? low_t : low_x;
    const P term = c.tiny() ? base * log.upper : (grown * e.p + (grown - base)) / P(c.upper);
    const P far = P(weight) * (term + (low_x - low_t));
    const auto near = abs(log.upper) * P(1 + __builtin_fabs(alpha)) <= P(1);
    P l = select(near, ((low_x * log.upper) * log.upper) * series(log.upper), far);
    if constexpr (!narrow) l = times_power_of_two(l, top);
    l = select(t == P(0), alpha > 0 ? x / P(alpha) : P(infinity), l);
    l = select(x == P(0), alpha < 1 ? t / P(1 - alpha) : P(infinity), l);
    l = select((x == P(0)) & (t == P(0)), P(0), l);
    return valid(x, t, P(select((x == P(infinity)) | (t == P(infinity)), P(infinity), l)));
  }

  template <class P>
  FASTLOSS_FN P d1_in_x(P x, P t) const {
    return -quotient(in_x(), x, t, alpha > 0 ? -1 / alpha : 0.0);
  }

  template <class P>
  FASTLOSS_FN P d1_in_t(P x, P t) const {
    return quotient(in_t(), x, t, alpha < 1 ? 1 / (1 - alpha) : 0.0);
  }

  // (t / x)^a / x
  template <class P>
  FASTLOSS_FN P d2_in_x(P x, P t) const {
    const auto e = power(in_x(), log_of_ratio(x, t));
    P inside;
    if constexpr (narrow) {
      inside = (e.p + 1) * lowered_power(e.n, P(0)) / x;
    } else {
      const auto parts = split(x);
      inside = times_power_of_two((e.p + 1) / parts.mantissa, e.n - parts.exponent);
    }
    const P one_over = P(1) / x;
    // As x^(-1 - a) t^a: the power of t at its ends, and then that of x.
    const auto no_t = t == P(0);
    const auto no_x = x == P(0);
    const auto at_end = no_t | (t == P(infinity));
    const P of_t = alpha == 0 ? one_over : alpha > 0 ? select(no_t, P(0), P(infinity)) : select(no_t, P(infinity), P(0));
    inside = select(at_end, of_t, inside);
    const P of_x = alpha == -1 ? P(1) / t : alpha > -1 ? select(no_x, P(infinity), P(0)) : select(no_x, P(0), P(infinity));
    inside = select((no_x | (x == P(infinity))) & !at_end, of_x, inside);
    return valid(x, t, P(select(no_x & no_t, P(0), inside)));
  }
};

enum class alpha_divergence_part { value, d1_in_x, d1_in_t, d2_in_x };

template <alpha_divergence_part Part, class S>
struct alpha_divergence_at {
  alpha_divergence_terms<S> terms;

  template <class P>
  FASTLOSS_FN P operator()(P x, P t) const {
    if constexpr (Part == alpha_divergence_part::value) return terms.value(x, t);
    else if constexpr (Part == alpha_divergence_part::d1_in_x) return terms.d1_in_x(x, t);
    else if constexpr (Part == alpha_divergence_part::d1_in_t) return terms.d1_in_t(x, t);
    else return terms.d2_in_x(x, t);
  }
};

template <alpha_divergence_part Part, class S, int W>
FASTLOSS_FN pack<S, W> alpha_divergence_part_of(pack<S, W> x, pack<S, W> t, double alpha) {
  const alpha_divergence_at<Part, S> f{{static_cast<double>(static_cast<S>(alpha))}};
  if constexpr (is_float<S>) return in_double(f, x, t);
  else return f(x, t);
}

template <class X, class T>
FASTLOSS_FN auto alpha_divergence_d1(X x, T t, double alpha) {
  using part = alpha_divergence_part;
  if constexpr (is_dual<X>)
    return make_dual(alpha_divergence_d1(x.value, t, alpha), alpha_divergence_part_of<part::d2_in_x>(x.value, t, alpha) * x.tangent);
  else return alpha_divergence_part_of<part::d1_in_x>(x, t, alpha);
}

}  // namespace detail

// (t^a x^(1 - a) - a t - (1 - a) x) / (a (a - 1)) for numbers of at least 0, and its limits at a = 0 and a = 1.
template <class X, class T>
FASTLOSS_FN auto alpha_divergence_of(X x, T t, double alpha) {
  using part = detail::alpha_divergence_part;
  if constexpr (is_dual<T>) {
    const auto d1 = detail::alpha_divergence_part_of<part::d1_in_t>(x, t.value, alpha);
    return detail::make_dual(alpha_divergence_of(x, t.value, alpha), d1 * t.tangent);
  } else if constexpr (is_dual<X>) {
    return detail::make_dual(alpha_divergence_of(x.value, t, alpha), detail::alpha_divergence_d1(x.value, t, alpha) * x.tangent);
  } else {
    return detail::alpha_divergence_part_of<part::value>(x, t, alpha);
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

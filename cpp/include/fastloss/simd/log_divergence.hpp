// The Kullback-Leibler divergence between probabilities that are given by their logarithms.
#pragma once

#include "fastloss/simd/derivatives.hpp"
#include "fastloss/simd/scaled_exp.hpp"
#include "fastloss/simd/softmax_terms.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// e^u - e^v - e^v (u - v), which is not negative, and its derivatives in u. With m the larger of u and v and x = -|u - v| it is
// e^m times a function of x alone, so that nothing overflows however far apart u and v are; for x near 0 that function, of the
// order of x^2, comes from the polynomial of e^x - 1 - x.
template <class P>
struct log_divergence_of {
  P v;

  FASTLOSS_FN auto operator()(P u) const {
    const P most = max(u, v), x = -abs(u - v);
    const auto below = u<v, near = x> P(-1), nothing = most == P(-__builtin_inf());
    const P power = exp_nonpositive(x), excess = near_expm1_excess(x);
    const P rest = select(near, x + excess, power - 1);
    const P term = select(below, select(near, excess, rest - x), select(near, x * rest - excess, 1 - mul0(power, 1 - x)));
    const P d1 = scaled_exp(select(below, rest, -rest), most);
    return value_and_derivatives<P, P, P>{select(nothing, P(0), scaled_exp(term, most)), select(nothing, P(0), d1), exp(u)};
  }
};

// -e^v (u - v)
template <class P>
FASTLOSS_FN P log_divergence_d1(P u, P v) {
  const auto impossible = u == P(-__builtin_inf());
  const P d1 = select(impossible, P(__builtin_nan("")), scaled_exp(v - u, v));
  return select(v == P(-__builtin_inf()), P(0), d1);
}

}  // namespace detail

// e^u - e^v - e^v (u - v) for u, v <= 0: summed over probabilities p = e^v and q = e^u of all classes it is sum p log(p / q), but as a
// sum of terms none of which is negative. Where only u is -inf it is infinite; its derivative in v is NaN there, because a softmax
// makes inf - inf of it.
template <class U, class V>
FASTLOSS_FN auto log_divergence(U u, V v) {
  if constexpr (is_dual<V>) {
    return detail::make_dual(log_divergence(u, v.value), detail::log_divergence_d1(u, v.value) * v.tangent);
  } else {
    return detail::derivatives_of(detail::log_divergence_of<V>{v}, u).value;
  }
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

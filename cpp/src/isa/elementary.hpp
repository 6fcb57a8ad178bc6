// The table of elementary functions of the instruction set that this is compiled for.
#pragma once

#include "fastloss/engine/elementary.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/saturation.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

constexpr int max_elementary_arity = 2;

template <class F, class S>
void apply_elementary(const S* const* in, S* out, std::size_t n) {
  using P = native_pack<S>;
  std::size_t i = 0;
  const auto at = [&](const S* const* from, std::size_t offset) {
    if constexpr (F::arity == 1) return F::apply(P::load(from[0] + offset));
    else return F::apply(P::load(from[0] + offset), P::load(from[1] + offset));
  };
  for (; i + P::width <= n; i += P::width) at(in, i).store(out + i);
  if (i == n) return;
  S padded[max_elementary_arity][P::width] = {};
  const S* rest[max_elementary_arity] = {padded[0], padded[1]};
  for (int k = 0; k < F::arity; ++k)
    for (std::size_t j = i; j < n; ++j) padded[k][j - i] = in[k][j];
  S result[P::width];
  at(rest, 0).store(result);
  for (std::size_t j = i; j < n; ++j) out[j] = result[j - i];
}

#define FASTLOSS_UNARY(NAME, EXPRESSION) \
  struct NAME##_function {               \
    static constexpr int arity = 1;      \
    template <class P>                   \
    static FASTLOSS_FN P apply(P x) {    \
      return EXPRESSION;                 \
    }                                    \
  };
#define FASTLOSS_BINARY(NAME)              \
  struct NAME##_function {                 \
    static constexpr int arity = 2;        \
    template <class P>                     \
    static FASTLOSS_FN P apply(P x, P y) { \
      return NAME(x, y);                   \
    }                                      \
  };
FASTLOSS_UNARY(atan, atan(x))
FASTLOSS_UNARY(bessel_ratio, bessel_ratio(x))
FASTLOSS_UNARY(cos, cos(x))
FASTLOSS_UNARY(digamma, digamma(x))
FASTLOSS_UNARY(erf, erf(x))
FASTLOSS_UNARY(exp, exp(x))
FASTLOSS_UNARY(expm1, expm1(x))
FASTLOSS_UNARY(lgamma, lgamma(x))
FASTLOSS_UNARY(log, log(x))
FASTLOSS_UNARY(log1p, log1p(x))
FASTLOSS_UNARY(log_cosh, log_cosh(x))
FASTLOSS_UNARY(log_i0, log_i0(x))
FASTLOSS_UNARY(saturation, saturation(abs(x)))
FASTLOSS_UNARY(sigmoid, sigmoid(x))
FASTLOSS_UNARY(sin, sin(x))
FASTLOSS_UNARY(softplus, softplus2(x).positive)
FASTLOSS_UNARY(sqrt, sqrt(x))
FASTLOSS_UNARY(sqrt1pm1, sqrt1pm1(x))
FASTLOSS_UNARY(tanh, tanh(x))
FASTLOSS_UNARY(trigamma, trigamma(x))
FASTLOSS_BINARY(digamma_ratio)
FASTLOSS_BINARY(hypot)
FASTLOSS_BINARY(lgamma_ratio)
FASTLOSS_BINARY(pow)
FASTLOSS_BINARY(xlogy)
#undef FASTLOSS_UNARY
#undef FASTLOSS_BINARY

#define FASTLOSS_ENTRY(NAME) \
  {#NAME, NAME##_function::arity, apply_elementary<NAME##_function, float>, apply_elementary<NAME##_function, double>}
[[maybe_unused]] constexpr elementary_function elementary_functions[] = {
    FASTLOSS_ENTRY(bessel_ratio), FASTLOSS_ENTRY(cos),          FASTLOSS_ENTRY(sin),      FASTLOSS_ENTRY(log_i0),
    FASTLOSS_ENTRY(atan),         FASTLOSS_ENTRY(digamma),      FASTLOSS_ENTRY(erf),      FASTLOSS_ENTRY(exp),
    FASTLOSS_ENTRY(expm1),        FASTLOSS_ENTRY(lgamma),       FASTLOSS_ENTRY(log),      FASTLOSS_ENTRY(log1p),
    FASTLOSS_ENTRY(log_cosh),     FASTLOSS_ENTRY(sigmoid),      FASTLOSS_ENTRY(softplus), FASTLOSS_ENTRY(sqrt),
    FASTLOSS_ENTRY(sqrt1pm1),     FASTLOSS_ENTRY(tanh),         FASTLOSS_ENTRY(trigamma), FASTLOSS_ENTRY(digamma_ratio),
    FASTLOSS_ENTRY(hypot),        FASTLOSS_ENTRY(lgamma_ratio), FASTLOSS_ENTRY(pow),      FASTLOSS_ENTRY(xlogy),
    FASTLOSS_ENTRY(saturation),
};
#undef FASTLOSS_ENTRY

}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

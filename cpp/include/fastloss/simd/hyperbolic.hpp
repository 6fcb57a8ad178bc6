// tanh and log(cosh) of packs.
#pragma once

#include "fastloss/simd/softplus.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

namespace detail {

// tanh(a) for a in [0, 0.625) and z = a^2: a + a^3 p(a^2)
template <class S, int W>
FASTLOSS_FN pack<S, W> tanh_near_zero(pack<S, W> a, pack<S, W> z) {
  using P = pack<S, W>;
  P p;
  if constexpr (is_float<S>) p = polynomial(z, -3.3333308e-01, 1.3331972e-01, -5.3776126e-02, 2.0741299e-02, -5.8059655e-03);
  else
    p = polynomial(z, -0.3333333333333327, 0.13333333333305902, -0.053968253947929444, 0.021869487898463526, -0.008863224654552068,
                   0.003592015110674111, -0.0014550778236192617, 0.0005866686163599187, -0.00022921392758095072, 7.782423129300857e-05,
                   -1.6380658697704477e-05);
  return fma(z * p, a, a);
}

}  // namespace detail

template <class S, int W>
FASTLOSS_FN pack<S, W> tanh(pack<S, W> x) {
  using P = pack<S, W>;
  constexpr bool f = detail::is_float<S>;
  const P a = abs(x);
  const P small = detail::tanh_near_zero(a, x * x);
  // From 0.625: 1 - 2 / (e^2a + 1), which has lost nothing there and is 1 long before a = 20.
  const auto e = detail::reduce_exp(detail::min(P(f ? 20 : 40), a + a));
  const P power = (detail::expm1_reduced(e.r) + 1) * detail::power_of_two(e.biased.bits() - detail::ieee<S>::rounder_bits);
  const P large = P(1) - P(2) / (power + 1);
  return copysign(select(a < P(0.625), small, select(a > P(f ? 10 : 20), P(1), large)), x);
}

namespace detail {

// log(cosh(x)) and its derivatives, which share the exponential e^-2|x|.
template <class P>
struct log_cosh_values {
  P log_cosh, tanh, sech_squared;
};

// log(cosh(x)) = |x| + log(1 + e^-2|x|) - ln 2, which overflows nowhere but cancels near 0; so does tanh(x) as
// (1 - e^-2|x|) / (1 + e^-2|x|).
template <class S, int W>
FASTLOSS_FN log_cosh_values<pack<S, W>> log_cosh_and_derivatives(pack<S, W> x) {
  using P = pack<S, W>;
  constexpr bool f = is_float<S>;
  const P a = abs(x);
  const P z = x * x;
  P p;
  if constexpr (f) p = polynomial(z, 5.0e-01, -8.3333105e-02, 2.2217574e-02, -6.714094e-03, 2.0837374e-03, -5.6152727e-04, 8.824974e-05);
  else
    p = polynomial(z, 0.5, -0.08333333333333201, 0.0222222222220995, -0.006746031742033002, 0.0021869487876306193, -0.0007386023133272455,
                   0.0002565764439507221, -9.097156711375584e-05, 3.272306008764115e-05, -1.1829494598760942e-05, 4.194733149813955e-06,
                   -1.378895126464998e-06, 3.7903437187255045e-07, -7.374365745619769e-08, 7.290925721183498e-09);
  const P e = exp_nonpositive(-a - a);
  constexpr double ln2_upper = f ? 0.693359375 : 6.93147180369123816490e-01;
  constexpr double ln2_lower = f ? -2.12194440054690581e-4 : 1.90821492927058770002e-10;
  const P value = select(a < P(1), z * p, (a - ln2_upper) + (log1p_unit(e) - ln2_lower));
  const P inverse = P(1) / (e + 1);
  const auto near = a < P(0.625);
  const P d1 = select(near, tanh_near_zero(a, z), (P(1) - e) * inverse);
  const P d2 = select(near, fma(-d1, d1, P(1)), (P(4) * e) * (inverse * inverse));
  return {value, copysign(d1, x), d2};
}

}  // namespace detail

template <class S, int W>
FASTLOSS_FN pack<S, W> log_cosh(pack<S, W> x) {
  return detail::log_cosh_and_derivatives(x).log_cosh;
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// The modified Bessel function I0 and its ratio to I1, by their logarithm and their quotient: the functions themselves leave
// the range of a float at 90.
#pragma once

#include "fastloss/simd/log.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace detail {

// Below this I0 is a polynomial of positive terms in the square of the argument and I1 / I0 a quotient of such; from there
// on both have short series in its reciprocal.
template <class S>
inline constexpr double bessel_asymptotic = is_float<S> ? 8 : 16;

// log I0(k) for 0 <= k < bessel_asymptotic, and log I0(k) - k from there on.
template <class S, int W>
FASTLOSS_FN pack<S, W> log_i0_in_parts(pack<S, W> k) {
  using P = pack<S, W>;
  const auto large = k >= P(bessel_asymptotic<S>);
  const P y = k * k;
  const P v = P(1) / k;
  P small, rest;
  if constexpr (is_float<S>) {
    small =
        polynomial(y, 0.25, 0.015624989, 0.00043403413, 6.78041e-06, 6.793976e-08, 4.6452375e-10, 2.593548e-12, 6.214205e-15, 5.556853e-17);
    rest = polynomial(v, 0.12500314, 0.062179174, 0.075399555, -0.034458663, 0.90953386);
  } else {
    small =
        polynomial(y, 0.25, 0.015625, 0.0004340277777777784, 6.7816840277775555e-06, 6.781684027781675e-08, 4.709502797027284e-10,
                   2.4028075497991443e-12, 9.385966977539157e-15, 2.8969034347975327e-17, 7.24225742622849e-20, 1.4963363581728037e-22,
                   2.59777483316483e-25, 3.8432109364809516e-28, 4.899037998830381e-31, 5.463667784617701e-34, 5.229987803235618e-37,
                   4.944921822338672e-40, 2.558612199614281e-43, 4.495447948751145e-46, -1.2288406718306413e-49, 2.9666718096680978e-52);
    rest = polynomial(v, 0.12499999999999434, 0.0625000000139315, 0.06510415960845885, 0.10156403932595161, 0.2093873591110442,
                      0.5496958218303939, 1.021018867450581, 24.798910351349303, -361.6240100148774, 5086.152143114827, -37055.04853821647,
                      132386.68008035608);
  }
  // One logarithm for both: of 1 + (I0(k) - 1), or of k.
  const P logarithm = log1p(select(large, k - 1, y * small));
  return select(large, fma(v, rest, P(-0.91893853320467274178) - P(0.5) * logarithm), logarithm);
}

// I1(k) / I0(k) for 0 <= k < bessel_asymptotic, and I1(k) / I0(k) - 1 from there on.
template <class S, int W>
FASTLOSS_FN pack<S, W> bessel_ratio_in_parts(pack<S, W> k) {
  using P = pack<S, W>;
  const auto large = k >= P(bessel_asymptotic<S>);
  const P bounded = select(large, P(0), k);
  const P y = bounded * bounded;
  const P v = P(1) / k;
  P numerator, denominator, rest;
  if constexpr (is_float<S>) {
    numerator = polynomial(y, 0.5, 0.050324947, 0.0012482189, 9.863776e-06, 2.2086967e-08, 6.3719464e-12);
    denominator = polynomial(y, 1.0, 0.2256499, 0.009869342, 0.0001330848, 5.7010624e-07, 5.4922683e-10);
    rest = polynomial(v, 0.5, 0.1249944, 0.12571009, 0.1621228, 1.1195248, -6.259057, 33.70148);
  } else {
    numerator = polynomial(y, 0.5, 0.05671514373758218, 0.0019162744382155562, 2.8374993893509675e-05, 2.155367875297363e-07,
                           9.031833921579557e-10, 2.140056964639196e-12, 2.828310231821543e-15, 1.9693846651539947e-18,
                           6.377167989743414e-22, 7.298460246699101e-26, 1.2451366839464018e-30);
    denominator = polynomial(y, 1.0, 0.23843028747516437, 0.012803001477493324, 0.0002705566834077606, 2.7861627989577038e-06,
                             1.546230706412273e-08, 4.831281021146246e-11, 8.533492735485232e-14, 8.231962922882105e-17,
                             3.978630963924241e-20, 8.030185303806552e-24, 4.326829447248336e-28);
    rest = polynomial(v, 0.5, 0.12500000000007885, 0.12499999991582665, 0.19531253532242826, 0.40624228879395036, 1.0488553660211815,
                      3.134647920128245, 16.205273840414062, -137.15940044577883, 5128.23954368987, -88601.79890402475, 1074273.8941613396,
                      -7533003.151111852, 25069996.607843727, -3084446.4254203015);
  }
  return select(large, -v * rest, bounded * (numerator / denominator));
}

}  // namespace detail

// log I0(x).
template <class S, int W>
FASTLOSS_FN pack<S, W> log_i0(pack<S, W> x) {
  using P = pack<S, W>;
  const P k = abs(x);
  const P r = detail::log_i0_in_parts(k);
  return select(k == P(detail::ieee<S>::infinity), k, select(k >= P(detail::bessel_asymptotic<S>), k + r, r));
}

// I1(x) / I0(x), the derivative of log I0.
template <class S, int W>
FASTLOSS_FN pack<S, W> bessel_ratio(pack<S, W> x) {
  using P = pack<S, W>;
  const P k = abs(x);
  const P r = detail::bessel_ratio_in_parts(k);
  return copysign(select(k >= P(detail::bessel_asymptotic<S>), r + 1, r), x);
}

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

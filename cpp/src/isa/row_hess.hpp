// Second derivatives of row-wise losses whose shift gives the classes probabilities.
//
// l = sum_c f_c(u_c) + h(r) with u = x - r: with rho the derivative of the shift r, and R its second derivative, that of l is
//
//   (I - rho 1^T) diag(f'') (I - 1 rho^T) + h'' rho rho^T + (h' - sum f') R
//
// where R is diag(p) - p p^T for the logarithm of a sum of exponentials, and for sparsemax diag(s) - s s^T / (s^T s) with the
// indicator s of its support. First sums over the classes of each row, then a few numbers for each row, then the classes.
#pragma once

#include "isa/row_lanes.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

// Which classes have a second derivative f'': where none has, f is linear.
enum class second_derivatives : unsigned char { nowhere, at_label, everywhere };

// What second derivatives are computed: of a sum of exponentials or of sparsemax, a product with a vector or the diagonal.
template <bool Support, second_derivatives D2, bool Product>
struct hess_kind {
  static constexpr bool support = Support, product = Product;
  static constexpr second_derivatives d2 = D2;
};

// Where one class has more than half of the probability it is the base of its row: its exponential alone is 1. Products with a
// vector v are formed from the differences to the v of the base, of which the mean has all digits, and what stands at the base is
// what the other classes leave: its own f'' would cancel.
template <class P>
FASTLOSS_FN P exponential_of_base(P tail) {
  return select(tail < P(1), P(1), P(2));
}

// The numbers of a strip of up to N rows.
template <class S, class Kind, std::size_t N>
struct hess_strip {
  // Sums over the classes.
  double mean_sum[N];                    // of exp * v without the class of the base; of v on the support
  double along[N];                       // of rho * v on the support
  double support[N];                     // classes
  double d2_sum[N], d2_times_vector[N];  // of f'' and f'' * v, without the base
  S base[N], base_d2[N];                 // v and f'' of the base, or 0
  // What the classes are made of.
  S live[N];  // 0: the row counts nowhere
  S coef_exp[N], mean[N], along_mean[N], constant[N], inverse_sum[N], coef_d2[N], at_label[N], at_base[N];

  FASTLOSS_FN void clear(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i) {
      mean_sum[i] = along[i] = support[i] = d2_sum[i] = d2_times_vector[i] = 0.0;
      base[i] = base_d2[i] = S(0);
    }
  }

  static FASTLOSS_FN double number(const void* numbers, std::size_t r) { return static_cast<double>(static_cast<const S*>(numbers)[r]); }
  static FASTLOSS_FN double product(double c, double x) { return c == 0.0 ? 0.0 : c * x; }

  FASTLOSS_FN void finish(const hess_pass& p, std::size_t first, std::size_t n) {
#pragma GCC ivdep
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t r = first + i;
      const double tail = number(p.tail, r), inverse_sum_of_row = Kind::support ? 1.0 : 1.0 / (1.0 + tail);
      const double of_exp = number(p.coef_exp, r), square = number(p.coef_square, r);
      const double factor = Kind::d2 == second_derivatives::everywhere ? number(p.coef_d2, r) : 0.0;
      const double label_d2 = Kind::d2 == second_derivatives::at_label ? number(p.label_d2, r) : 0.0;
      const bool counts = (of_exp != 0.0) | (square != 0.0) | (factor != 0.0) | (label_d2 != 0.0);
      live[i] = counts ? S(1) : S(0);
      coef_exp[i] = static_cast<S>(of_exp);
      coef_d2[i] = static_cast<S>(factor);
      inverse_sum[i] = static_cast<S>(inverse_sum_of_row);
      double all_d2 = 0.0, of_label = 0.0, of_base = 0.0;
      const double own_d2 = static_cast<double>(base_d2[i]), beside_base = tail * inverse_sum_of_row;
      if constexpr (Kind::product) {
        const double start = static_cast<double>(base[i]), size = support[i] == 0.0 ? 1.0 : support[i];
        const double from_base = Kind::support ? mean_sum[i] / size : (mean_sum[i] - product(start, tail)) * inverse_sum_of_row;
        const double whole = Kind::support ? along[i] : start + from_base;
        mean[i] = static_cast<S>(from_base);
        along_mean[i] = static_cast<S>(whole);
        const double of_square = product(square, whole) * inverse_sum_of_row;
        if constexpr (Kind::d2 == second_derivatives::everywhere) {
          const double others = d2_times_vector[i] - product(d2_sum[i], whole), own = product(own_d2, -from_base);
          all_d2 = product(factor, others + own);
          of_base = of_square - product(of_exp, from_base) + product(factor, own * beside_base - others * inverse_sum_of_row);
        }
        if constexpr (Kind::d2 == second_derivatives::at_label) {
          const double e = number(p.label_exp, r), rest = (tail + (1.0 - e)) * inverse_sum_of_row;
          const double away = (number(p.label_vector, r) - start) - from_base;
          all_d2 = product(label_d2, away);
          of_label = e * (product(of_exp, away) + of_square) + all_d2 * rest;
        }
        constant[i] = static_cast<S>(of_square - all_d2 * inverse_sum_of_row);
      } else {
        const double size = support[i] == 0.0 ? 1.0 : support[i], inverse_square = inverse_sum_of_row * inverse_sum_of_row;
        mean[i] = static_cast<S>(Kind::support ? of_exp * (1.0 - 1.0 / size) : of_exp * inverse_sum_of_row);
        if constexpr (Kind::d2 == second_derivatives::everywhere) {
          all_d2 = product(factor, d2_sum[i] + own_d2);
          of_base = of_exp * beside_base + square * inverse_square +
                    product(factor, d2_sum[i] * inverse_square + own_d2 * (beside_base * beside_base));
        }
        if constexpr (Kind::d2 == second_derivatives::at_label) {
          const double e = number(p.label_exp, r), rest = (tail + (1.0 - e)) * inverse_sum_of_row;
          all_d2 = label_d2;
          of_label = e * (of_exp * rest + square * inverse_square * e) + label_d2 * rest * rest;
        }
        constant[i] = static_cast<S>((square + all_d2) * inverse_square);
      }
      at_label[i] = counts ? static_cast<S>(of_label) : S(0);
      at_base[i] = static_cast<S>(of_base);
    }
  }
};

// The second derivatives of a pack: of classes of one row, or of one class of several rows. `of` gives the numbers of these rows.
template <class Kind, class P, class Of>
FASTLOSS_FN P hess_of_pack(const Of& of, P e, P v, P d2) {
  const P zero(0);
  P result(0);
  if constexpr (Kind::product && Kind::support) {
    result = select(e > zero, of.coef_exp() * (v - of.mean()), zero) + e * of.constant();
    if constexpr (Kind::d2 == second_derivatives::everywhere) result += of.coef_d2() * (d2 * (v - of.along_mean()));
  } else if constexpr (Kind::product) {
    const P away = (v - of.base()) - of.mean();
    result = e * fma(of.coef_exp(), away, of.constant());
    if constexpr (Kind::d2 == second_derivatives::everywhere) result += of.coef_d2() * (d2 * away);
  } else if constexpr (Kind::support) {
    const P rest = P(1) - e;
    result = select(e > zero, of.mean(), zero) + e * (e * of.constant());
    if constexpr (Kind::d2 == second_derivatives::everywhere) result += of.coef_d2() * (d2 * (rest * rest) - d2 * (e * e));
  } else {
    const P left = of.tail() + (P(1) - e);
    result = e * fma(of.mean(), left, of.constant() * e);
    if constexpr (Kind::d2 == second_derivatives::everywhere) {
      const P rest = left * of.inverse_sum(), own = e * of.inverse_sum();
      result += of.coef_d2() * (d2 * (rest * rest) - d2 * (own * own));
    }
  }
  if constexpr (!Kind::support && Kind::d2 == second_derivatives::everywhere)
    return select(e == exponential_of_base(of.tail()), of.at_base(), result);
  else return result;
}

// Calls the kernel that a pass needs: Kernel<S, Kind>::run(pass).
template <class S, template <class, class> class Kernel>
void run_hess(const hess_pass& p) {
  using enum second_derivatives;
  const bool product = p.vector.data != nullptr, dense = p.d2.data != nullptr;
  if (p.supports) {
    if (product) (dense ? Kernel<S, hess_kind<true, everywhere, true>>::run : Kernel<S, hess_kind<true, nowhere, true>>::run)(p);
    else (dense ? Kernel<S, hess_kind<true, everywhere, false>>::run : Kernel<S, hess_kind<true, nowhere, false>>::run)(p);
  } else if (dense) {
    (product ? Kernel<S, hess_kind<false, everywhere, true>>::run : Kernel<S, hess_kind<false, everywhere, false>>::run)(p);
  } else if (p.labels != nullptr) {
    (product ? Kernel<S, hess_kind<false, at_label, true>>::run : Kernel<S, hess_kind<false, at_label, false>>::run)(p);
  } else {
    (product ? Kernel<S, hess_kind<false, nowhere, true>>::run : Kernel<S, hess_kind<false, nowhere, false>>::run)(p);
  }
}

}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

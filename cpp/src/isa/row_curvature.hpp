// Second derivatives of row-wise losses.
//
// l = sum_c f_c(u_c) with u = x - r: the second derivative is diag(f'') under the map from scores to u, less f' R, where R is
// the second derivative of the reference r: diag(p) - p p^T for the logarithm of a sum of exponentials, and for sparsemax
// diag(s) - s s^T / (s^T s) with the indicator s of its support.
#pragma once

#include "isa/row_lanes.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

template <class S, bool ByRows>
struct curvature_of_tile {
  const curvature_pass& p;
  static constexpr std::size_t strip = 64;
  // Products with a vector are formed from its differences to the entry of the most probable class: where that class has nearly
  // all of the probability, what is left of the vector's mean would cancel.
  double base[strip], rho_vector[strip], mean[strip], support[strip], bend_sum[strip];

  FASTLOSS_FN static S at(const row_tile& t, std::size_t r, std::size_t c) {
    const std::ptrdiff_t i = static_cast<std::ptrdiff_t>(r), j = static_cast<std::ptrdiff_t>(c);
    return static_cast<const S*>(t.data)[ByRows ? j * t.stride + i : i * t.stride + j];
  }
  FASTLOSS_FN static double number(const void* numbers, std::size_t r) {
    return numbers == nullptr ? 0.0 : static_cast<double>(static_cast<const S*>(numbers)[r]);
  }
  FASTLOSS_FN static bool is(const void* classes, std::size_t r, std::size_t c) {
    return classes != nullptr && static_cast<const label_of<S>*>(classes)[r] == static_cast<label_of<S>>(c);
  }

  FASTLOSS_FN double exponential(std::size_t r, std::size_t c) const { return static_cast<double>(at(p.exps, r, c)); }

  FASTLOSS_FN double rho(std::size_t r, std::size_t c) const {
    switch (p.reference) {
      case row_reference::log_sum_exp:
      case row_reference::sparsemax:
        return exponential(r, c) / (1.0 + number(p.tail, r));
      case row_reference::picked:
        return is(p.labels, r, c) ? 1.0 : 0.0;
      case row_reference::runner_up:
        return is(p.runner_up, r, c) ? 1.0 : 0.0;
      default:
        return 0.0;
    }
  }
  // 1 - rho, to all its digits for the most probable class.
  FASTLOSS_FN double others(std::size_t r, std::size_t c) const {
    if (p.reference != row_reference::log_sum_exp) return 1.0 - rho(r, c);
    const double e = exponential(r, c), tail = number(p.tail, r);
    return (e == 1.0 ? tail : tail + (1.0 - e)) / (1.0 + tail);
  }
  FASTLOSS_FN bool has_probabilities() const {
    return p.reference == row_reference::log_sum_exp || p.reference == row_reference::sparsemax;
  }
  FASTLOSS_FN double difference(std::size_t r, std::size_t c, std::size_t i) const {
    return static_cast<double>(at(p.vector, r, c)) - base[i];
  }
  // What R has in its diagonal before the mean is taken out.
  FASTLOSS_FN double share(std::size_t r, std::size_t c) const {
    if (p.reference == row_reference::log_sum_exp) return rho(r, c);
    return p.reference == row_reference::sparsemax && exponential(r, c) > 0.0 ? 1.0 : 0.0;
  }

  template <class F>
  FASTLOSS_FN void for_each(std::size_t first, std::size_t last, const F& f) const {
    if constexpr (ByRows) {
      for (std::size_t c = 0; c < p.extent.classes; ++c)
        for (std::size_t r = first; r < last; ++r) f(r, c);
    } else {
      for (std::size_t r = first; r < last; ++r)
        for (std::size_t c = 0; c < p.extent.classes; ++c) f(r, c);
    }
  }

  FASTLOSS_FN void run(std::size_t first, std::size_t last) {
    const bool product = p.vector.data != nullptr;
    double best[strip];
    compensated_sum rho_sums[strip], share_sums[strip], bend_sums[strip];
    for (std::size_t i = 0; i < strip; ++i) base[i] = best[i] = support[i] = 0.0;
    if (product && has_probabilities())
      for_each(first, last, [&](std::size_t r, std::size_t c) {
        const std::size_t i = r - first;
        if (!(exponential(r, c) > best[i])) return;
        best[i] = exponential(r, c);
        base[i] = static_cast<double>(at(p.vector, r, c));
      });
    for_each(first, last, [&](std::size_t r, std::size_t c) {
      const std::size_t i = r - first;
      const double v = product ? difference(r, c, i) : 0.0;
      rho_sums[i].add(rho(r, c) * v);
      share_sums[i].add(share(r, c) * v);
      support[i] += share(r, c);
    });
    for (std::size_t i = 0; i < strip; ++i) {
      if (p.reference == row_reference::log_sum_exp) support[i] = 1.0;
      rho_vector[i] = rho_sums[i].value();
      mean[i] = support[i] == 0.0 ? 0.0 : share_sums[i].value() / support[i];
    }
    for_each(first, last, [&](std::size_t r, std::size_t c) {
      const double bend = static_cast<double>(at(p.bends, r, c));
      bend_sums[r - first].add(product ? bend * (difference(r, c, r - first) - rho_vector[r - first]) : bend);
    });
    for (std::size_t i = 0; i < strip; ++i) bend_sum[i] = bend_sums[i].value();
    for_each(first, last, [&](std::size_t r, std::size_t c) {
      const std::size_t i = r - first;
      const double factor = number(p.factor, r), row_factor = number(p.row_factor, r);
      const double of_class = rho(r, c), shared = share(r, c), bend = static_cast<double>(at(p.bends, r, c));
      const double slope = number(p.slope_sum, r);
      double own, term;
      if (product) {
        const double v = difference(r, c, i), away = shared == 0.0 ? 0.0 : shared * (v - mean[i]);
        own = bend * (v - rho_vector[i]) - of_class * bend_sum[i] - slope * away;
        term = number(p.term_bend, r) * (base[i] + rho_vector[i]) * of_class + number(p.term_slope, r) * away;
      } else {
        const double rest = others(r, c);
        const double spread = shared == 0.0 ? 0.0 : p.reference == row_reference::log_sum_exp ? shared * rest : 1.0 - 1.0 / support[i];
        own = bend * rest * rest + of_class * of_class * (bend_sum[i] - bend) - slope * spread;
        term = number(p.term_bend, r) * of_class * of_class + number(p.term_slope, r) * spread;
      }
      const double result = (factor == 0.0 ? 0.0 : factor * own) + (row_factor == 0.0 || p.term_slope == nullptr ? 0.0 : row_factor * term);
      const std::ptrdiff_t y = static_cast<std::ptrdiff_t>(r), x = static_cast<std::ptrdiff_t>(c);
      static_cast<S*>(p.out.data)[ByRows ? x * p.out.stride + y : y * p.out.stride + x] = static_cast<S>(result);
    });
  }
};

template <class S, bool ByRows>
void row_curvature(const curvature_pass& p) {
  curvature_of_tile<S, ByRows> tile{p, {}, {}, {}, {}, {}};
  for (std::size_t first = 0; first < p.extent.rows; first += tile.strip) {
    const std::size_t left = p.extent.rows - first;
    tile.run(first, first + (left < tile.strip ? left : tile.strip));
  }
}

}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

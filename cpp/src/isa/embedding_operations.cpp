// Sums over the features of embeddings and the way back from them, for one instruction set.
#include <type_traits>
#include <utility>

#include "fastloss/simd/double_half.hpp"
#include "fastloss/simd/pow.hpp"
#include "isa/embedding_features.hpp"
#include "isa/parts.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

using P = native_pack<double>;

FASTLOSS_FN double sum_of_lanes(P x) {
  double total = x.v[0];
  for (int i = 1; i < P::width; ++i) total += x.v[i];
  return total;
}
FASTLOSS_FN double largest_lane(P x) {
  double largest = x.v[0];
  for (int i = 1; i < P::width; ++i) largest = x.v[i] > largest || x.v[i] != x.v[i] ? x.v[i] : largest;
  return largest;
}
// NaN stays.
FASTLOSS_FN P larger(P a, P b) { return select((a > b) | is_nan(a), a, b); }

// What is added up of the differences of a pair.
struct squares {
  FASTLOSS_FN P operator()(std::size_t, P sum, P d) const { return fma(d, d, sum); }
  static double total(P x) { return sum_of_lanes(x); }
};
struct magnitudes {
  FASTLOSS_FN P operator()(std::size_t, P sum, P d) const { return sum + abs(d); }
  static double total(P x) { return sum_of_lanes(x); }
};
struct largest_magnitude {
  FASTLOSS_FN P operator()(std::size_t, P sum, P d) const { return larger(abs(d), sum); }
  static double total(P x) { return largest_lane(x); }
};
struct scaled_squares {
  double scale[most_embedding_pairs];
  FASTLOSS_FN P operator()(std::size_t pair, P sum, P d) const {
    const P x = d * scale[pair];
    return fma(x, x, sum);
  }
  static double total(P x) { return sum_of_lanes(x); }
};
// Relative to the largest: no power is beyond the range, whatever p is.
struct powers {
  double p, inverse[most_embedding_pairs];
  FASTLOSS_FN P operator()(std::size_t pair, P sum, P d) const { return sum + pow(abs(d) * inverse[pair], P(p)); }
  static double total(P x) { return sum_of_lanes(x); }
};
struct how_many {
  double magnitude[most_embedding_pairs];
  FASTLOSS_FN P operator()(std::size_t pair, P sum, P d) const { return sum + select(abs(d) == P(magnitude[pair]), P(1), P(0)); }
  static double total(P x) { return sum_of_lanes(x); }
};

// Of one unit, the total of each pair.
template <class S, embedding_pairs Pairs, class Term>
FASTLOSS_FN void sum_differences(const embedding_rows& rows, std::size_t row, double eps, const Term& term, double* totals) {
  constexpr embedding_pair_list list = pairs_of(Pairs);
  P sums[list.count][halves<S>];
  for (auto& of_pair : sums)
    for (P& sum : of_pair) sum = P(0);
  for_features<S>(rows.features, [&](std::size_t first, const auto& lanes) {
    wide_pack<S> x[list.embeddings];
    for (std::size_t e = 0; e < list.embeddings; ++e) x[e] = lanes.load(row_of<S>(rows, e, row) + first);
    for (std::size_t k = 0; k < list.count; ++k)
      for (int h = 0; h < halves<S>; ++h)
        sums[k][h] = term(k, sums[k][h], lanes.kept(h, (x[list.of[k].first].half[h] - x[list.of[k].second].half[h]) + eps));
  });
  for (std::size_t k = 0; k < list.count; ++k) {
    P sum = sums[k][0];
    for (int h = 1; h < halves<S>; ++h) sum = std::is_same_v<Term, largest_magnitude> ? larger(sums[k][h], sum) : sum + sums[k][h];
    totals[k] = Term::total(sum);
  }
}

// Squares of doubles that stay apart from the ends of their range; those of floats always do.
template <class S>
FASTLOSS_FN bool is_tame(double square) {
  return sizeof(S) == sizeof(float) || (square > 1e-280 && square < 1e300);
}

// A power of two by which the number becomes about 1; at most 2^1000, so that those of subnormal numbers are finite.
FASTLOSS_FN double inverse_power_of_two(double x) {
  constexpr int most = 1000;
  if (!(x > 0.0 && x < __builtin_inf())) return 1.0;
  const int exponent = -__builtin_ilogb(x);
  return __builtin_ldexp(1.0, exponent < most ? exponent : most);
}

FASTLOSS_FN double root(double x) { return sqrt(pack<double, 1>(x)).v; }

// The length of the difference of each pair.
template <class S, embedding_pairs Pairs>
FASTLOSS_FN void lengths(const embedding_rows& rows, std::size_t row, double eps, double* to) {
  constexpr std::size_t count = pairs_of(Pairs).count;
  sum_differences<S, Pairs>(rows, row, eps, squares{}, to);
  bool tame = true;
  for (std::size_t k = 0; k < count; ++k) tame &= is_tame<S>(to[k]);
  if (tame) {
    for (std::size_t k = 0; k < count; ++k) to[k] = root(to[k]);
    return;
  }
  sum_differences<S, Pairs>(rows, row, eps, largest_magnitude{}, to);
  scaled_squares scaled{};
  for (std::size_t k = 0; k < count; ++k) scaled.scale[k] = inverse_power_of_two(to[k]);
  sum_differences<S, Pairs>(rows, row, eps, scaled, to);
  for (std::size_t k = 0; k < count; ++k) to[k] = root(to[k]) / scaled.scale[k];
}

template <class S, embedding_pairs Pairs>
FASTLOSS_FN void norms(const embedding_rows& rows, std::size_t row, double eps, double p, double* to) {
  constexpr std::size_t count = pairs_of(Pairs).count;
  sum_differences<S, Pairs>(rows, row, eps, largest_magnitude{}, to);
  if (p == __builtin_inf()) return;
  double largest[count];
  powers terms{p, {}};
  for (std::size_t k = 0; k < count; ++k) {
    largest[k] = to[k];
    terms.inverse[k] = 1.0 / largest[k];
  }
  sum_differences<S, Pairs>(rows, row, eps, terms, to);
  for (std::size_t k = 0; k < count; ++k) {
    const bool has_norm = largest[k] > 0.0 && largest[k] < __builtin_inf();
    to[k] = has_norm ? largest[k] * pow(pack<double, 1>(to[k]), pack<double, 1>(1.0 / p)).v : largest[k];
  }
}

template <class S, embedding_pairs Pairs>
void distances_of(const embedding_rows& rows, const distance_form& form, double* to, std::size_t stride) {
  constexpr std::size_t count = pairs_of(Pairs).count;
  for (std::size_t row = 0; row < rows.rows; ++row) {
    double of_row[count];
    if (form.measure == embedding_measure::squared_distance) sum_differences<S, Pairs>(rows, row, 0.0, squares{}, of_row);
    else if (form.p == 2.0) lengths<S, Pairs>(rows, row, form.eps, of_row);
    else if (form.p == 1.0) sum_differences<S, Pairs>(rows, row, form.eps, magnitudes{}, of_row);
    else norms<S, Pairs>(rows, row, form.eps, form.p, of_row);
    for (std::size_t k = 0; k < count; ++k) to[k * stride + row] = of_row[k];
  }
}

// The gradients of a unit, of what flows back to each difference of each pair: slope(pair, d).
template <class S, embedding_pairs Pairs, class Slope>
FASTLOSS_FN void spread_differences(const embedding_rows& rows, std::size_t row, double eps, const Slope& slope,
                                    const embedding_gradients& to) {
  constexpr embedding_pair_list list = pairs_of(Pairs);
  for_features<S>(rows.features, [&](std::size_t first, const auto& lanes) {
    wide_pack<S> x[list.embeddings], g[list.embeddings];
    bool filled[list.embeddings] = {};
    for (std::size_t e = 0; e < list.embeddings; ++e) x[e] = lanes.load(row_of<S>(rows, e, row) + first);
    for (int h = 0; h < halves<S>; ++h) {
      for (bool& f : filled) f = false;
      for (std::size_t k = 0; k < list.count; ++k) {
        const std::size_t a = list.of[k].first, b = list.of[k].second;
        const P s = slope(k, (x[a].half[h] - x[b].half[h]) + eps);
        g[a].half[h] = filled[a] ? g[a].half[h] + s : s;
        g[b].half[h] = filled[b] ? g[b].half[h] - s : -s;
        filled[a] = filled[b] = true;
      }
    }
    for (std::size_t e = 0; e < list.embeddings; ++e)
      if (to.of[e] != nullptr) lanes.store(g[e], static_cast<S*>(to.of[e]) + row * rows.features + first, to.streams);
  });
}

// By way of a power of two, for lengths whose inverse is not a number.
struct along_lifted_difference {
  double coefficient[most_embedding_pairs], lift[most_embedding_pairs];
  FASTLOSS_FN P operator()(std::size_t pair, P d) const { return (d * lift[pair]) * coefficient[pair]; }
};
struct along_difference {
  double coefficient[most_embedding_pairs];
  FASTLOSS_FN P operator()(std::size_t pair, P d) const { return d * coefficient[pair]; }
};
FASTLOSS_FN P with_sign_of(P x, P d) { return select(d == P(0), P(0), select(is_nan(d), d, copysign(P(1), d) * x)); }
struct along_sign {
  double coefficient[most_embedding_pairs];
  FASTLOSS_FN P operator()(std::size_t pair, P d) const { return with_sign_of(P(coefficient[pair]), d); }
};
struct along_largest {
  double coefficient[most_embedding_pairs], magnitude[most_embedding_pairs];
  FASTLOSS_FN P operator()(std::size_t pair, P d) const {
    return select((abs(d) == P(magnitude[pair])) | is_nan(d), with_sign_of(P(coefficient[pair]), d), P(0));
  }
};
struct along_power {
  double coefficient[most_embedding_pairs], inverse[most_embedding_pairs], exponent;
  FASTLOSS_FN P operator()(std::size_t pair, P d) const {
    return with_sign_of(pow(abs(d) * inverse[pair], P(exponent)) * coefficient[pair], d);
  }
};

template <class S, embedding_pairs Pairs>
FASTLOSS_FN void spread(const embedding_rows& rows, std::size_t row, const distance_form& form, const double* distances, const double* flow,
                        const embedding_gradients& to) {
  constexpr std::size_t count = pairs_of(Pairs).count;
  if (form.measure == embedding_measure::squared_distance) {
    along_difference slope{};
    for (std::size_t k = 0; k < count; ++k) slope.coefficient[k] = 2.0 * flow[k];
    return spread_differences<S, Pairs>(rows, row, 0.0, slope, to);
  }
  // Where embeddings are at no distance, nothing flows back.
  const auto over_distance = [&](std::size_t k, double x) { return distances[k] == 0.0 ? 0.0 : x / distances[k]; };
  if (form.p == 2.0) {
    if constexpr (sizeof(S) == sizeof(float)) {
      along_difference slope{};
      for (std::size_t k = 0; k < count; ++k) slope.coefficient[k] = over_distance(k, flow[k]);
      return spread_differences<S, Pairs>(rows, row, form.eps, slope, to);
    } else {
      along_lifted_difference slope{};
      for (std::size_t k = 0; k < count; ++k) {
        slope.lift[k] = distances[k] < 0x1p-900 ? 0x1p900 : 1.0;
        slope.coefficient[k] = distances[k] == 0.0 ? 0.0 : flow[k] / (distances[k] * slope.lift[k]);
      }
      return spread_differences<S, Pairs>(rows, row, form.eps, slope, to);
    }
  }
  if (form.p == 1.0) {
    along_sign slope{};
    for (std::size_t k = 0; k < count; ++k) slope.coefficient[k] = flow[k];
    return spread_differences<S, Pairs>(rows, row, form.eps, slope, to);
  }
  if (form.p == __builtin_inf()) {
    how_many equal{};
    double found[count];
    for (std::size_t k = 0; k < count; ++k) equal.magnitude[k] = distances[k];
    sum_differences<S, Pairs>(rows, row, form.eps, equal, found);
    along_largest slope{};
    for (std::size_t k = 0; k < count; ++k) {
      slope.magnitude[k] = distances[k];
      slope.coefficient[k] = found[k] > 0.0 ? flow[k] / found[k] : flow[k];
    }
    return spread_differences<S, Pairs>(rows, row, form.eps, slope, to);
  }
  along_power slope{};
  slope.exponent = form.p - 1.0;
  for (std::size_t k = 0; k < count; ++k) {
    slope.inverse[k] = over_distance(k, 1.0);
    slope.coefficient[k] = distances[k] == 0.0 ? 0.0 : flow[k];
  }
  spread_differences<S, Pairs>(rows, row, form.eps, slope, to);
}

template <class S>
void clear(const embedding_rows& rows, std::size_t row, const embedding_gradients& to) {
  for (void* const g : to.of)
    if (g != nullptr) __builtin_memset(static_cast<S*>(g) + row * rows.features, 0, rows.features * sizeof(S));
}

template <class S, embedding_pairs Pairs>
void distance_gradients_of(const embedding_rows& rows, const distance_form& form, const double* distances, const double* flow,
                           std::size_t stride, const embedding_gradients& to) {
  constexpr std::size_t count = pairs_of(Pairs).count;
  for (std::size_t row = 0; row < rows.rows; ++row) {
    double distance[count], flows[count];
    bool silent = true;
    for (std::size_t k = 0; k < count; ++k) {
      distance[k] = distances[k * stride + row];
      flows[k] = flow[k * stride + row];
      silent &= flows[k] == 0.0;
    }
    if (silent) clear<S>(rows, row, to);
    else spread<S, Pairs>(rows, row, form, distance, flows, to);
  }
}

template <class S, embedding_pairs Pairs>
void products_of(const embedding_rows& rows, const double* scales, double* dots, double* squared, std::size_t stride) {
  constexpr embedding_pair_list list = pairs_of(Pairs);
  for (std::size_t row = 0; row < rows.rows; ++row) {
    P dot[list.count], square[list.embeddings];
    double scale[list.embeddings];
    for (P& sum : dot) sum = P(0);
    for (P& sum : square) sum = P(0);
    for (std::size_t e = 0; e < list.embeddings; ++e) scale[e] = scales == nullptr ? 1.0 : scales[e * stride + row];
    for_features<S>(rows.features, [&](std::size_t first, const auto& lanes) {
      wide_pack<S> x[list.embeddings];
      for (std::size_t e = 0; e < list.embeddings; ++e) {
        x[e] = lanes.load(row_of<S>(rows, e, row) + first);
        for (int h = 0; h < halves<S>; ++h) {
          if constexpr (sizeof(S) == sizeof(double)) x[e].half[h] = x[e].half[h] * scale[e];
          if (squared != nullptr) square[e] = fma(x[e].half[h], x[e].half[h], square[e]);
        }
      }
      for (std::size_t k = 0; k < list.count; ++k)
        for (int h = 0; h < halves<S>; ++h) dot[k] = fma(x[list.of[k].first].half[h], x[list.of[k].second].half[h], dot[k]);
    });
    for (std::size_t k = 0; k < list.count; ++k) dots[k * stride + row] = sum_of_lanes(dot[k]);
    for (std::size_t e = 0; squared != nullptr && e < list.embeddings; ++e) squared[e * stride + row] = sum_of_lanes(square[e]);
  }
}

template <class S, std::size_t Embeddings>
void product_gradients_of(const embedding_rows& rows, const double* coefficients, const double* scales, std::size_t stride,
                          const embedding_gradients& to) {
  for (std::size_t row = 0; row < rows.rows; ++row) {
    double c[Embeddings][Embeddings], scale[Embeddings];
    bool silent = true;
    for (std::size_t e = 0; e < Embeddings; ++e) {
      scale[e] = scales == nullptr ? 1.0 : scales[e * stride + row];
      for (std::size_t o = 0; o < Embeddings; ++o) {
        c[e][o] = coefficients[(e * most_embeddings + o) * stride + row];
        silent &= c[e][o] == 0.0;
      }
    }
    if (silent) {
      clear<S>(rows, row, to);
      continue;
    }
    for_features<S>(rows.features, [&](std::size_t first, const auto& lanes) {
      wide_pack<S> x[Embeddings];
      for (std::size_t e = 0; e < Embeddings; ++e) {
        x[e] = lanes.load(row_of<S>(rows, e, row) + first);
        if constexpr (sizeof(S) == sizeof(double))
          for (P& half : x[e].half) half = half * scale[e];
      }
      for (std::size_t e = 0; e < Embeddings; ++e) {
        if (to.of[e] == nullptr) continue;
        wide_pack<S> g;
        for (int h = 0; h < halves<S>; ++h) {
          g.half[h] = P(0);
          for (std::size_t o = 0; o < Embeddings; ++o) g.half[h] = fma(x[o].half[h], P(c[e][o]), g.half[h]);
          if constexpr (sizeof(S) == sizeof(double)) g.half[h] = g.half[h] * scale[e];
        }
        lanes.store(g, static_cast<S*>(to.of[e]) + row * rows.features + first, to.streams);
      }
    });
  }
}

template <class S>
void largest(const embedding_rows& rows, std::size_t embeddings, double* to, std::size_t stride) {
  for (std::size_t e = 0; e < embeddings; ++e)
    for (std::size_t row = 0; row < rows.rows; ++row) {
      P most(0);
      for_features<S>(rows.features, [&](std::size_t first, const auto& lanes) {
        for (const P& half : lanes.load(row_of<S>(rows, e, row) + first).half) most = larger(abs(half), most);
      });
      to[e * stride + row] = largest_lane(most);
    }
}

// Calls f with the pairs as a constant.
template <class F>
FASTLOSS_FN void with_pairs(embedding_pairs pairs, const F& f) {
  switch (pairs) {
    case embedding_pairs::one:
      return f(std::integral_constant<embedding_pairs, embedding_pairs::one>{});
    case embedding_pairs::anchored:
      return f(std::integral_constant<embedding_pairs, embedding_pairs::anchored>{});
    case embedding_pairs::triplet:
      return f(std::integral_constant<embedding_pairs, embedding_pairs::triplet>{});
    case embedding_pairs::quadruplet:
      return f(std::integral_constant<embedding_pairs, embedding_pairs::quadruplet>{});
  }
}

template <class S>
void distances(const embedding_rows& rows, const distance_form& form, double* to, std::size_t stride) {
  with_pairs(form.pairs, [&](auto pairs) { distances_of<S, decltype(pairs)::value>(rows, form, to, stride); });
}

template <class S>
void distance_gradients(const embedding_rows& rows, const distance_form& form, const double* found, const double* flow, std::size_t stride,
                        const embedding_gradients& to) {
  with_pairs(form.pairs, [&](auto pairs) { distance_gradients_of<S, decltype(pairs)::value>(rows, form, found, flow, stride, to); });
}

template <class S>
void products(const embedding_rows& rows, embedding_pairs pairs, const double* scales, double* dots, double* squared, std::size_t stride) {
  with_pairs(pairs, [&](auto of) { products_of<S, decltype(of)::value>(rows, scales, dots, squared, stride); });
}

template <class S>
void product_gradients(const embedding_rows& rows, std::size_t embeddings, const double* coefficients, const double* scales,
                       std::size_t stride, const embedding_gradients& to) {
  if (embeddings == 2) product_gradients_of<S, 2>(rows, coefficients, scales, stride, to);
  else if (embeddings == 3) product_gradients_of<S, 3>(rows, coefficients, scales, stride, to);
  else product_gradients_of<S, 4>(rows, coefficients, scales, stride, to);
}

template <class S>
constexpr embedding_operations all_of_dtype() {
  return {distances<S>, distance_gradients<S>, products<S>, product_gradients<S>, largest<S>};
}

}  // namespace
}  // namespace FASTLOSS_ISA

constexpr embedding_operations_of_dtypes FASTLOSS_EMBEDDING_OPERATIONS = {{all_of_dtype<float>(), all_of_dtype<double>()}};

}  // namespace fastloss

// Sums over the features of embeddings and the way back from them, for one instruction set.
#include <type_traits>

#include "fastloss/simd/pow.hpp"
#include "isa/embedding_features.hpp"
#include "isa/parts.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

using P = native_pack<double>;

FASTLOSS_FN double root(double x) { return sqrt(pack<double, 1>(x)).v; }
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
};
struct magnitudes {
  FASTLOSS_FN P operator()(std::size_t, P sum, P d) const { return sum + abs(d); }
};
struct largest_magnitude {
  FASTLOSS_FN P operator()(std::size_t, P sum, P d) const { return larger(abs(d), sum); }
};
struct scaled_squares {
  double scale[most_embedding_pairs];
  FASTLOSS_FN P operator()(std::size_t pair, P sum, P d) const {
    const P x = d * scale[pair];
    return fma(x, x, sum);
  }
};
// Relative to the largest: no power is beyond the range, whatever p is.
struct powers {
  double p, inverse[most_embedding_pairs];
  FASTLOSS_FN P operator()(std::size_t pair, P sum, P d) const { return sum + pow(abs(d) * inverse[pair], P(p)); }
};
struct how_many {
  double magnitude[most_embedding_pairs];
  FASTLOSS_FN P operator()(std::size_t pair, P sum, P d) const { return sum + select(abs(d) == P(magnitude[pair]), P(1), P(0)); }
};

// Of one unit, the total of each pair.
template <class S, embedding_pairs Pairs, class Term>
FASTLOSS_FN void sum_differences(const unit_rows& rows, std::size_t row, double eps, const Term& term, double* totals) {
  static constexpr embedding_pair_list list = pairs_of(Pairs);
  using X = feature_packs<S, double>;
  X sums[list.count];
  for_each_constant<list.count>([&](auto k) { for_each_constant<X::count>([&](auto h) { sums[k].part[h] = P(0); }); });
  for_features<S, double>(rows.features, [&](std::size_t first, const auto& lanes) {
    X x[list.embeddings];
    for_each_constant<list.embeddings>([&](auto e) { x[e] = lanes.load(row_of<S>(rows, e, row) + first); });
    for_each_constant<list.count>([&](auto k) {
      constexpr std::size_t a = list.of[k].first, b = list.of[k].second;
      for_each_constant<X::count>(
          [&](auto h) { sums[k].part[h] = term(k, sums[k].part[h], lanes.kept(h, (x[a].part[h] - x[b].part[h]) + eps)); });
    });
  });
  for (std::size_t k = 0; k < list.count; ++k) {
    constexpr bool sums_up = !std::is_same_v<Term, largest_magnitude>;
    P sum = sums[k].part[0];
    for (int h = 1; h < X::count; ++h) sum = sums_up ? sum + sums[k].part[h] : larger(sums[k].part[h], sum);
    totals[k] = sums_up ? sum_of_lanes(sum) : largest_lane(sum);
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

// Measures of differences, of the pairs of a unit; each with a function of its own, so that none pays for the constants of another.
template <class S, embedding_pairs Pairs>
struct squared_length {
  static void of(const unit_rows& rows, std::size_t row, const distance_form&, double* to) {
    sum_differences<S, Pairs>(rows, row, 0.0, squares{}, to);
  }
};

template <class S, embedding_pairs Pairs>
struct length {
  static void of(const unit_rows& rows, std::size_t row, const distance_form& form, double* to) {
    constexpr std::size_t count = pairs_of(Pairs).count;
    sum_differences<S, Pairs>(rows, row, form.eps, squares{}, to);
    bool tame = true;
    for (std::size_t k = 0; k < count; ++k) tame &= is_tame<S>(to[k]);
    if (!tame) return scaled(rows, row, form, to);
    for (std::size_t k = 0; k < count; ++k) to[k] = root(to[k]);
  }

 private:
  [[gnu::noinline]] static void scaled(const unit_rows& rows, std::size_t row, const distance_form& form, double* to) {
    constexpr std::size_t count = pairs_of(Pairs).count;
    sum_differences<S, Pairs>(rows, row, form.eps, largest_magnitude{}, to);
    scaled_squares terms{};
    for (std::size_t k = 0; k < count; ++k) terms.scale[k] = inverse_power_of_two(to[k]);
    sum_differences<S, Pairs>(rows, row, form.eps, terms, to);
    for (std::size_t k = 0; k < count; ++k) to[k] = root(to[k]) / terms.scale[k];
  }
};

template <class S, embedding_pairs Pairs>
struct sum_of_magnitudes {
  static void of(const unit_rows& rows, std::size_t row, const distance_form& form, double* to) {
    sum_differences<S, Pairs>(rows, row, form.eps, magnitudes{}, to);
  }
};

template <class S, embedding_pairs Pairs>
struct largest_of_magnitudes {
  static void of(const unit_rows& rows, std::size_t row, const distance_form& form, double* to) {
    sum_differences<S, Pairs>(rows, row, form.eps, largest_magnitude{}, to);
  }
};

template <class S, embedding_pairs Pairs>
struct norm {
  static void of(const unit_rows& rows, std::size_t row, const distance_form& form, double* to) {
    constexpr std::size_t count = pairs_of(Pairs).count;
    double largest[count];
    sum_differences<S, Pairs>(rows, row, form.eps, largest_magnitude{}, largest);
    powers terms{form.p, {}};
    for (std::size_t k = 0; k < count; ++k) terms.inverse[k] = 1.0 / largest[k];
    sum_differences<S, Pairs>(rows, row, form.eps, terms, to);
    for (std::size_t k = 0; k < count; ++k) {
      const bool has_norm = largest[k] > 0.0 && largest[k] < __builtin_inf();
      to[k] = has_norm ? largest[k] * pow(pack<double, 1>(to[k]), pack<double, 1>(1.0 / form.p)).v : largest[k];
    }
  }
};

template <class Measure, std::size_t Count>
[[gnu::noinline]] void measure_units(const unit_rows& rows, const distance_form& form, double* to, std::size_t stride) {
  for (std::size_t row = 0; row < rows.rows; ++row) {
    double of_row[Count];
    Measure::of(rows, row, form, of_row);
    for (std::size_t k = 0; k < Count; ++k) to[k * stride + row] = of_row[k];
  }
}

// Distances that few calls ask for are found pair by pair: those of several pairs at a time would be four times the code.
template <class S>
void other_distances(const unit_rows& rows, const distance_form& form, double* to, std::size_t stride) {
  constexpr embedding_pairs one = embedding_pairs::one;
  if (form.p == 1.0) measure_units<sum_of_magnitudes<S, one>, 1>(rows, form, to, stride);
  else if (form.p == __builtin_inf()) measure_units<largest_of_magnitudes<S, one>, 1>(rows, form, to, stride);
  else measure_units<norm<S, one>, 1>(rows, form, to, stride);
}

template <class S, embedding_pairs Pairs>
void distances_of(const unit_rows& rows, const distance_form& form, double* to, std::size_t stride) {
  static constexpr embedding_pair_list list = pairs_of(Pairs);
  if (form.measure == embedding_measure::squared_distance)
    return measure_units<squared_length<S, Pairs>, list.count>(rows, form, to, stride);
  if (form.p == 2.0) return measure_units<length<S, Pairs>, list.count>(rows, form, to, stride);
  for (std::size_t k = 0; k < list.count; ++k) {
    unit_rows pair = rows;
    pair.of[0] = rows.of[list.of[k].first];
    pair.of[1] = rows.of[list.of[k].second];
    other_distances<S>(pair, form, to + k * stride, stride);
  }
}

// The gradients of a unit, of what flows back to each difference of each pair: slope(pair, d).
template <class S, class C, embedding_pairs Pairs, bool Streams, class Slope>
FASTLOSS_FN void spread_differences(const unit_rows& rows, std::size_t row, double eps, const Slope& slope, const unit_gradients& to) {
  static constexpr embedding_pair_list list = pairs_of(Pairs);
  using X = feature_packs<S, C>;
  const native_pack<C> added(eps);
  const auto find_slopes = [&](std::size_t first, const auto& lanes, X* slopes) {
    X x[list.embeddings];
    for_each_constant<list.embeddings>([&](auto e) { x[e] = lanes.load(row_of<S>(rows, e, row) + first); });
    for_each_constant<list.count>([&](auto k) {
      constexpr std::size_t a = list.of[k].first, b = list.of[k].second;
      for_each_constant<X::count>([&](auto h) { slopes[k].part[h] = slope(k, (x[a].part[h] - x[b].part[h]) + added); });
    });
  };
  const auto place = [&](auto e, const X* slopes, std::size_t first, const auto& lanes) {
    constexpr std::size_t embedding = decltype(e)::value;
    X g;
    for_each_constant<X::count>([&](auto h) {
      g.part[h] = native_pack<C>(0);
      for_each_constant<list.count>([&](auto k) {
        if constexpr (list.of[k].first == embedding) g.part[h] = g.part[h] + slopes[k].part[h];
        if constexpr (list.of[k].second == embedding) g.part[h] = g.part[h] - slopes[k].part[h];
      });
    });
    lanes.template store<Streams>(g, static_cast<S*>(to.of[e]) + row * rows.features + first);
  };
  for_gradients<S, C, Streams, list.embeddings, list.count>(rows.features, to, find_slopes, place);
}

template <class S, bool Streams>
FASTLOSS_FN void clear(const unit_rows& rows, std::size_t row, const unit_gradients& to) {
  for (void* const g : to.of)
    if (g != nullptr)
      for_features<S, S>(rows.features, [&](std::size_t first, const auto& lanes) {
        lanes.template store<Streams>(feature_packs<S, S>{{native_pack<S>(0)}}, static_cast<S*>(g) + row * rows.features + first);
      });
}

// What flows back to the differences of a unit, of its distances and what flows back to these. Where embeddings are at no distance,
// nothing does.
struct unit_flow {
  double distance[most_embedding_pairs], flow[most_embedding_pairs];
};

// Numbers that a difference of floats may be multiplied with as one.
FASTLOSS_FN bool is_narrow(double x) {
  const double size = x < 0.0 ? -x : x;
  return size == 0.0 || (size > 1e-18 && size < 1e18);
}

template <class S, embedding_pairs Pairs, bool Streams>
struct gradients_of_unit {
  static constexpr bool streams = Streams;
  static constexpr std::size_t count = pairs_of(Pairs).count;
  const unit_rows& rows;
  const distance_form& form;
  const unit_gradients& to;

  template <class Slope>
  FASTLOSS_FN void in_double(std::size_t row, const Slope& slope) const {
    spread_differences<S, double, Pairs, Streams>(rows, row, form.measure == embedding_measure::squared_distance ? 0.0 : form.eps, slope,
                                                  to);
  }
};

struct times_coefficient {
  double coefficient[most_embedding_pairs];
  template <class Q>
  FASTLOSS_FN Q operator()(std::size_t pair, Q d) const {
    return d * Q(coefficient[pair]);
  }
};

// Along the difference: of squares, and of lengths.
template <class S, embedding_pairs Pairs, bool Streams>
struct along_difference : gradients_of_unit<S, Pairs, Streams> {
  FASTLOSS_FN void operator()(std::size_t row, const unit_flow& unit) const {
    const bool squared = this->form.measure == embedding_measure::squared_distance;
    times_coefficient slope{};
    bool narrow = true, short_one = false;
    for (std::size_t k = 0; k < this->count; ++k) {
      const double d = unit.distance[k];
      slope.coefficient[k] = squared ? 2.0 * unit.flow[k] : d == 0.0 ? 0.0 : unit.flow[k] / d;
      narrow &= is_narrow(d) && is_narrow(slope.coefficient[k]);
      short_one |= !squared && d != 0.0 && d < 0x1p-900;
    }
    if (sizeof(S) == sizeof(float) && narrow)
      spread_differences<S, S, Pairs, Streams>(this->rows, row, squared ? 0.0 : this->form.eps, slope, this->to);
    else if (short_one) lifted(row, unit);
    else this->in_double(row, slope);
  }

 private:
  // By way of a power of two: the inverse of such a length is not a number.
  struct lifted_coefficient {
    times_coefficient of;
    FASTLOSS_FN P operator()(std::size_t pair, P d) const { return of(pair, d * 0x1p900); }
  };
  [[gnu::noinline]] void lifted(std::size_t row, const unit_flow& unit) const {
    lifted_coefficient slope{};
    for (std::size_t k = 0; k < this->count; ++k)
      slope.of.coefficient[k] = unit.distance[k] == 0.0 ? 0.0 : unit.flow[k] / (unit.distance[k] * 0x1p900);
    this->in_double(row, slope);
  }
};

FASTLOSS_FN P with_sign_of(P x, P d) { return select(d == P(0), P(0), select(is_nan(d), d, copysign(P(1), d) * x)); }

template <class S, embedding_pairs Pairs>
struct along_sign : gradients_of_unit<S, Pairs, false> {
  struct slopes {
    const double* coefficient;
    FASTLOSS_FN P operator()(std::size_t pair, P d) const { return with_sign_of(P(coefficient[pair]), d); }
  };
  FASTLOSS_FN void operator()(std::size_t row, const unit_flow& unit) const { this->in_double(row, slopes{unit.flow}); }
};

// Differences that are equally the largest share what flows back.
template <class S, embedding_pairs Pairs>
struct along_largest : gradients_of_unit<S, Pairs, false> {
  struct slopes {
    double coefficient[most_embedding_pairs];
    const double* magnitude;
    FASTLOSS_FN P operator()(std::size_t pair, P d) const {
      return select((abs(d) == P(magnitude[pair])) | is_nan(d), with_sign_of(P(coefficient[pair]), d), P(0));
    }
  };
  FASTLOSS_FN void operator()(std::size_t row, const unit_flow& unit) const {
    how_many equal{};
    double found[most_embedding_pairs];
    for (std::size_t k = 0; k < this->count; ++k) equal.magnitude[k] = unit.distance[k];
    sum_differences<S, Pairs>(this->rows, row, this->form.eps, equal, found);
    slopes slope{{}, unit.distance};
    for (std::size_t k = 0; k < this->count; ++k) slope.coefficient[k] = found[k] > 0.0 ? unit.flow[k] / found[k] : unit.flow[k];
    this->in_double(row, slope);
  }
};

template <class S, embedding_pairs Pairs>
struct along_power : gradients_of_unit<S, Pairs, false> {
  struct slopes {
    double coefficient[most_embedding_pairs], inverse[most_embedding_pairs], exponent;
    FASTLOSS_FN P operator()(std::size_t pair, P d) const {
      return with_sign_of(pow(abs(d) * inverse[pair], P(exponent)) * coefficient[pair], d);
    }
  };
  FASTLOSS_FN void operator()(std::size_t row, const unit_flow& unit) const {
    slopes slope{};
    slope.exponent = this->form.p - 1.0;
    for (std::size_t k = 0; k < this->count; ++k) {
      const bool apart = unit.distance[k] != 0.0;
      slope.inverse[k] = apart ? 1.0 / unit.distance[k] : 0.0;
      slope.coefficient[k] = apart ? unit.flow[k] : 0.0;
    }
    this->in_double(row, slope);
  }
};

template <class S, class OfUnit>
[[gnu::noinline]] void go_back(const OfUnit& of_unit, const double* distances, const double* flow, std::size_t stride) {
  for (std::size_t row = 0; row < of_unit.rows.rows; ++row) {
    unit_flow unit;
    bool silent = true;
    for (std::size_t k = 0; k < OfUnit::count; ++k) {
      unit.distance[k] = distances[k * stride + row];
      unit.flow[k] = flow[k * stride + row];
      silent &= unit.flow[k] == 0.0;
    }
    if (silent) clear<S, OfUnit::streams>(of_unit.rows, row, of_unit.to);
    else of_unit(row, unit);
  }
}

template <class S, embedding_pairs Pairs>
void distance_gradients_of(const unit_rows& rows, const distance_form& form, const double* distances, const double* flow,
                           std::size_t stride, const unit_gradients& to) {
  const bool of_lengths = form.measure == embedding_measure::squared_distance || form.p == 2.0;
  if (of_lengths && to.streams) go_back<S>(along_difference<S, Pairs, true>{{rows, form, to}}, distances, flow, stride);
  else if (of_lengths) go_back<S>(along_difference<S, Pairs, false>{{rows, form, to}}, distances, flow, stride);
  else if (form.p == 1.0) go_back<S>(along_sign<S, Pairs>{{rows, form, to}}, distances, flow, stride);
  else if (form.p == __builtin_inf()) go_back<S>(along_largest<S, Pairs>{{rows, form, to}}, distances, flow, stride);
  else go_back<S>(along_power<S, Pairs>{{rows, form, to}}, distances, flow, stride);
}

template <class S, embedding_pairs Pairs, bool Scaled>
void products_of(const unit_rows& rows, const double* scales, double* dots, double* squared, std::size_t stride) {
  static constexpr embedding_pair_list list = pairs_of(Pairs);
  using X = feature_packs<S, double>;
  for (std::size_t row = 0; row < rows.rows; ++row) {
    P dot[list.count], square[list.embeddings], scale[list.embeddings];
    for_each_constant<list.count>([&](auto k) { dot[k] = P(0); });
    for_each_constant<list.embeddings>([&](auto e) {
      square[e] = P(0);
      scale[e] = P(Scaled ? scales[e * stride + row] : 1.0);
    });
    for_features<S, double>(rows.features, [&](std::size_t first, const auto& lanes) {
      X x[list.embeddings];
      for_each_constant<list.embeddings>([&](auto e) {
        x[e] = lanes.load(row_of<S>(rows, e, row) + first);
        for_each_constant<X::count>([&](auto h) {
          if constexpr (Scaled) x[e].part[h] = x[e].part[h] * scale[e];
          square[e] = fma(x[e].part[h], x[e].part[h], square[e]);
        });
      });
      for_each_constant<list.count>([&](auto k) {
        for_each_constant<X::count>([&](auto h) { dot[k] = fma(x[list.of[k].first].part[h], x[list.of[k].second].part[h], dot[k]); });
      });
    });
    for (std::size_t k = 0; k < list.count; ++k) dots[k * stride + row] = sum_of_lanes(dot[k]);
    for (std::size_t e = 0; e < list.embeddings; ++e) squared[e * stride + row] = sum_of_lanes(square[e]);
  }
}

template <class S, std::size_t Embeddings, bool Scaled, bool Streams>
void product_gradients_of(const unit_rows& rows, const double* coefficients, const double* scales, std::size_t stride,
                          const unit_gradients& to) {
  using X = feature_packs<S, double>;
  for (std::size_t row = 0; row < rows.rows; ++row) {
    P c[Embeddings][Embeddings], scale[Embeddings];
    bool silent = true;
    for (std::size_t e = 0; e < Embeddings; ++e) {
      scale[e] = P(Scaled ? scales[e * stride + row] : 1.0);
      for (std::size_t o = 0; o < Embeddings; ++o) {
        const double of_pair = coefficients[(e * most_embeddings + o) * stride + row];
        c[e][o] = P(of_pair);
        silent &= of_pair == 0.0;
      }
    }
    if (silent) {
      clear<S, Streams>(rows, row, to);
      continue;
    }
    const auto load = [&](std::size_t first, const auto& lanes, X* x) {
      for_each_constant<Embeddings>([&](auto e) {
        x[e] = lanes.load(row_of<S>(rows, e, row) + first);
        if constexpr (Scaled) for_each_constant<X::count>([&](auto h) { x[e].part[h] = x[e].part[h] * scale[e]; });
      });
    };
    const auto place = [&](auto e, const X* x, std::size_t first, const auto& lanes) {
      X g;
      for_each_constant<X::count>([&](auto h) {
        g.part[h] = P(0);
        for_each_constant<Embeddings>([&](auto o) { g.part[h] = fma(x[o].part[h], c[e][o], g.part[h]); });
        if constexpr (Scaled) g.part[h] = g.part[h] * scale[e];
      });
      lanes.template store<Streams>(g, static_cast<S*>(to.of[e]) + row * rows.features + first);
    };
    for_gradients<S, double, Streams, Embeddings, Embeddings>(rows.features, to, load, place);
  }
}

template <class S>
void largest(const unit_rows& rows, std::size_t embeddings, double* to, std::size_t stride) {
  for (std::size_t e = 0; e < embeddings; ++e)
    for (std::size_t row = 0; row < rows.rows; ++row) {
      P most(0);
      for_features<S, double>(rows.features, [&](std::size_t first, const auto& lanes) {
        for (const P& part : lanes.load(row_of<S>(rows, e, row) + first).part) most = larger(abs(part), most);
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
void distances(const unit_rows& rows, const distance_form& form, double* to, std::size_t stride) {
  with_pairs(form.pairs, [&](auto pairs) { distances_of<S, decltype(pairs)::value>(rows, form, to, stride); });
}

template <class S>
void distance_gradients(const unit_rows& rows, const distance_form& form, const double* found, const double* flow, std::size_t stride,
                        const unit_gradients& to) {
  with_pairs(form.pairs, [&](auto pairs) { distance_gradients_of<S, decltype(pairs)::value>(rows, form, found, flow, stride, to); });
}

template <class S>
void products(const unit_rows& rows, embedding_pairs pairs, const double* scales, double* dots, double* squared, std::size_t stride) {
  with_pairs(pairs, [&](auto of) {
    constexpr embedding_pairs constant = decltype(of)::value;
    (scales != nullptr ? products_of<S, constant, true> : products_of<S, constant, false>)(rows, scales, dots, squared, stride);
  });
}

template <class S, std::size_t Embeddings>
void product_gradients_of_units(const unit_rows& rows, const double* coefficients, const double* scales, std::size_t stride,
                                const unit_gradients& to) {
  if (scales != nullptr) product_gradients_of<S, Embeddings, true, false>(rows, coefficients, scales, stride, to);
  else if (to.streams) product_gradients_of<S, Embeddings, false, true>(rows, coefficients, scales, stride, to);
  else product_gradients_of<S, Embeddings, false, false>(rows, coefficients, scales, stride, to);
}

template <class S>
void product_gradients(const unit_rows& rows, std::size_t embeddings, const double* coefficients, const double* scales, std::size_t stride,
                       const unit_gradients& to) {
  (embeddings == 2 ? product_gradients_of_units<S, 2> : product_gradients_of_units<S, 3>)(rows, coefficients, scales, stride, to);
}

template <class S>
constexpr embedding_operations all_of_dtype() {
  return {distances<S>, distance_gradients<S>, products<S>, product_gradients<S>, largest<S>};
}

}  // namespace
}  // namespace FASTLOSS_ISA

constexpr embedding_operations_of_dtypes FASTLOSS_EMBEDDING_OPERATIONS = {{all_of_dtype<float>(), all_of_dtype<double>()}};

}  // namespace fastloss

// From the formula of an anchor's loss to its kernel.
#pragma once

#include <algorithm>
#include <limits>

#include "fastloss/engine/similarity_kernels.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace kernel {
namespace {

template <class L>
void losses_of_anchors(const void* loss, const double* excess, double* values, double* d1, std::size_t count) {
  using P = native_pack<double>;
  const L& l = *static_cast<const L*>(loss);
  for (std::size_t i = 0; i < count; i += P::width) {
    const auto value = l.value(detail::make_dual(P::load(excess + i), one_t{}));
    value.value.store(values + i);
    detail::as_pack<P>(value.tangent).store(d1 + i);
  }
}

template <class L>
void positives_of_anchors(const void* loss, const double* cosines, double* values, double* d1, std::size_t count) {
  using P = native_pack<double>;
  const L& l = *static_cast<const L*>(loss);
  for (std::size_t i = 0; i < count; i += P::width) {
    const auto positive = l.positive(P::load(cosines + i));
    positive.value.store(values + i);
    positive.d1.store(d1 + i);
  }
}

// Additions in a lane before they go on in double: rows of a tile, for the sums of its columns.
inline constexpr std::size_t pair_rows_at_once = 64;

template <class S>
FASTLOSS_FN double sum_of_pairs_in_double(native_pack<S> x) {
  double total = 0.0;
  for (int lane = 0; lane < native_pack<S>::width; ++lane) total += static_cast<double>(x.v[lane]);
  return total;
}

template <class P>
struct pair_result {
  P value, d1;
};

template <class L, class S>
void losses_of_pairs(const void* loss, const similarity_pairs& p) {
  using P = native_pack<S>;
  const L& l = *static_cast<const L*>(loss);
  const similarity_tile& t = p.tile;
  const P scale(static_cast<S>(p.rises ? t.scale : -t.scale)), none(-std::numeric_limits<S>::infinity());
  const bool of_columns = p.columns.logarithm != nullptr;
  const auto evaluate = [&](P cosine, P logarithm) {
    const auto found = l.value(detail::make_dual(fma(cosine, scale, logarithm), one_t{}));
    const auto there = cosine != none;
    return pair_result<P>{select(there, detail::as_pack<P>(found.value), P(0)), select(there, detail::as_pack<P>(found.tangent), P(0))};
  };
  const auto at = [](const void* numbers, std::size_t i) { return static_cast<const S*>(numbers) + i; };
  S values[most_tile_columns], d1[most_tile_columns];
  for (std::size_t first = 0; first < t.rows; first += pair_rows_at_once) {
    const std::size_t last = std::min(first + pair_rows_at_once, t.rows);
    for (std::size_t j = 0; j < t.columns; ++j) values[j] = d1[j] = S(0);
    for (std::size_t i = first; i < last; ++i) {
      S* const row = static_cast<S*>(t.cosines) + i * t.stride;
      const P logarithm(*at(p.rows.logarithm, i));
      P row_values(0), row_d1(0);
      for (std::size_t j = 0; j < t.columns; j += P::width) {
        const P cosine = P::load(row + j);
        const pair_result<P> of_row = evaluate(cosine, logarithm);
        P weight(0);
        if (p.weighs) weight = P(*at(p.rows.coefficient, i)) * of_row.d1;
        row_values += of_row.value;
        row_d1 += of_row.d1;
        if (of_columns) {
          const pair_result<P> of_column = evaluate(cosine, P::load(at(p.columns.logarithm, j)));
          if (p.weighs) weight = fma(P::load(at(p.columns.coefficient, j)), of_column.d1, weight);
          (P::load(values + j) + of_column.value).store(values + j);
          (P::load(d1 + j) + of_column.d1).store(d1 + j);
        }
        if (p.weighs) weight.store(row + j);
      }
      if (p.weighs) continue;
      p.rows.values[i] = sum_of_pairs_in_double<S>(row_values);
      p.rows.d1[i] = sum_of_pairs_in_double<S>(row_d1);
    }
    if (p.weighs || !of_columns) continue;
    for (std::size_t j = 0; j < t.columns; ++j) {
      p.columns.values[j] += static_cast<double>(values[j]);
      p.columns.d1[j] += static_cast<double>(d1[j]);
    }
  }
}

}  // namespace

template <class L>
constexpr similarity_kernels make_similarity_kernels() {
  similarity_kernels kernels{losses_of_anchors<L>, {losses_of_pairs<L, float>, losses_of_pairs<L, double>}, nullptr};
  if constexpr (requires(const L& l, native_pack<double> x) { l.positive(x); }) kernels.of_positives = positives_of_anchors<L>;
  return kernels;
}

}  // namespace kernel
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

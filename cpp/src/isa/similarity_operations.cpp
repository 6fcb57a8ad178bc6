// Sums and weights of pairs by the exponentials of their similarities, for one instruction set.
#include <algorithm>
#include <limits>

#include "fastloss/simd/exp.hpp"
#include "fastloss/simd/lanes.hpp"
#include "isa/parts.hpp"
#include "isa/row_lanes.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

// Additions in a lane before they go on in double: rows of a tile, for the sums of its columns.
constexpr std::size_t rows_at_once = 64;

template <class S>
FASTLOSS_FN S* row_of(const similarity_tile& t, std::size_t i) {
  return static_cast<S*>(t.cosines) + i * t.stride;
}

template <class S>
FASTLOSS_FN double sum_in_double(native_pack<S> x) {
  double total = 0.0;
  for (int lane = 0; lane < native_pack<S>::width; ++lane) total += static_cast<double>(x.v[lane]);
  return total;
}

// Of cosines, what is subtracted from similarities before the exponential is taken: a maximum of theirs, or 0 where there is no pair.
template <class S>
FASTLOSS_FN S shift_of(S largest_cosine, S scale) {
  return largest_cosine == -std::numeric_limits<S>::infinity() ? S(0) : largest_cosine * scale;
}

template <class S>
void find_shifts(const similarity_tile& t, S* of_rows, S* of_columns) {
  using P = native_pack<S>;
  const S scale = static_cast<S>(t.scale);
  constexpr S none = -std::numeric_limits<S>::infinity();
  if (of_columns != nullptr) std::fill_n(of_columns, t.columns, none);
  for (std::size_t i = 0; i < t.rows; ++i) {
    const S* const row = row_of<S>(t, i);
    P most(none);
    for (std::size_t j = 0; j < t.columns; j += P::width) {
      const P x = P::load(row + j);
      most = detail::max(most, x);
      if (of_columns != nullptr) detail::max(P::load(of_columns + j), x).store(of_columns + j);
    }
    of_rows[i] = shift_of(largest_lane(most), scale);
  }
  if (of_columns != nullptr)
    for (std::size_t j = 0; j < t.columns; ++j) of_columns[j] = shift_of(of_columns[j], scale);
}

// exp(scale * cosine - shift). Where the shift is a product itself, rounded, both are: with one rounding of the difference a maximum
// less itself would be what was rounded, which is large where the scale is.
template <bool Bounded, class P>
FASTLOSS_FN P exponential(P cosine, P scale, P shift) {
  if constexpr (Bounded) return detail::exp_nonpositive(fma(cosine, scale, -shift));
  else return detail::exp_nonpositive(cosine * scale - shift);
}

template <class S, bool Bounded, bool Columns>
void add_exponentials(const similarity_tile& t, const S* row_shift, const S* column_shift, double* row_sums, double* column_sums) {
  using P = native_pack<S>;
  const P scale(static_cast<S>(t.scale));
  S of_columns[most_tile_columns];
  for (std::size_t first = 0; first < t.rows; first += rows_at_once) {
    const std::size_t last = std::min(first + rows_at_once, t.rows);
    if constexpr (Columns) std::fill_n(of_columns, t.columns, S(0));
    for (std::size_t i = first; i < last; ++i) {
      const S* const row = row_of<S>(t, i);
      const P shift = Bounded ? scale : P(row_shift[i]);
      P sum(0);
      for (std::size_t j = 0; j < t.columns; j += P::width) {
        const P x = P::load(row + j), e = exponential<Bounded>(x, scale, shift);
        sum += e;
        if constexpr (Columns) {
          const P of_column = Bounded ? e : exponential<Bounded>(x, scale, P::load(column_shift + j));
          (P::load(of_columns + j) + of_column).store(of_columns + j);
        }
      }
      row_sums[i] = sum_in_double<S>(sum);
    }
    if constexpr (Columns)
      for (std::size_t j = 0; j < t.columns; ++j) column_sums[j] += static_cast<double>(of_columns[j]);
  }
}

template <class S>
void sum_exponentials(const similarity_tile& t, const exponential_sums& rows, const exponential_sums& columns) {
  const bool of_columns = columns.sum != nullptr;
  if (of_columns) std::fill_n(columns.sum, t.columns, 0.0);
  if (t.bounded) {
    std::fill_n(rows.maximum, t.rows, t.scale);
    if (of_columns) std::fill_n(columns.maximum, t.columns, t.scale);
    of_columns ? add_exponentials<S, true, true>(t, nullptr, nullptr, rows.sum, columns.sum)
               : add_exponentials<S, true, false>(t, nullptr, nullptr, rows.sum, nullptr);
    return;
  }
  S row_shift[most_tile_columns], column_shift[most_tile_columns];
  find_shifts<S>(t, row_shift, of_columns ? column_shift : nullptr);
  for (std::size_t i = 0; i < t.rows; ++i) rows.maximum[i] = static_cast<double>(row_shift[i]);
  if (!of_columns) {
    add_exponentials<S, false, false>(t, row_shift, nullptr, rows.sum, nullptr);
    return;
  }
  for (std::size_t j = 0; j < t.columns; ++j) columns.maximum[j] = static_cast<double>(column_shift[j]);
  add_exponentials<S, false, true>(t, row_shift, column_shift, rows.sum, columns.sum);
}

template <class S, bool Bounded, bool Columns>
void weigh(const similarity_tile& t, const similarity_weights& w) {
  using P = native_pack<S>;
  const P scale(static_cast<S>(t.scale));
  const S *const row_coefficient = static_cast<const S*>(w.row_coefficient), *const row_shift = static_cast<const S*>(w.row_shift);
  const S *const of_column = static_cast<const S*>(w.column_coefficient), *const column_shift = static_cast<const S*>(w.column_shift);
  for (std::size_t i = 0; i < t.rows; ++i) {
    S* const row = row_of<S>(t, i);
    const P of_row(row_coefficient[i]), shift = Bounded ? scale : P(row_shift[i]);
    for (std::size_t j = 0; j < t.columns; j += P::width) {
      const P x = P::load(row + j), e = exponential<Bounded>(x, scale, shift);
      P weight;
      if constexpr (!Columns) weight = of_row * e;
      else if constexpr (Bounded) weight = (of_row + P::load(of_column + j)) * e;
      else weight = fma(of_row, e, P::load(of_column + j) * exponential<Bounded>(x, scale, P::load(column_shift + j)));
      weight.store(row + j);
    }
  }
}

template <class S>
void weigh_pairs(const similarity_tile& t, const similarity_weights& w) {
  const bool of_columns = w.column_coefficient != nullptr;
  if (t.bounded) of_columns ? weigh<S, true, true>(t, w) : weigh<S, true, false>(t, w);
  else of_columns ? weigh<S, false, true>(t, w) : weigh<S, false, false>(t, w);
}

template <class S>
void keep_largest(const similarity_tile& t, std::size_t columns) {
  constexpr S none = -std::numeric_limits<S>::infinity();
  for (std::size_t i = 0; i < t.rows; ++i) {
    S* const row = row_of<S>(t, i);
    for (std::size_t first = 0; first + columns <= t.columns; first += columns) {
      std::size_t largest = first;
      for (std::size_t j = first + 1; j < first + columns; ++j) largest = row[j] > row[largest] || row[j] != row[j] ? j : largest;
      const S kept = row[largest];
      std::fill_n(row + first, columns, none);
      row[largest] = kept;
    }
  }
}

template <class S>
void part_by_label(const similarity_tile& t, const void* row_labels, const void* column_labels, void* alike) {
  using P = native_pack<S>;
  using I = integer_pack<S, P::width>;
  using integer = typename I::integer;
  const P none(-std::numeric_limits<S>::infinity());
  for (std::size_t i = 0; i < t.rows; ++i) {
    S *const row = row_of<S>(t, i), *const to = static_cast<S*>(alike) + i * t.stride;
    const I label(static_cast<const integer*>(row_labels)[i]);
    for (std::size_t j = 0; j < t.columns; j += P::width) {
      I of_column;
      __builtin_memcpy(&of_column.v, static_cast<const integer*>(column_labels) + j, sizeof of_column.v);
      const P x = P::load(row + j);
      const auto same = of_column == label;
      select(same, x, none).store(to + j);
      select(same, none, x).store(row + j);
    }
  }
}

template <class S>
constexpr similarity_operations operations() {
  return {sum_exponentials<S>, weigh_pairs<S>, keep_largest<S>, part_by_label<S>};
}

}  // namespace
}  // namespace FASTLOSS_ISA

constexpr similarity_operations_of_dtypes FASTLOSS_SIMILARITY_OPERATIONS = {{operations<float>(), operations<double>()}};

}  // namespace fastloss

// Makes the kernels of a function of two sets of boxes from its formula: a box of one set in all lanes meets packs of boxes of the other.
#pragma once

#include <algorithm>

#include "fastloss/engine/box_loop.hpp"
#include "fastloss/engine/box_matrix_kernels.hpp"
#include "fastloss/simd/double_half.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// What a value needs of two boxes. Their areas are known, since a box meets many; what a box_pair has is the same to the bit.
template <class P>
struct box_with_area {
  record_packs<P> corners;
  P area;
};

template <class P>
class overlapping_boxes {
 public:
  FASTLOSS_FN overlapping_boxes(const box_with_area<P>& a, const box_with_area<P>& b)
      : areas_(a.area + b.area), intersection_(common(a, b, 0) * common(a, b, 1)) {}

  FASTLOSS_FN P intersection() const { return intersection_; }
  FASTLOSS_FN P union_area() const { return areas_ - intersection_; }
  FASTLOSS_FN P iou(double eps) const { return ratio(intersection(), union_area() + eps); }
  // NaN where a box_pair is not present(), else 0.
  FASTLOSS_FN P nan_where_absent() const { return areas_ - areas_; }

 private:
  FASTLOSS_FN static P common(const box_with_area<P>& a, const box_with_area<P>& b, int axis) {
    return detail::max(P(0),
                       detail::min(a.corners.of[axis + 2], b.corners.of[axis + 2]) - detail::max(a.corners.of[axis], b.corners.of[axis]));
  }

  P areas_, intersection_;
};

namespace kernel {
namespace {

template <class S>
struct box_preparation_loop {
  using P = native_pack<S>;

  [[gnu::flatten]] static void run(box_format format, const void* records, std::size_t count, void* boxes) {
    const S* const from = static_cast<const S*>(records);
    S* const to = static_cast<S*>(boxes);
    using axis = detail::axis_of_pair<P>;
    for (std::size_t i = 0; i < count; i += P::width) {
      const auto [x1, y1, x2, y2] = corners_from(format, load_records<P, upright_numbers>(from + upright_numbers * i)).of;
      const P numbers[prepared_numbers] = {x1, y1, x2, y2, axis::extent(x2 - x1) * axis::extent(y2 - y1)};
      for (int k = 0; k < prepared_numbers; ++k)
        in_record_order<upright_numbers>(numbers[k]).store(to + static_cast<std::size_t>(k) * matrix_tile_boxes + i);
    }
  }
};

// A prepared box in all lanes, and as many prepared boxes as there are lanes.
template <class P, class S>
FASTLOSS_FN box_with_area<P> one_box(const S* boxes, std::size_t i) {
  const S* const x = boxes + i;
  constexpr std::size_t n = matrix_tile_boxes;
  return {{{P(x[0]), P(x[n]), P(x[2 * n]), P(x[3 * n])}}, P(x[4 * n])};
}
template <class P, class S>
FASTLOSS_FN box_with_area<P> pack_of_boxes(const S* boxes, std::size_t i) {
  const S* const x = boxes + i;
  constexpr std::size_t n = matrix_tile_boxes;
  return {{{P::load(x), P::load(x + n), P::load(x + 2 * n), P::load(x + 3 * n)}}, P::load(x + 4 * n)};
}

template <class L, class S>
struct box_matrix_value_loop {
  using P = native_pack<S>;

  [[gnu::flatten]] static void run(const void* options, const box_matrix_tile& t) {
    const L function = *static_cast<const L*>(options);
    const S* const rows = static_cast<const S*>(t.rows);
    const S* const columns = static_cast<const S*>(t.columns);
    S* value = static_cast<S*>(t.value);
    const std::size_t count = t.column_count;
    for (std::size_t r = 0; r < t.row_count; ++r, value += count) {
      const box_with_area<P> box = one_box<P>(rows, t.first_row + r);
      for (std::size_t i = 0; i < count; i += P::width) {
        const overlapping_boxes<P> pair(box, pack_of_boxes<P>(columns, i));
        (function.value(pair) + pair.nan_where_absent()).store(value + i);
      }
    }
  }
};

// Sums of gradients are formed in the computation dtype within so many boxes, at most 128 in a lane, and in double beyond.
inline constexpr std::size_t boxes_of_a_sum = 256;

FASTLOSS_FN void add_in_double(native_pack<double>& total, native_pack<double> x) { total += x; }
FASTLOSS_FN void add_in_double(native_pack<double>& total, native_pack<float> x) {
  total += detail::widen<0>(x);
  total += detail::widen<1>(x);
}

template <class L, class S, bool OfTarget>
struct box_matrix_gradient_loop {
  using P = native_pack<S>;
  using W = native_pack<double>;
  using record = pack<double, upright_numbers>;

  FASTLOSS_FN static auto pair_of(const record_packs<P>& row, const record_packs<P>& column) {
    if constexpr (OfTarget) return box_pair<P, false, true>(column, row);
    else return box_pair<P, true, false>(row, column);
  }

  [[gnu::flatten]] static void run(const void* options, const box_matrix_tile& t) {
    const L function = *static_cast<const L*>(options);
    const S* const rows = static_cast<const S*>(t.rows);
    const S* const columns = static_cast<const S*>(t.columns);
    const S* factor = static_cast<const S*>(t.factor);
    S* value = static_cast<S*>(t.value);
    const P nan(__builtin_nan(""));
    const std::size_t count = t.column_count, padded = (count + P::width - 1) / P::width * P::width;
    const std::size_t factor_stride = padded_columns(count);
    double* sums = t.sums;
    for (std::size_t r = 0; r < t.row_count; ++r, sums += upright_numbers) {
      const record_packs<P> row = one_box<P>(rows, t.first_row + r).corners;
      record_packs<W> total{{W(0), W(0), W(0), W(0)}};
      for (std::size_t first = 0; first < padded; first += boxes_of_a_sum) {
        const std::size_t last = std::min(padded, first + boxes_of_a_sum);
        record_packs<P> sum{{P(0), P(0), P(0), P(0)}};
        for (std::size_t i = first; i < last; i += P::width) {
          const auto pair = pair_of(row, pack_of_boxes<P>(columns, i).corners);
          const auto result = function.value(pair);
          const auto present = pair.present();
          if (!OfTarget && value != nullptr) select(present, value_of<P>(result), nan).store(value + i);
          const record_packs<P> g = pair.template gradient<OfTarget>(result);
          const P by = select(present, P(1), nan);
          if (factor == nullptr) {
            for (int k = 0; k < upright_numbers; ++k) sum.of[k] += g.of[k] * by;
          } else {
            const P f = P::load(factor + i);
            for (int k = 0; k < upright_numbers; ++k) sum.of[k] += select(f == P(0), P(0), (g.of[k] * f) * by);
          }
        }
        for (int k = 0; k < upright_numbers; ++k) add_in_double(total.of[k], sum.of[k]);
      }
      // Lane by lane: records of four sums.
      double lanes[upright_numbers * W::width];
      store_records(total, lanes, storing::cached);
      auto of_row = record::load(sums);
      for (int i = 0; i < W::width; ++i) of_row += record::load(lanes + upright_numbers * i);
      of_row.store(sums);
      if (value != nullptr) value += count;
      if (factor != nullptr) factor += factor_stride;
    }
  }
};

}  // namespace

template <class L, class S>
constexpr box_matrix_kernels_of_dtype make_box_matrix_kernels() {
  return {box_preparation_loop<S>::run, box_matrix_value_loop<L, S>::run, box_matrix_gradient_loop<L, S, false>::run,
          box_matrix_gradient_loop<L, S, true>::run};
}

}  // namespace kernel
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

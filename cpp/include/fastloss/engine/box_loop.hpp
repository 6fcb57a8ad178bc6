// Makes the kernels of a loss of boxes from its formula: records of four numbers become packs of one coordinate, in the corners of a box
// whatever the format; the formula is evaluated on duals with a derivative for each of a pair's areas and extents.
#pragma once

#include "fastloss/engine/box_kernels.hpp"
#include "fastloss/simd/boxes.hpp"
#include "fastloss/simd/records.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace kernel {

template <class P>
FASTLOSS_FN record_packs<P> corners_from(box_format from, record_packs<P> r) {
  const auto& [a, b, c, d] = r.of;
  if (from == box_format::xywh) return {{a, b, a + c, b + d}};
  if (from == box_format::cxcywh) return {{a - 0.5 * c, b - 0.5 * d, a + 0.5 * c, b + 0.5 * d}};
  return r;
}

// From derivatives in the corners to derivatives in the numbers of the format.
template <class P>
FASTLOSS_FN record_packs<P> gradient_in(box_format format, record_packs<P> r) {
  const auto& [a, b, c, d] = r.of;
  if (format == box_format::xywh) return {{a + c, b + d, c, d}};
  if (format == box_format::cxcywh) return {{a + c, b + d, 0.5 * (c - a), 0.5 * (d - b)}};
  return r;
}

// Unnamed, so that every kernel is private to its object: two objects with kernels of one loss may be compiled with different flags.
namespace {

template <class L, class S, bool InInput, bool InTarget>
struct box_loop {
  using P = native_pack<S>;

  // Flattened: as the loop over elements is.
  [[gnu::flatten]] static void run(const void* options, const box_tile& t) {
    const L loss = *static_cast<const L*>(options);
    const box_format formats[] = {format_of(loss.fmt, 0), format_of(loss.fmt, 1)};
    const S* const input = static_cast<const S*>(t.boxes[0]);
    const S* const target = static_cast<const S*>(t.boxes[1]);
    const S* const factor = static_cast<const S*>(t.factor);
    S* const value = static_cast<S*>(t.value);
    S* const in_input = static_cast<S*>(t.gradients[0]);
    S* const in_target = static_cast<S*>(t.gradients[1]);
    const P nan(__builtin_nan("")), scale(t.scale);
    const std::size_t count = t.count;
    const bool streams = t.streams;
    for (std::size_t i = 0; i < count; i += P::width) {
      const auto a = corners_from(formats[0], load_records<P>(input + box_numbers * i));
      const auto b = corners_from(formats[1], load_records<P>(target + box_numbers * i));
      const box_pair<P, InInput, InTarget> pair(a, b);
      const auto result = loss.value(pair);
      const auto missing = pair.missing();
      in_record_order(select(missing, nan, value_of<P>(result))).store(value + i);
      if constexpr (InInput || InTarget) {
        const P by = select(missing, nan, scale);
        P f;
        if (factor != nullptr) f = in_record_lanes(P::load(factor + i));
        const auto finished = [&](record_packs<P> g) {
          if (factor == nullptr) {
            for (P& x : g.of) x = x * by;
          } else {
            // One after the other: their product may leave the range of the dtype where the result does not.
            for (P& x : g.of) x = select(f == P(0), P(0), (x * f) * by);
          }
          return g;
        };
        if (InInput && (!InTarget || in_input != nullptr))
          store_records(finished(gradient_in(formats[0], pair.template gradient<false>(result))), in_input + box_numbers * i, streams);
        if constexpr (InTarget)
          store_records(finished(gradient_in(formats[1], pair.template gradient<true>(result))), in_target + box_numbers * i, streams);
      }
    }
  }
};

}  // namespace

template <class L, class S>
constexpr box_kernels_of_dtype make_box_kernels() {
  return {box_loop<L, S, false, false>::run, box_loop<L, S, true, false>::run, box_loop<L, S, true, true>::run};
}

}  // namespace kernel
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

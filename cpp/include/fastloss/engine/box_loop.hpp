// Makes the kernels of a loss of boxes from its formula: records become packs of one number each, in the corners of a box whatever the
// format; the formula is evaluated on duals with a derivative for each of a pair's areas and extents, or what rotated pairs have.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fastloss/engine/box_kernels.hpp"
#include "fastloss/simd/boxes.hpp"
#include "fastloss/simd/records.hpp"
#include "fastloss/simd/rotated_boxes.hpp"

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

// Boxes of four numbers between memory and the corners that a pair is made of.
template <class P>
class upright_boxes {
 public:
  static constexpr int numbers = upright_numbers;

  template <class L>
  FASTLOSS_FN explicit upright_boxes(const L& loss) : formats_{format_of(loss.fmt, 0), format_of(loss.fmt, 1)} {}

  template <bool InInput, bool InTarget, class S>
  FASTLOSS_FN auto pair(const S* input, const S* target) const {
    return box_pair<P, InInput, InTarget>(corners_from(formats_[0], load_records<P, numbers>(input)),
                                          corners_from(formats_[1], load_records<P, numbers>(target)));
  }
  template <bool OfTarget, class Pair, class T>
  FASTLOSS_FN auto gradient(const Pair& pair, const T& result) const {
    return gradient_in(formats_[OfTarget], pair.template gradient<OfTarget>(result));
  }

 private:
  box_format formats_[2];
};

template <class P>
class rotated_boxes {
 public:
  static constexpr int numbers = rotated_numbers;

  template <class L>
  FASTLOSS_FN explicit rotated_boxes(const L& loss) : eps_(loss.eps) {}

  template <bool InInput, bool InTarget, class S>
  FASTLOSS_FN auto pair(const S* input, const S* target) const {
    return rotated_pair<P, InInput, InTarget>(load_records<P, numbers>(input), load_records<P, numbers>(target), eps_);
  }
  template <bool OfTarget, class Pair, class T>
  FASTLOSS_FN auto gradient(const Pair& pair, const T& result) const {
    return pair.template gradient<OfTarget>(result);
  }

 private:
  double eps_;
};

// Unnamed, so that every kernel is private to its object: two objects with kernels of one loss may be compiled with different flags.
namespace {

template <class L, class S, bool InInput, bool InTarget>
class box_loop {
 public:
  static void run(const void* options, const box_tile& t) {
    const std::size_t first = boxes_before_line(t), last = first + (t.count - first) / P::width * P::width;
    if (first != last) packs(options, part_of(t, first, last - first));
    if (t.count != last - first) edges(options, t, first, last);
  }

 private:
  using P = native_pack<S>;
  using boxes = std::conditional_t<L::operands[0].is(rotated), rotated_boxes<P>, upright_boxes<P>>;
  static constexpr int numbers = boxes::numbers;
  static constexpr std::size_t box_bytes = numbers * sizeof(S);
  // A page of float32: processors look ahead by themselves, but not into the next page. GIoU of 1M boxes takes 0.95 of the time.
  static constexpr std::size_t boxes_ahead = 256;

  // How many precede the first gradient that lies at a multiple of a pack's size: packs across two lines of a cache take a tenth longer,
  // and streams are of whole lines. For few boxes it does not pay.
  FASTLOSS_FN static std::size_t boxes_before_line(const box_tile& t) {
    if (numbers != upright_numbers || (!InInput && !InTarget) || t.count < 16 * P::width) return 0;
    const std::size_t bytes = -reinterpret_cast<std::uintptr_t>(t.gradients[InInput && t.gradients[0] != nullptr ? 0 : 1]) % sizeof(P);
    return bytes % box_bytes == 0 ? bytes / box_bytes : 0;
  }

  FASTLOSS_FN static box_tile part_of(const box_tile& t, std::size_t first, std::size_t count) {
    const auto at = [&](auto* array, std::size_t each) {
      using byte = std::conditional_t<std::is_const_v<std::remove_pointer_t<decltype(array)>>, const char, char>;
      return array == nullptr ? nullptr : static_cast<byte*>(array) + first * each * sizeof(S);
    };
    box_tile part = t;
    part.count = count;
    part.value = at(t.value, 1);
    part.factor = at(t.factor, 1);
    for (int k = 0; k < 2; ++k) {
      part.boxes[k] = at(t.boxes[k], numbers);
      part.gradients[k] = at(t.gradients[k], numbers);
    }
    return part;
  }

  // The boxes before `first` and those from `last` on, which are less than a pack each: copied to where they make packs, and back.
  static void edges(const void* options, const box_tile& t, std::size_t first, std::size_t last) {
    constexpr std::size_t most = 2 * P::width;
    struct {
      alignas(sizeof(P)) S boxes[2][numbers * most], gradients[2][numbers * most], factor[most], value[most];
    } copy;
    const std::size_t after = t.count - last;
    box_tile packed = t;
    packed.count = first + after > P::width ? most : P::width;
    const auto in = [&](const void* from, S* to, std::size_t each) {
      const S* const all = static_cast<const S*>(from);
      __builtin_memcpy(to, all, first * each * sizeof(S));
      __builtin_memcpy(to + first * each, all + last * each, after * each * sizeof(S));
      __builtin_memset(to + (first + after) * each, 0, (packed.count - first - after) * each * sizeof(S));
    };
    const auto out = [&](const S* from, void* to, std::size_t each) {
      S* const all = static_cast<S*>(to);
      __builtin_memcpy(all, from, first * each * sizeof(S));
      __builtin_memcpy(all + last * each, from + first * each, after * each * sizeof(S));
    };
    packed.value = copy.value;
    packed.streams = false;
    for (int k = 0; k < 2; ++k) {
      in(t.boxes[k], copy.boxes[k], numbers);
      packed.boxes[k] = copy.boxes[k];
      if (t.gradients[k] != nullptr) packed.gradients[k] = copy.gradients[k];
    }
    if (t.factor != nullptr) {
      in(t.factor, copy.factor, 1);
      packed.factor = copy.factor;
    }
    packs(options, packed);
    out(copy.value, t.value, 1);
    for (int k = 0; k < 2; ++k)
      if (t.gradients[k] != nullptr) out(copy.gradients[k], t.gradients[k], numbers);
  }

  // Flattened: as the loop over elements is.
  [[gnu::flatten, gnu::noinline]] static void packs(const void* options, const box_tile& t) {
    const L loss = *static_cast<const L*>(options);
    const boxes form(loss);
    const S* const input = static_cast<const S*>(t.boxes[0]);
    const S* const target = static_cast<const S*>(t.boxes[1]);
    const S* const factor = static_cast<const S*>(t.factor);
    S* const value = static_cast<S*>(t.value);
    S* const in_input = static_cast<S*>(t.gradients[0]);
    S* const in_target = static_cast<S*>(t.gradients[1]);
    const P nan(__builtin_nan("")), scale(t.scale);
    const std::size_t count = t.count;
    const auto streams = [&](const S* to) {
      if (!t.streams) return storing::cached;
      return reinterpret_cast<std::uintptr_t>(to) % sizeof(P) == 0 ? storing::streamed_aligned : storing::streamed;
    };
    const storing how[] = {streams(in_input), streams(in_target)};
    for (std::size_t i = 0; i < count; i += P::width) {
      if (numbers == upright_numbers && t.streams) {  // arrays that are larger than caches
        prefetch_records<P, numbers>(input + numbers * (i + boxes_ahead));
        prefetch_records<P, numbers>(target + numbers * (i + boxes_ahead));
      }
      const auto pair = form.template pair<InInput, InTarget>(input + numbers * i, target + numbers * i);
      const auto result = loss.value(pair);
      const auto present = pair.present();
      in_record_order<numbers>(select(present, value_of<P>(result), nan)).store(value + i);
      if constexpr (InInput || InTarget) {
        const P by = select(present, scale, nan);
        P f;
        if (factor != nullptr) f = in_record_lanes<numbers>(P::load(factor + i));
        const auto finished = [&](record_packs<P, numbers> g) {
          if (factor == nullptr) {
            for (P& x : g.of) x = x * by;
          } else {
            // One after the other: their product may leave the range of the dtype where the result does not.
            for (P& x : g.of) x = select(f == P(0), P(0), (x * f) * by);
          }
          return g;
        };
        if (InInput && (!InTarget || in_input != nullptr))
          store_records(finished(form.template gradient<false>(pair, result)), in_input + numbers * i, how[0]);
        if constexpr (InTarget) store_records(finished(form.template gradient<true>(pair, result)), in_target + numbers * i, how[1]);
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

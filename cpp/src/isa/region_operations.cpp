// Sums over regions and the way back from them, for one instruction set.
#include <cstdint>
#include <utility>

#include "fastloss/simd/double_half.hpp"
#include "fastloss/simd/exp.hpp"
#include "isa/parts.hpp"
#include "isa/row_lanes.hpp"
#include "isa/strided.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

// In the computation dtype within so many packs, at most 16 additions in a lane, and in double beyond.
constexpr std::size_t packs_at_once = 16;

template <class S>
FASTLOSS_FN native_pack<S> pack_at(const void* tile, std::size_t i) {
  return native_pack<S>::load(static_cast<const S*>(tile) + i);
}
template <class S>
FASTLOSS_FN S* at(void* tile, std::size_t i) {
  return static_cast<S*>(tile) + i;
}

FASTLOSS_FN double sum_in_double(native_pack<double> x) {
  double total = 0;
  for (int i = 0; i < native_pack<double>::width; ++i) total += x.v[i];
  return total;
}
FASTLOSS_FN native_pack<double> widened(native_pack<double> x) { return x; }
FASTLOSS_FN native_pack<double> widened(native_pack<float> x) { return detail::widen<0>(x) + detail::widen<1>(x); }

template <class S, bool L1, bool Squared, bool Masked>
FASTLOSS_FN void add_sums_of(const S* p, const S* t, const S* mask, std::size_t count, double* sums) {
  using P = native_pack<S>;
  using W = native_pack<double>;
  W common(0.0), input(0.0), target(0.0);
  for (std::size_t first = 0; first < count; first += packs_at_once * P::width) {
    const std::size_t last = first + packs_at_once * P::width < count ? first + packs_at_once * P::width : count;
    P in_common(0), of_input(0), of_target(0);
    for (std::size_t i = first; i < last; i += P::width) {
      P x = P::load(p + i), y = P::load(t + i);
      if constexpr (Masked) {
        const auto kept = P::load(mask + i) != P(0);
        x = select(kept, x, P(0));
        y = select(kept, y, P(0));
      }
      if constexpr (L1) in_common += select(x < y, x, y);
      else in_common += x * y;
      of_input += Squared ? x * x : x;
      of_target += Squared ? y * y : y;
    }
    common += widened(in_common);
    input += widened(of_input);
    target += widened(of_target);
  }
  sums[0] += sum_in_double(common);
  sums[1] += sum_in_double(input);
  sums[2] += sum_in_double(target);
}

template <class S, bool L1, bool Squared>
void add_sums_masked(const S* p, const S* t, const S* mask, std::size_t count, double* sums) {
  if (mask != nullptr) add_sums_of<S, L1, Squared, true>(p, t, mask, count, sums);
  else add_sums_of<S, L1, Squared, false>(p, t, mask, count, sums);
}

template <class S>
void add_sums(const void* input, const void* target, const void* given_mask, std::size_t count, bool l1, bool squared, double* sums) {
  const S *const p = static_cast<const S*>(input), *const t = static_cast<const S*>(target),
                 *const mask = static_cast<const S*>(given_mask);
  if (l1) squared ? add_sums_masked<S, true, true>(p, t, mask, count, sums) : add_sums_masked<S, true, false>(p, t, mask, count, sums);
  else squared ? add_sums_masked<S, false, true>(p, t, mask, count, sums) : add_sums_masked<S, false, false>(p, t, mask, count, sums);
}

// With Own, the gradient depends on its own region too.
template <class S, bool Own, bool Masked, bool Streams>
void slope_of(const region_slope& s, const region_places& at_place, std::size_t count) {
  using P = native_pack<S>;
  const P by_other(s.by_other), constant(s.constant), by_own(s.by_own), less(s.where_less), equal(0.5 * s.where_less), zero(0);
  for (std::size_t i = 0; i < count; i += P::width) {
    const P other = pack_at<S>(at_place.other, i);
    P g = constant;
    if constexpr (Own) {
      const P own = pack_at<S>(at_place.own, i);
      g += select(own < other, less, select(own == other, equal, zero));
      g += by_own * own;
    }
    g = by_other * other + g;
    if constexpr (Masked) g = select(pack_at<S>(at_place.mask, i) != zero, g, zero);
    if constexpr (Streams) g.stream(at<S>(at_place.out, i));
    else g.store(at<S>(at_place.out, i));
  }
}

template <class S>
void slope(const region_slope& s, const region_places& places, std::size_t count) {
  const bool own = s.by_own != 0.0 || s.where_less != 0.0, masked = places.mask != nullptr;
  if (own) masked ? slope_of<S, true, true, false>(s, places, count) : slope_of<S, true, false, false>(s, places, count);
  else if (masked) slope_of<S, false, true, false>(s, places, count);
  else if (places.streams) slope_of<S, false, false, true>(s, places, count);
  else slope_of<S, false, false, false>(s, places, count);
}

// p and p (1 - p), both from the exponential that is at most 1: where 1 - p is 0 in the dtype, p (1 - p) is not.
template <class S>
void sigmoid(void* probability, void* derivative, const void* logits, std::size_t count) {
  using P = native_pack<S>;
  for (std::size_t i = 0; i < count; i += P::width) {
    const P x = pack_at<S>(logits, i);
    const P e = detail::exp_nonpositive(-abs(x)), inverse = P(1) / (e + 1);
    const P small = e * inverse;
    select(x < P(0), small, inverse).store(at<S>(probability, i));
    (small * inverse).store(at<S>(derivative, i));
  }
}

template <class S, bool Streams>
void through_sigmoid_to(void* out, const void* slopes, const void* derivative, const void* logit_slopes, const void* mask,
                        std::size_t count) {
  using P = native_pack<S>;
  const P zero(0);
  for (std::size_t i = 0; i < count; i += P::width) {
    const P d = pack_at<S>(derivative, i);
    P g = select(d == zero, zero, d * pack_at<S>(slopes, i));
    if (logit_slopes != nullptr) g += pack_at<S>(logit_slopes, i);
    if (mask != nullptr) g = select(pack_at<S>(mask, i) == zero, zero, g);
    if constexpr (Streams) g.stream(at<S>(out, i));
    else g.store(at<S>(out, i));
  }
}

template <class S>
void through_sigmoid(void* out, const void* slopes, const void* derivative, const void* logit_slopes, const void* mask, std::size_t count,
                     bool streams) {
  (streams ? through_sigmoid_to<S, true> : through_sigmoid_to<S, false>)(out, slopes, derivative, logit_slopes, mask, count);
}

template <class S>
void inverse_sum(void* inverse, const void* tail, const void* mask, std::size_t count) {
  using P = native_pack<S>;
  for (std::size_t i = 0; i < count; i += P::width) {
    P r = P(1) / (pack_at<S>(tail, i) + 1);
    if (mask != nullptr) r = select(pack_at<S>(mask, i) == P(0), P(0), r);
    r.store(at<S>(inverse, i));
  }
}

template <class S>
void normalise(void* exps, std::size_t stride, std::size_t classes, const void* inverse, std::size_t count) {
  using P = native_pack<S>;
  for (std::size_t c = 0; c < classes; ++c)
    for (std::size_t i = 0; i < count; i += P::width) {
      const P r = pack_at<S>(inverse, i);
      S* const e = at<S>(exps, c * stride + i);
      select(r == P(0), P(0), P::load(e) * r).store(e);
    }
}

template <class S>
FASTLOSS_FN integer_pack<S, native_pack<S>::width> labels_of(const void* labels, std::size_t i) {
  integer_pack<S, native_pack<S>::width> l;
  __builtin_memcpy(&l.v, static_cast<const label_of<S>*>(labels) + i, sizeof l.v);
  return l;
}

// A pixel that does not count has the inverse 0 and no label.
template <class S>
void add_label_sums(const label_region& r, std::size_t first_class, std::size_t count, region_statistics* sums) {
  using P = native_pack<S>;
  using W = native_pack<double>;
  using I = integer_pack<S, P::width>;
  for (std::size_t c = first_class; c < r.classes; ++c) {
    const I own(static_cast<label_of<S>>(c));
    const std::size_t of_class = c * r.stride;
    W common(0.0), input(0.0), target(0.0);
    for (std::size_t first = 0; first < count; first += packs_at_once * P::width) {
      const std::size_t last = first + packs_at_once * P::width < count ? first + packs_at_once * P::width : count;
      P in_common(0), of_input(0), of_target(0);
      for (std::size_t i = first; i < last; i += P::width) {
        const P inverse = pack_at<S>(r.inverse, i);
        const P p = select(inverse == P(0), P(0), pack_at<S>(r.exps, of_class + i) * inverse);
        const auto here = labels_of<S>(r.labels, i) == own;
        of_input += p;
        in_common += select(here, p, P(0));
        of_target += select(here, P(1), P(0));
      }
      common += widened(in_common);
      input += widened(of_input);
      target += widened(of_target);
    }
    double* const to = sums[c - first_class].of;
    to[region_intersection] += sum_in_double(common);
    to[region_input] += sum_in_double(input);
    to[region_target] += sum_in_double(target);
  }
}

// With g_c the slope in the probability of class c, by_size[c] and, of the pixel's label, by_common[c] beside it: sum p g of each pixel.
template <class S, bool Scores>
void mean_label_slopes(const label_region& r, const label_slopes& s, std::size_t count) {
  using P = native_pack<S>;
  using I = integer_pack<S, P::width>;
  constexpr int most = 4;
  const P zero(0);
  const auto of_packs = [&]<int Packs>(std::integral_constant<int, Packs>, std::size_t i) {
    P mean[Packs], maximum[Packs];
    I label[Packs];
    for (int k = 0; k < Packs; ++k) {
      label[k] = labels_of<S>(r.labels, i + static_cast<std::size_t>(k) * P::width);
      mean[k] = zero;
      if constexpr (Scores) maximum[k] = pack_at<S>(s.maximum, i + static_cast<std::size_t>(k) * P::width);
    }
    for (std::size_t c = 0; c < r.classes; ++c) {
      const I own(static_cast<label_of<S>>(c));
      const P size(s.by_size[c]), both(s.by_size[c] + s.by_common[c]);
      for (int k = 0; k < Packs; ++k) {
        const std::size_t place = i + static_cast<std::size_t>(k) * P::width;
        S* const exps = at<S>(r.exps, c * r.stride + place);
        P e;
        if constexpr (Scores) {
          e = detail::exp_nonpositive(P::load(static_cast<const S*>(s.scores) + static_cast<std::ptrdiff_t>(c) * s.scores_stride + place) -
                                      maximum[k]);
          e.store(exps);
        } else {
          e = P::load(exps);
        }
        mean[k] += e * select(label[k] == own, both, size);
      }
    }
    for (int k = 0; k < Packs; ++k) {
      const std::size_t place = i + static_cast<std::size_t>(k) * P::width;
      (mean[k] * pack_at<S>(r.inverse, place)).store(at<S>(s.mean, place));
    }
  };
  std::size_t i = 0;
  for (; i + most * P::width <= count; i += most * P::width) of_packs(std::integral_constant<int, most>{}, i);
  for (; i < count; i += P::width) of_packs(std::integral_constant<int, 1>{}, i);
}

// p_c (g_c - mean) - d p_c, and d for the label, with d the slope in the logarithm of the label's probability. 1 - p of the label is made
// of what is left of the exponentials. A class after the other: stores that stream fill whole lines.
template <class S, bool Terms, bool Streams>
void label_gradient_of(const label_region& r, const label_slopes& s, std::size_t count) {
  using P = native_pack<S>;
  using I = integer_pack<S, P::width>;
  const P zero(0);
  for (std::size_t c = 0; c < r.classes; ++c) {
    const I own(static_cast<label_of<S>>(c));
    const P size(s.by_size[c]), both(s.by_size[c] + s.by_common[c]);
    const S* const exps = static_cast<const S*>(r.exps) + c * r.stride;
    S* const out = static_cast<S*>(s.out) + static_cast<std::ptrdiff_t>(c) * s.stride;
    for (std::size_t i = 0; i < count; i += P::width) {
      const P inverse = pack_at<S>(r.inverse, i), e = P::load(exps + i), p = e * inverse;
      const auto here = labels_of<S>(r.labels, i) == own;
      P g = p * (select(here, both, size) - pack_at<S>(s.mean, i));
      if constexpr (Terms) {
        const P rest = (pack_at<S>(s.tail, i) + (P(1) - e)) * inverse;
        g += pack_at<S>(s.terms, i) * select(here, rest, -p);
      }
      g = select(inverse == zero, zero, g);
      if constexpr (Streams) g.stream(out + i);
      else g.store(out + i);
    }
  }
}

template <class S>
void label_gradient(const label_region& r, const label_slopes& s, std::size_t count) {
  s.scores != nullptr ? mean_label_slopes<S, true>(r, s, count) : mean_label_slopes<S, false>(r, s, count);
  if (s.terms != nullptr) s.streams ? label_gradient_of<S, true, true>(r, s, count) : label_gradient_of<S, true, false>(r, s, count);
  else s.streams ? label_gradient_of<S, false, true>(r, s, count) : label_gradient_of<S, false, false>(r, s, count);
}

template <class S>
void through_softmax(void* slopes, const void* probabilities, const void* logit_slopes, std::size_t stride, std::size_t classes,
                     std::size_t count) {
  using P = native_pack<S>;
  for (std::size_t i = 0; i < count; i += P::width) {
    P mean(0), all(0);
    for (std::size_t c = 0; c < classes; ++c) {
      mean += pack_at<S>(probabilities, c * stride + i) * pack_at<S>(slopes, c * stride + i);
      if (logit_slopes != nullptr) all += pack_at<S>(logit_slopes, c * stride + i);
    }
    for (std::size_t c = 0; c < classes; ++c) {
      S* const g = at<S>(slopes, c * stride + i);
      P of_class = pack_at<S>(probabilities, c * stride + i) * ((P::load(g) - mean) - all);
      if (logit_slopes != nullptr) of_class += pack_at<S>(logit_slopes, c * stride + i);
      of_class.store(g);
    }
  }
}

template <class S>
void one_class(void* out, const void* labels, std::int64_t label, std::size_t count) {
  using label_type = label_of<S>;
  const label_type* const y = static_cast<const label_type*>(labels);
  const label_type c = static_cast<label_type>(label);
  for (std::size_t i = 0; i < count; ++i) static_cast<S*>(out)[i] = y[i] == c ? S(1) : S(0);
}

template <class S>
void unlike(void* mask, const void* given, const void* x, double value, std::size_t count) {
  S* const m = static_cast<S*>(mask);
  const S v = static_cast<S>(value);
  for (std::size_t i = 0; i < count; ++i)
    m[i] = static_cast<const S*>(x)[i] == v ? S(0) : given == nullptr ? S(1) : static_cast<const S*>(given)[i];
}

template <class S>
std::size_t count_labels(const void* labels, std::size_t count) {
  const label_of<S>* const y = static_cast<const label_of<S>*>(labels);
  std::size_t found = 0;
  for (std::size_t i = 0; i < count; ++i) found += y[i] >= 0;
  return found;
}

template <class T, bool Swapped>
bool any_bit_beyond_the_first(const void* base, const strided_run& run) {
  const char* const from = static_cast<const char*>(base);
  T bits{};
  for_each_row(run, [&](std::ptrdiff_t offset, std::ptrdiff_t stride, std::size_t, std::size_t n) {
    const char* const p = from + offset;
    if (stride == static_cast<std::ptrdiff_t>(sizeof(T)))
      for (std::size_t i = 0; i < n; ++i) bits = static_cast<T>(bits | read<T, Swapped>(p + i * sizeof(T)));
    else
      for (std::size_t i = 0; i < n; ++i) bits = static_cast<T>(bits | read<T, Swapped>(p + static_cast<std::ptrdiff_t>(i) * stride));
  });
  return static_cast<T>(bits & static_cast<T>(~T(1))) != T(0);
}

template <dtype T>
constexpr void add_integer(region_operations& o) {
  if constexpr (!is_floating(T) && T != dtype::boolean) {
    o.any_bit_beyond_the_first[static_cast<int>(T)][0] = any_bit_beyond_the_first<element<T>, false>;
    o.any_bit_beyond_the_first[static_cast<int>(T)][1] = any_bit_beyond_the_first<element<T>, true>;
  }
}

template <class S, int... T>
constexpr region_operations make_regions(std::integer_sequence<int, T...>) {
  region_operations o{};
  o.add_sums = add_sums<S>;
  o.slope = slope<S>;
  o.sigmoid = sigmoid<S>;
  o.through_sigmoid = through_sigmoid<S>;
  o.inverse_sum = inverse_sum<S>;
  o.normalise = normalise<S>;
  o.add_label_sums = add_label_sums<S>;
  o.label_gradient = label_gradient<S>;
  o.through_softmax = through_softmax<S>;
  o.count_labels = count_labels<S>;
  o.one_class = one_class<S>;
  o.unlike = unlike<S>;
  (add_integer<static_cast<dtype>(T)>(o), ...);
  return o;
}

template <class S>
constexpr region_operations all_of_dtype() {
  return make_regions<S>(std::make_integer_sequence<int, dtype_count>{});
}

}  // namespace
}  // namespace FASTLOSS_ISA

constexpr region_operations_of_dtypes FASTLOSS_REGION_OPERATIONS = {{all_of_dtype<float>(), all_of_dtype<double>()}};

}  // namespace fastloss

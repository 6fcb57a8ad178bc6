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

// The probabilities of a pack of labels, and what is missing to 1 of each, which is made of what is left of the exponentials.
template <class S>
struct label_probability {
  native_pack<S> p, rest;
};
template <class S>
FASTLOSS_FN label_probability<S> probability_of_labels(const label_region& r, std::size_t i) {
  using P = native_pack<S>;
  const P inverse = pack_at<S>(r.inverse, i), e = detail::exp_nonpositive(pack_at<S>(r.label_score, i));
  const auto none = inverse == P(0);
  return {select(none, P(0), e * inverse), select(none, P(0), (pack_at<S>(r.tail, i) + (P(1) - e)) * inverse)};
}

// Sums of the probabilities of a class.
template <class S, bool Whole>
FASTLOSS_FN double class_sum(const label_region& r, std::size_t c, std::size_t count) {
  using P = native_pack<S>;
  native_pack<double> total(0.0);
  for (std::size_t first = 0; first < count; first += packs_at_once * P::width) {
    const std::size_t last = first + packs_at_once * P::width < count ? first + packs_at_once * P::width : count;
    P sum(0);
    for (std::size_t i = first; i < last; i += P::width) {
      const P inverse = pack_at<S>(r.inverse, i), p = pack_at<S>(r.exps, c * r.stride + i) * inverse;
      sum += Whole ? p : select(inverse == P(0), P(0), p);
    }
    total += widened(sum);
  }
  return sum_in_double(total);
}

// Labels take what is theirs one by one: neighbours often have the same, and their sums would wait for each other.
template <class S>
void add_own_sums(const label_region& r, std::size_t first_class, std::size_t count, region_statistics* sums) {
  using P = native_pack<S>;
  constexpr std::size_t chains = 4, most_classes = 64;
  double common[chains][most_classes] = {}, sizes[chains][most_classes] = {};
  const bool few = r.classes <= most_classes;
  for (std::size_t i = 0; i < count; i += P::width) {
    S p[P::width];
    probability_of_labels<S>(r, i).p.store(p);
    const label_of<S>* const labels = static_cast<const label_of<S>*>(r.labels) + i;
    for (std::size_t k = 0; k < P::width; ++k) {
      if (labels[k] < static_cast<label_of<S>>(first_class)) continue;
      const std::size_t c = static_cast<std::size_t>(labels[k]);
      (few ? common[k % chains][c] : sums[c - first_class].of[region_intersection]) += static_cast<double>(p[k]);
      (few ? sizes[k % chains][c] : sums[c - first_class].of[region_target]) += 1.0;
    }
  }
  for (std::size_t c = first_class; few && c < r.classes; ++c)
    for (std::size_t k = 0; k < chains; ++k) {
      sums[c - first_class].of[region_intersection] += common[k][c];
      sums[c - first_class].of[region_target] += sizes[k][c];
    }
}

template <class S>
void add_label_sums(const label_region& r, std::size_t first_class, std::size_t count, region_statistics* sums) {
  for (std::size_t c = first_class; c < r.classes; ++c)
    sums[c - first_class].of[region_input] += r.whole ? class_sum<S, true>(r, c, count) : class_sum<S, false>(r, c, count);
  add_own_sums<S>(r, first_class, count, sums);
}

// With g_c the slope in the probability of class c, by_size[c] and, of the pixel's label, by_common[c] beside it: adds exp by_size of some
// classes to the sums of the pixels. Scores of one class and the next may be far apart, where they share few lines of a cache: few
// classes at a time, and the next are sent for.
template <class S, int Classes, bool Scores>
FASTLOSS_FN void sum_label_slopes(const label_region& r, const label_slopes& s, std::size_t first, std::size_t count) {
  using P = native_pack<S>;
  const S* const maximum = static_cast<const S*>(s.maximum);
  S* const sums = static_cast<S*>(s.common);
  const S* scores[Classes];
  S* exps[Classes];
  P size[Classes];
  for (int k = 0; k < Classes; ++k) {
    const std::size_t c = first + static_cast<std::size_t>(k);
    if constexpr (Scores) scores[k] = static_cast<const S*>(s.scores) + static_cast<std::ptrdiff_t>(c) * s.scores_stride;
    exps[k] = static_cast<S*>(r.exps) + c * r.stride;
    size[k] = P(s.by_size[c]);
  }
  const std::ptrdiff_t next = Classes * s.scores_stride;
  for (std::size_t i = 0; i < count; i += P::width) {
    P sum = first == 0 ? P(0) : P::load(sums + i);
    for (int k = 0; k < Classes; ++k) {
      P e;
      if constexpr (Scores) {
        fetch<sizeof(P)>(reinterpret_cast<const char*>(scores[k] + next + i));
        e = detail::exp_nonpositive(P::load(scores[k] + i) - P::load(maximum + i));
        e.store(exps[k] + i);
      } else {
        e = P::load(exps[k] + i);
      }
      sum = fma(e, size[k], sum);
    }
    sum.store(sums + i);
  }
}

// What is taken from the slope of every class of a pixel, the mean of them all and the term's, and the gradient in the label's score.
template <class S>
FASTLOSS_FN void split_label_slopes(const label_region& r, const label_slopes& s, std::size_t i) {
  using P = native_pack<S>;
  const P inverse = pack_at<S>(r.inverse, i), zero(0);
  const label_of<S>* const labels = static_cast<const label_of<S>*>(r.labels) + i;
  S common_of[P::width], own_of[P::width];
  for (int k = 0; k < P::width; ++k) {
    const bool none = labels[k] < 0;
    common_of[k] = none ? S(0) : static_cast<S>(s.by_common[labels[k]]);
    own_of[k] = none ? S(0) : static_cast<S>(s.by_size[labels[k]] + s.by_common[labels[k]]);
  }
  const label_probability<S> own = probability_of_labels<S>(r, i);
  const P mean = fma(own.p, P::load(common_of), pack_at<S>(s.common, i) * inverse),
          term = s.terms == nullptr ? zero : pack_at<S>(s.terms, i);
  const auto none = inverse == zero;
  select(none, zero, mean + term).store(at<S>(s.common, i));
  select(none, zero, fma(own.p, P::load(own_of) - mean, term * own.rest)).store(at<S>(s.own, i));
}

template <class S, bool Scores>
void label_means(const label_region& r, const label_slopes& s, std::size_t count) {
  constexpr int together = 4;
  std::size_t c = 0;
  for (; c + together <= r.classes; c += together) sum_label_slopes<S, together, Scores>(r, s, c, count);
  for (; c < r.classes; ++c) sum_label_slopes<S, 1, Scores>(r, s, c, count);
  for (std::size_t i = 0; i < count; i += native_pack<S>::width) split_label_slopes<S>(r, s, i);
}

// p_c (g_c - common), but for the label. A class after the other: stores that stream fill whole lines.
template <class S, bool Whole, bool Streams>
void label_gradient_of(const label_region& r, const label_slopes& s, std::size_t count) {
  using P = native_pack<S>;
  using I = integer_pack<S, P::width>;
  for (std::size_t c = 0; c < r.classes; ++c) {
    const I here(static_cast<label_of<S>>(c));
    const P size(s.by_size[c]);
    const S* const exps = static_cast<const S*>(r.exps) + c * r.stride;
    S* const out = static_cast<S*>(s.out) + static_cast<std::ptrdiff_t>(c) * s.stride;
    for (std::size_t i = 0; i < count; i += P::width) {
      const P inverse = pack_at<S>(r.inverse, i);
      P g = (P::load(exps + i) * inverse) * (size - pack_at<S>(s.common, i));
      if constexpr (!Whole) g = select(inverse == P(0), P(0), g);
      g = select(labels_of<S>(r.labels, i) == here, pack_at<S>(s.own, i), g);
      if constexpr (Streams) g.stream(out + i);
      else g.store(out + i);
    }
  }
}

template <class S>
void label_gradient(const label_region& r, const label_slopes& s, std::size_t count) {
  s.scores != nullptr ? label_means<S, true>(r, s, count) : label_means<S, false>(r, s, count);
  if (r.whole) s.streams ? label_gradient_of<S, true, true>(r, s, count) : label_gradient_of<S, true, false>(r, s, count);
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

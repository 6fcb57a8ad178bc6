// Row operations on tiles whose classes have their rows side by side: each lane of a pack is a row. The number of rows is a whole
// number of packs; what the lanes behind the last row hold is computed on and goes nowhere.
#pragma once

#include <type_traits>

#include "isa/row_lanes.hpp"
#include "isa/row_products.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {
namespace row_contiguous {

template <class S>
FASTLOSS_FN S* class_of(const row_tile& t, std::size_t c) {
  return static_cast<S*>(t.data) + static_cast<std::ptrdiff_t>(c) * t.stride;
}

template <class S>
FASTLOSS_FN integer_pack<S, native_pack<S>::width> labels_at(const void* labels, std::size_t r) {
  integer_pack<S, native_pack<S>::width> l;
  __builtin_memcpy(&l.v, static_cast<const label_of<S>*>(labels) + r, sizeof l.v);
  return l;
}

template <class S, class P>
FASTLOSS_FN P times_weight(const S* weights, std::size_t c, P x) {
  if (weights == nullptr) return x;
  return weights[c] == S(0) ? P(0) : P(weights[c]) * x;
}

// Sums in lanes go on in double after this many classes.
inline constexpr std::size_t classes_of_a_sum = 64;
// Rows of which the running sums are kept in L1.
inline constexpr std::size_t rows_of_a_strip = 256;

template <class S>
FASTLOSS_FN void largest_scores(row_extent extent, const row_tile& scores, S* maximum) {
  using P = native_pack<S>;
  for (std::size_t r = 0; r < extent.rows; r += P::width) {
    P most = P::load(class_of<S>(scores, 0) + r);
    for (std::size_t c = 1; c < extent.classes; ++c) most = detail::max(P::load(class_of<S>(scores, c) + r), most);
    most.store(maximum + r);
  }
}

// Scores of one class and the next are far apart in the caller's memory, where they share few lines of a cache: the pass that
// looks for the largest takes them along.
template <class S>
FASTLOSS_FN void copy_and_find_largest(row_extent extent, const row_tile& scores, const row_tile& copy, S* maximum) {
  using P = native_pack<S>;
  constexpr std::size_t together = 4;
  std::size_t c = 0;
  const auto take = [&](std::size_t r, auto count) {
    P most(-__builtin_inff());
    for (std::size_t k = 0; k < count; ++k) {
      const P z = P::load(class_of<S>(scores, c + k) + r);
      z.store(class_of<S>(copy, c + k) + r);
      fetch<sizeof(P)>(reinterpret_cast<const char*>(class_of<S>(scores, c + k + together) + r));
      most = detail::max(z, most);
    }
    (c == 0 ? most : detail::max(most, P::load(maximum + r))).store(maximum + r);
  };
  for (; c + together <= extent.classes; c += together)
    for (std::size_t r = 0; r < extent.rows; r += P::width) take(r, std::integral_constant<std::size_t, together>{});
  for (; c < extent.classes; ++c)
    for (std::size_t r = 0; r < extent.rows; r += P::width) take(r, std::integral_constant<std::size_t, 1>{});
}

// The sums of a few packs of rows, in registers.
template <class S, int Packs, bool Keep, bool Weighted>
void softmax_strip(const shift_pass& p, const row_tile& scores, std::size_t first) {
  using P = native_pack<S>;
  using I = integer_pack<S, P::width>;
  constexpr std::size_t w = P::width;
  const S* const weights = static_cast<const S*>(p.weights);
  P maximum[Packs], label_score[Packs], ties[Packs];
  I labels[Packs];
  compensated<P> rest[Packs], weighted[Packs];
  for (std::size_t k = 0; k < Packs; ++k) {
    maximum[k] = P::load(static_cast<const S*>(p.maximum) + first + k * w);
    labels[k] = p.labels == nullptr ? I(-1) : labels_at<S>(p.labels, first + k * w);
    label_score[k] = ties[k] = P(0);
  }
  for (std::size_t from = 0; from < p.extent.classes; from += classes_of_a_sum) {
    const std::size_t left = p.extent.classes - from, to = from + (left < classes_of_a_sum ? left : classes_of_a_sum);
    P part[Packs], weighted_part[Packs];
    for (std::size_t k = 0; k < Packs; ++k) part[k] = weighted_part[k] = P(0);
    for (std::size_t c = from; c < to; ++c) {
      const S* const z = class_of<S>(scores, c) + first;
      S* const e = Keep ? class_of<S>(p.exps, c) + first : nullptr;
      const I here(static_cast<label_of<S>>(c));
      if (p.ahead != 0) fetch<Packs * sizeof(P)>(reinterpret_cast<const char*>(class_of<S>(p.scores, c) + first) + p.ahead);
      for (std::size_t k = 0; k < Packs; ++k) {
        const P x = P::load(z + k * w) - maximum[k];
        const P y = detail::exp_nonpositive(x);
        if constexpr (Keep) y.store(e + k * w);
        const auto largest = x == P(0);
        part[k] += select(largest, P(0), y);
        ties[k] += select(largest, P(1), P(0));
        label_score[k] = select(labels[k] == here, x, label_score[k]);
        if constexpr (Weighted) weighted_part[k] += times_weight(weights, c, x);
      }
    }
    for (std::size_t k = 0; k < Packs; ++k) {
      rest[k].add(part[k]);
      if constexpr (Weighted) weighted[k].add(weighted_part[k]);
    }
  }
  for (std::size_t k = 0; k < Packs; ++k) {
    const std::size_t r = first + k * w;
    label_score[k].store(static_cast<S*>(p.label_score) + r);
    compensated<P> tail = rest[k];
    tail.add(ties[k] - 1);
    tail.value().store(static_cast<S*>(p.tail) + r);
    if constexpr (Weighted) weighted[k].value_or_infinity().store(static_cast<S*>(p.weighted) + r);
  }
}

template <class S, bool Keep, bool Weighted>
void softmax_strips(const shift_pass& p, const row_tile& scores) {
  constexpr std::size_t w = native_pack<S>::width;
  std::size_t first = 0;
  for (; first + 4 * w <= p.extent.rows; first += 4 * w) softmax_strip<S, 4, Keep, Weighted>(p, scores, first);
  for (; first < p.extent.rows; first += w) softmax_strip<S, 1, Keep, Weighted>(p, scores, first);
}

template <class S>
void softmax(const shift_pass& p) {
  const row_tile scores = p.copy.data != nullptr ? p.copy : p.scores;
  if (p.copy.data != nullptr) copy_and_find_largest<S>(p.extent, p.scores, p.copy, static_cast<S*>(p.maximum));
  else if (!p.maximum_given) largest_scores<S>(p.extent, p.scores, static_cast<S*>(p.maximum));
  const bool keep = p.exps.data != nullptr, weighted = p.weighted != nullptr;
  if (keep) (weighted ? softmax_strips<S, true, true> : softmax_strips<S, true, false>)(p, scores);
  else (weighted ? softmax_strips<S, false, true> : softmax_strips<S, false, false>)(p, scores);
}

template <class S>
void maximum(row_extent extent, row_tile scores, void* to) {
  largest_scores<S>(extent, scores, static_cast<S*>(to));
}

template <class S, bool Streams>
void gradient_of_classes(const gradient_pass& p) {
  using P = native_pack<S>;
  using I = integer_pack<S, P::width>;
  const S *const coef_d1 = static_cast<const S*>(p.coef_d1), *const coef_exp = static_cast<const S*>(p.coef_exp);
  const S *const constant = static_cast<const S*>(p.constant), *const at_label = static_cast<const S*>(p.at_label);
  for (std::size_t c = 0; c < p.extent.classes; ++c) {
    const S* const d1 = p.d1.data == nullptr ? nullptr : class_of<S>(p.d1, c);
    const S* const exps = p.exps.data == nullptr ? nullptr : class_of<S>(p.exps, c);
    S* const out = class_of<S>(p.out, c);
    const I here(static_cast<label_of<S>>(c));
    for (std::size_t r = 0; r < p.extent.rows; r += P::width) {
      P g(0);
      if (exps != nullptr) {
        const P f = P::load(coef_exp + r);
        g = select(f == P(0), P(0), P::load(exps + r) * f);
      }
      if (d1 != nullptr) {
        const P f = P::load(coef_d1 + r);
        g = select(f == P(0), g, fma(P::load(d1 + r), f, g));
      }
      if (constant != nullptr) g += times_weight(static_cast<const S*>(p.weights), c, P::load(constant + r));
      if (at_label != nullptr) g = select(labels_at<S>(p.labels, r) == here, P::load(at_label + r), g);
      if constexpr (Streams) g.stream(out + r);
      else g.store(out + r);
    }
  }
}

template <class S>
void gradient(const gradient_pass& p) {
  (p.streams ? gradient_of_classes<S, true> : gradient_of_classes<S, false>)(p);
}

template <class S>
void largest(row_extent extent, row_tile scores, const void* labels, void* maximum, void* index) {
  using P = native_pack<S>;
  using I = integer_pack<S, P::width>;
  for (std::size_t r = 0; r < extent.rows; r += P::width) {
    P most(-__builtin_inf());
    I at(-1);
    for (std::size_t c = 0; c < extent.classes; ++c) {
      const P z = P::load(class_of<S>(scores, c) + r);
      const I here(static_cast<label_of<S>>(c));
      auto better = (z > most) | is_nan(z) | (at == I(-1));
      if (labels != nullptr) better = better & !(labels_at<S>(labels, r) == here);
      better = better & !is_nan(most);
      most = select(better, z, most);
      at = select(better, here, at);
    }
    most.store(static_cast<S*>(maximum) + r);
    __builtin_memcpy(static_cast<label_of<S>*>(index) + r, &at.v, sizeof at.v);
  }
}

template <class S>
void gather(row_extent extent, row_tile scores, const void* labels, void* label_score) {
  for (std::size_t r = 0; r < extent.rows; ++r) {
    const label_of<S> label = static_cast<const label_of<S>*>(labels)[r];
    static_cast<S*>(label_score)[r] = label < 0 ? S(0) : class_of<S>(scores, static_cast<std::size_t>(label))[r];
  }
}

template <class S>
void scatter(row_extent extent, const void* labels, const void* values, row_tile out) {
  for (std::size_t r = 0; r < extent.rows; ++r) {
    const label_of<S> label = static_cast<const label_of<S>*>(labels)[r];
    if (label >= 0) class_of<S>(out, static_cast<std::size_t>(label))[r] = static_cast<const S*>(values)[r];
  }
}

template <class S>
void subtract(row_extent extent, row_tile scores, const void* first, const void* second, row_tile out) {
  using P = native_pack<S>;
  const S *const a = static_cast<const S*>(first), *const b = static_cast<const S*>(second);
  for (std::size_t c = 0; c < extent.classes; ++c) {
    const S* const z = class_of<S>(scores, c);
    S* const u = class_of<S>(out, c);
    for (std::size_t r = 0; r < extent.rows; r += P::width) {
      const P d = P::load(z + r) - P::load(a + r);
      (b == nullptr ? d : d - P::load(b + r)).store(u + r);
    }
  }
}

template <class S>
void scale(row_extent extent, row_tile tile, const void* weights) {
  using P = native_pack<S>;
  for (std::size_t c = 0; c < extent.classes; ++c) {
    S* const x = class_of<S>(tile, c);
    for (std::size_t r = 0; r < extent.rows; r += P::width) times_weight(static_cast<const S*>(weights), c, P::load(x + r)).store(x + r);
  }
}

template <class S>
void broadcast(row_extent extent, const void* numbers, row_tile out) {
  using P = native_pack<S>;
  for (std::size_t c = 0; c < extent.classes; ++c)
    for (std::size_t r = 0; r < extent.rows; r += P::width) P(static_cast<const S*>(numbers)[c]).store(class_of<S>(out, c) + r);
}

template <class S>
void sum(row_extent extent, row_tile tile, void* sums) {
  for (std::size_t first = 0; first < extent.rows; first += rows_of_a_strip) {
    const std::size_t left = extent.rows - first, rows = left < rows_of_a_strip ? left : rows_of_a_strip;
    double total[rows_of_a_strip];
    for (std::size_t r = 0; r < rows; ++r) total[r] = 0.0;
    for (std::size_t from = 0; from < extent.classes; from += classes_of_a_sum) {
      const std::size_t rest = extent.classes - from, to = from + (rest < classes_of_a_sum ? rest : classes_of_a_sum);
      double part[rows_of_a_strip];
      for (std::size_t r = 0; r < rows; ++r) part[r] = 0.0;
      for (std::size_t c = from; c < to; ++c) {
        const S* const x = class_of<S>(tile, c) + first;
        for (std::size_t r = 0; r < rows; ++r) part[r] += static_cast<double>(x[r]);
      }
      for (std::size_t r = 0; r < rows; ++r) total[r] += part[r];
    }
    for (std::size_t r = 0; r < rows; ++r) static_cast<S*>(sums)[first + r] = static_cast<S>(total[r]);
  }
}

template <class S>
void add_to_classes(row_extent extent, row_tile tile, const void* factors, double* sums) {
  const S* const f = static_cast<const S*>(factors);
  for (std::size_t c = 0; c < extent.classes; ++c) {
    const S* const x = class_of<S>(tile, c);
    double total = 0.0;
    for (std::size_t r = 0; r < extent.rows; ++r) {
      const double product = static_cast<double>(f[r]) * static_cast<double>(x[r]);
      total += f[r] == S(0) ? 0.0 : product;
    }
    sums[c] += total;
  }
}

}  // namespace row_contiguous
}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

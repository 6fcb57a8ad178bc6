// Row operations on tiles whose rows have their classes side by side: packs run along a row. A row has at least one pack of
// classes; the last pack overlaps the one before it, so nothing outside of the row is touched and there is no scalar tail.
#pragma once

#include "isa/row_lanes.hpp"
#include "isa/row_products.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {
namespace class_contiguous {

template <class S>
FASTLOSS_FN S* row_of(const row_tile& t, std::size_t r) {
  return static_cast<S*>(t.data) + static_cast<std::ptrdiff_t>(r) * t.stride;
}

template <class S>
FASTLOSS_FN label_of<S> label_at(const void* labels, std::size_t r) {
  return labels == nullptr ? label_of<S>(-1) : static_cast<const label_of<S>*>(labels)[r];
}

template <class S>
FASTLOSS_FN S largest_score(const S* z, std::size_t classes) {
  using P = native_pack<S>;
  constexpr std::size_t w = P::width;
  P most[4];
  for (P& m : most) m = P::load(z);
  std::size_t i = 0;
  for (; i + 4 * w <= classes; i += 4 * w)
    for (std::size_t k = 0; k < 4; ++k) most[k] = detail::max(P::load(z + i + k * w), most[k]);
  for (; i + w <= classes; i += w) most[0] = detail::max(P::load(z + i), most[0]);
  most[0] = detail::max(P::load(z + classes - w), most[0]);
  return largest_lane(detail::max(detail::max(most[0], most[1]), detail::max(most[2], most[3])));
}

// Sums over one row: of the exponentials that are not 1, of those that are, and of the weighted scores.
template <class S, bool Keep, bool Weighted>
struct row_sums {
  using P = native_pack<S>;
  using I = integer_pack<S, P::width>;
  static constexpr std::size_t w = P::width;

  P most;
  const S* z;
  S* e;
  const S* weights;
  std::size_t ahead;
  vector_of_double rest{}, weighted{};
  I ties{0};

  FASTLOSS_FN void step(std::size_t i, P& rest_of, P& weighted_of) {
    const P x = P::load(z + i) - most;
    const P y = detail::exp_nonpositive(x);
    if constexpr (Keep) y.store(e + i);
    const auto largest = x == P(0);
    rest_of += select(largest, P(0), y);
    ties = select(largest, ties + I(1), ties);
    if constexpr (Weighted) weighted_of += weights == nullptr ? x : mul0(P::load(weights + i), x);
  }

  template <std::size_t Packs>
  FASTLOSS_FN void fetch_ahead(std::size_t i) const {
    fetch<Packs * sizeof(P)>(reinterpret_cast<const char*>(z + i) + ahead);
  }

  FASTLOSS_FN void run(std::size_t classes) {
    const std::size_t whole = classes / w * w;
    std::size_t i = 0;
    while (i < whole) {
      const std::size_t left = whole - i, stop = i + (left < packs_of_a_sum * w ? left : packs_of_a_sum * w);
      P part[4] = {0, 0, 0, 0}, scores[4] = {0, 0, 0, 0};
      for (; i + 4 * w <= stop; i += 4 * w) {
        fetch_ahead<4>(i);
        for (std::size_t k = 0; k < 4; ++k) step(i + k * w, part[k], scores[k]);
      }
      for (; i < stop; i += w) {
        fetch_ahead<1>(i);
        step(i, part[0], scores[0]);
      }
      rest += widened((part[0] + part[1]) + (part[2] + part[3]));
      if constexpr (Weighted) weighted += widened((scores[0] + scores[1]) + (scores[2] + scores[3]));
    }
    if (whole < classes) {
      fetch_ahead<1>(whole);
      const std::size_t at = classes - w;
      const auto fresh = lane_numbers<P>() >= P(static_cast<double>(whole - at));
      const P x = P::load(z + at) - most;
      const P y = detail::exp_nonpositive(x);
      if constexpr (Keep) y.store(e + at);
      const auto largest = x == P(0);
      rest += widened(select(fresh, select(largest, P(0), y), P(0)));
      ties = select(fresh & largest, ties + I(1), ties);
      if constexpr (Weighted) weighted += widened(select(fresh, weights == nullptr ? x : mul0(P::load(weights + at), x), P(0)));
    }
  }

  FASTLOSS_FN std::int64_t tie_count() const {
    label_of<S> lanes[w];
    __builtin_memcpy(lanes, &ties.v, sizeof lanes);
    label_of<S> count = 0;
    for (const label_of<S> n : lanes) count += n;
    return count;
  }
};

template <class S, bool Keep, bool Weighted>
void softmax_rows(const shift_pass& p) {
  using P = native_pack<S>;
  S *const maximum = static_cast<S*>(p.maximum), *const tail = static_cast<S*>(p.tail);
  for (std::size_t r = 0; r < p.extent.rows; ++r) {
    const S* const z = row_of<S>(p.scores, r);
    const S most = p.maximum_given ? maximum[r] : largest_score(z, p.extent.classes);
    row_sums<S, Keep, Weighted> sums{P(most), z, Keep ? row_of<S>(p.exps, r) : nullptr, static_cast<const S*>(p.weights), p.ahead};
    sums.run(p.extent.classes);
    maximum[r] = most;
    const double below = lanes_sum(sums.rest);
    const std::int64_t ties = sums.tie_count();
    tail[r] = static_cast<S>(below + static_cast<double>(ties - 1));
    if (p.parts != nullptr) {
      p.parts[2 * r] = below;
      p.parts[2 * r + 1] = static_cast<double>(ties);
    }
    if constexpr (Weighted) static_cast<S*>(p.weighted)[r] = static_cast<S>(lanes_sum(sums.weighted));
    const label_of<S> label = label_at<S>(p.labels, r);
    static_cast<S*>(p.label_score)[r] = label < 0 ? S(0) : z[label] - most;
  }
}

template <class S>
void softmax(const shift_pass& p) {
  const bool keep = p.exps.data != nullptr, weighted = p.weighted != nullptr;
  if (keep) (weighted ? softmax_rows<S, true, true> : softmax_rows<S, true, false>)(p);
  else (weighted ? softmax_rows<S, false, true> : softmax_rows<S, false, false>)(p);
}

template <class S>
void maximum(row_extent extent, row_tile scores, void* to) {
  for (std::size_t r = 0; r < extent.rows; ++r) static_cast<S*>(to)[r] = largest_score(row_of<S>(scores, r), extent.classes);
}

template <class S>
struct gradient_row {
  using P = native_pack<S>;
  static constexpr std::size_t w = P::width;
  const S *d1, *exps, *weights;
  P coef_d1, coef_exp, constant;
  bool has_constant;

  FASTLOSS_FN P at(std::size_t i) const {
    P g(0);
    if (exps != nullptr) g = P::load(exps + i) * coef_exp;
    if (d1 != nullptr) g = fma(P::load(d1 + i), coef_d1, g);
    if (has_constant) g += weights == nullptr ? constant : constant * P::load(weights + i);
    return g;
  }
};

template <class S, bool Streams>
FASTLOSS_FN void write(native_pack<S> g, S* to) {
  if constexpr (Streams) g.stream(to);
  else g.store(to);
}

// The last pack overlaps the one before; lines already streamed must not be written again, so only what is new goes out, in
// pieces of 16 bytes.
template <class S, bool Streams>
FASTLOSS_FN void write_last(native_pack<S> g, S* to, std::size_t written) {
  using P = native_pack<S>;
  if constexpr (Streams && P::width * sizeof(S) > 16) {
    constexpr std::size_t piece = 16 / sizeof(S);
    S lane[P::width];
    g.store(lane);
    for (std::size_t i = written; i < static_cast<std::size_t>(P::width); i += piece) {
      pack<S, static_cast<int>(piece)>::load(lane + i).stream(to + i);
    }
  } else {
    g.store(to);
  }
}

template <class S, bool Streams, class Row>
FASTLOSS_FN void write_row(const Row& row, std::size_t classes, label_of<S> label, S at_label, S* out) {
  using P = native_pack<S>;
  constexpr std::size_t w = P::width;
  const std::size_t whole = classes / w * w;
  const std::size_t target = label < 0 ? classes : static_cast<std::size_t>(label);
  const P lane = lane_numbers<P>();
  const auto with_label = [&](P g, std::size_t i) {
    return select(lane == P(static_cast<double>(target) - static_cast<double>(i)), P(at_label), g);
  };
  const std::size_t stop = target / w * w < whole ? target / w * w : whole;
  std::size_t i = 0;
  for (; i < stop; i += w) write<S, Streams>(row.at(i), out + i);
  if (i < whole) {
    write<S, Streams>(with_label(row.at(i), i), out + i);
    for (i += w; i < whole; i += w) write<S, Streams>(row.at(i), out + i);
  }
  if (whole < classes) write_last<S, Streams>(with_label(row.at(classes - w), classes - w), out + (classes - w), whole - (classes - w));
}

template <class S>
struct zeros {
  FASTLOSS_FN native_pack<S> at(std::size_t) const { return native_pack<S>(0); }
};

template <class S>
struct scaled_exps {
  using P = native_pack<S>;
  const S* exps;
  P coef_exp;
  FASTLOSS_FN P at(std::size_t i) const { return P::load(exps + i) * coef_exp; }
};

template <class S, bool Streams>
void gradient_rows(const gradient_pass& p) {
  using P = native_pack<S>;
  const auto number = [](const void* numbers, std::size_t r) { return numbers == nullptr ? S(0) : static_cast<const S*>(numbers)[r]; };
  for (std::size_t r = 0; r < p.extent.rows; ++r) {
    const S coef_d1 = number(p.coef_d1, r), scale = number(p.coef_exp, r), constant = number(p.constant, r);
    const label_of<S> label = label_at<S>(p.labels, r);
    const S at_label = number(p.at_label, r);
    S* const out = row_of<S>(p.out, r);
    if (coef_d1 == S(0) && scale == S(0) && constant == S(0)) write_row<S, Streams>(zeros<S>{}, p.extent.classes, label, at_label, out);
    else if (p.d1.data == nullptr && constant == S(0))
      write_row<S, Streams>(scaled_exps<S>{row_of<S>(p.exps, r), P(scale)}, p.extent.classes, label, at_label, out);
    else {
      const gradient_row<S> row{coef_d1 == S(0) ? nullptr : row_of<S>(p.d1, r),
                                scale == S(0) ? nullptr : row_of<S>(p.exps, r),
                                static_cast<const S*>(p.weights),
                                P(coef_d1),
                                P(scale),
                                P(constant),
                                constant != S(0)};
      write_row<S, Streams>(row, p.extent.classes, label, at_label, out);
    }
  }
}

template <class S>
void gradient(const gradient_pass& p) {
  (p.streams ? gradient_rows<S, true> : gradient_rows<S, false>)(p);
}

// The scores of one row with one class left out, which is what `in_place_of_it` says instead.
template <class S>
struct scores_but_one {
  using P = native_pack<S>;
  static constexpr std::size_t w = P::width;
  const S* z;
  std::size_t classes;
  label_of<S> left_out;

  FASTLOSS_FN P at(std::size_t i, S in_place_of_it) const {
    const P x = P::load(z + i);
    const std::size_t lane = static_cast<std::size_t>(left_out) - i;  // of no lane where it is elsewhere
    return lane < w ? select(lane_numbers<P>() == P(static_cast<double>(lane)), P(in_place_of_it), x) : x;
  }

  // A NaN if there is one.
  FASTLOSS_FN S largest() const {
    const S nothing = -__builtin_inff();
    P most[4] = {nothing, nothing, nothing, nothing};
    auto poisoned = most[0] != most[0];
    const auto look = [&](std::size_t k, std::size_t i) {
      const P x = at(i, nothing);
      most[k] = detail::max(x, most[k]);
      poisoned = poisoned | is_nan(x);
    };
    std::size_t i = 0;
    for (; i + 4 * w <= classes; i += 4 * w)
      for (std::size_t k = 0; k < 4; ++k) look(k, i + k * w);
    for_each_pack<P>(classes - i, [&](std::size_t j) { look(0, i + j); }, [&](std::size_t, std::size_t) { look(1, classes - w); });
    if (any(poisoned)) return __builtin_nanf("");
    return largest_lane(detail::max(detail::max(most[0], most[1]), detail::max(most[2], most[3])));
  }

  // The first class that has this score, or the first NaN.
  FASTLOSS_FN label_of<S> find(S score) const {
    const bool nan = score != score;
    const S other = nan ? S(0) : static_cast<S>(__builtin_nanf(""));
    const auto is = [&](P x) { return nan ? is_nan(x) : x == P(score); };
    std::size_t i = 0;
    while (i + w <= classes && !any(is(at(i, other)))) i += w;
    for (; i < classes; ++i)
      if (static_cast<label_of<S>>(i) != left_out && (nan ? z[i] != z[i] : z[i] == score)) return static_cast<label_of<S>>(i);
    return label_of<S>(-1);
  }
};

template <class S>
void largest(row_extent extent, row_tile scores, const void* labels, void* maximum, void* index) {
  for (std::size_t r = 0; r < extent.rows; ++r) {
    const scores_but_one<S> row{row_of<S>(scores, r), extent.classes, label_at<S>(labels, r)};
    const S most = row.largest();
    static_cast<S*>(maximum)[r] = most;
    static_cast<label_of<S>*>(index)[r] = row.find(most);
  }
}

template <class S>
void gather(row_extent extent, row_tile scores, const void* labels, void* label_score) {
  for (std::size_t r = 0; r < extent.rows; ++r) {
    const label_of<S> label = label_at<S>(labels, r);
    static_cast<S*>(label_score)[r] = label < 0 ? S(0) : row_of<S>(scores, r)[label];
  }
}

template <class S>
void scatter(row_extent extent, const void* labels, const void* values, row_tile out) {
  for (std::size_t r = 0; r < extent.rows; ++r) {
    const label_of<S> label = label_at<S>(labels, r);
    if (label >= 0) row_of<S>(out, r)[label] = static_cast<const S*>(values)[r];
  }
}

template <class S>
void subtract(row_extent extent, row_tile scores, const void* first, const void* second, row_tile out) {
  using P = native_pack<S>;
  for (std::size_t r = 0; r < extent.rows; ++r) {
    const S* const z = row_of<S>(scores, r);
    S* const u = row_of<S>(out, r);
    const P a(static_cast<const S*>(first)[r]), b(second == nullptr ? S(0) : static_cast<const S*>(second)[r]);
    const auto at = [&](std::size_t i) { return (P::load(z + i) - a) - b; };
    for_each_pack<P>(extent.classes, [&](std::size_t i) { at(i).store(u + i); }, [&](std::size_t i, std::size_t) { at(i).store(u + i); });
  }
}

template <class S>
void scale(row_extent extent, row_tile tile, const void* weights) {
  const S* const w = static_cast<const S*>(weights);
  for (std::size_t r = 0; r < extent.rows; ++r) {
    S* const x = row_of<S>(tile, r);
#pragma GCC ivdep
    for (std::size_t c = 0; c < extent.classes; ++c) {
      const S product = w[c] * x[c];
      x[c] = w[c] == S(0) ? S(0) : product;
    }
  }
}

template <class S>
void broadcast(row_extent extent, const void* numbers, row_tile out) {
  for (std::size_t r = 0; r < extent.rows; ++r) __builtin_memcpy(row_of<S>(out, r), numbers, extent.classes * sizeof(S));
}

template <class S>
void sum(row_extent extent, row_tile tile, void* sums) {
  using P = native_pack<S>;
  constexpr std::size_t w = P::width;
  for (std::size_t r = 0; r < extent.rows; ++r) {
    const S* const x = row_of<S>(tile, r);
    const std::size_t whole = extent.classes / w * w;
    vector_of_double total{};
    std::size_t i = 0;
    while (i + 4 * w <= whole) {
      const std::size_t left = whole - i, stop = i + (left < packs_of_a_sum * w ? left : packs_of_a_sum * w);
      vector_of_double part{};
      for (; i + 4 * w <= stop; i += 4 * w)
        part += widened((P::load(x + i) + P::load(x + i + w)) + (P::load(x + i + 2 * w) + P::load(x + i + 3 * w)));
      total += part;
    }
    for (; i < whole; i += w) total += widened(P::load(x + i));
    double s = lanes_sum(total);
    for (; i < extent.classes; ++i) s += static_cast<double>(x[i]);
    static_cast<S*>(sums)[r] = static_cast<S>(s);
  }
}

template <class S>
void add_to_classes(row_extent extent, row_tile tile, const void* factors, double* sums) {
  for (std::size_t r = 0; r < extent.rows; ++r) {
    const S* const x = row_of<S>(tile, r);
    const double f = static_cast<double>(static_cast<const S*>(factors)[r]);
    if (f == 0.0) continue;
#pragma GCC ivdep
    for (std::size_t c = 0; c < extent.classes; ++c) sums[c] += f * static_cast<double>(x[c]);
  }
}

}  // namespace class_contiguous
}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

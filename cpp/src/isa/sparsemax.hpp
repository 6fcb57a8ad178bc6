// Projection of rows onto the simplex (A. Martins and R. Astudillo, From Softmax to Sparsemax, 2016), in double.
#pragma once

#include "isa/row_lanes.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

// What is found of each row beside its projection, in the lanes of P: the shift is that of shift_pass.
template <class P>
struct projection {
  P shift, tail;
};

// The rows that the lanes of P stand for. Scores are less the largest of their row. Classes within 1 of it may be on the support;
// they are listed where the probabilities will be, which takes no further memory: entry k of the list is never behind class k.
//
//   P score(c)                a NaN of a row is not below anything, and so is listed
//   std::size_t list_near()   lists the classes that are near in any row, in order; their number
//   std::size_t near(k)       entry k of the list
//   void put(c, P)
template <class P, class Rows>
FASTLOSS_FN projection<P> project(const Rows& rows, std::size_t classes) {
  const P zero(0), one(1);
  const std::size_t listed = rows.list_near();
  P threshold(-1), count(0);
  auto poisoned = zero != zero;
  // The threshold rises to its fixed point: each step drops the classes below it, of which there are ever fewer.
  for (bool moves = true; moves;) {
    compensated<P> sum;
    P above(0);
    for (std::size_t k = 0; k < listed; ++k) {
      const P x = rows.score(rows.near(k));
      const auto on = x > threshold;
      poisoned = poisoned | is_nan(x);
      sum.add(select(on, x, zero));
      above += select(on, one, zero);
    }
    const auto moved = (!poisoned) & (above != count) & (above > zero);
    threshold = select(moved, (sum.value() - one) / above, threshold);
    count = above;
    moves = any(moved);
  }
  const P nan(__builtin_nan("")), beside = select(poisoned, nan, zero);
  compensated<P> spread;
  std::size_t next = classes;
  for (std::size_t k = listed; k-- > 0;) {
    const std::size_t c = rows.near(k);
    for (std::size_t other = c + 1; other < next; ++other) rows.put(other, beside);
    const P x = rows.score(c) - threshold;
    const P probability = select(poisoned, nan, select(x > zero, x, zero));
    spread.add(probability * (one - probability));
    rows.put(c, probability);
    next = c;
  }
  for (std::size_t other = 0; other < next; ++other) rows.put(other, beside);
  return {(threshold + one) - spread.value() * 0.5, beside};
}

namespace class_contiguous {

// One row.
template <class S>
struct row_to_project {
  using P = pack<double, 1>;
  const S* scores;
  S* probabilities;
  S most;
  std::size_t classes;

  FASTLOSS_FN P score(std::size_t c) const { return static_cast<double>(scores[c]) - static_cast<double>(most); }
  FASTLOSS_FN std::size_t near(std::size_t k) const { return static_cast<std::size_t>(__builtin_bit_cast(label_of<S>, probabilities[k])); }
  FASTLOSS_FN void put(std::size_t c, P x) const { probabilities[c] = static_cast<S>(x.v); }

  FASTLOSS_FN std::size_t list_near() const {
    using W = native_pack<S>;
    constexpr std::size_t w = W::width;
    // Somewhat less than the bound, which rounding may raise.
    const S magnitude = most < S(0) ? -most : most;
    const W bound(most - (S(1.01) + magnitude * (sizeof(S) == 4 ? S(0x1p-20) : S(0x1p-49))));
    std::size_t listed = 0;
    const auto list = [&](std::size_t from, std::size_t to) {
      for (std::size_t c = from; c < to; ++c) {
        probabilities[listed] = __builtin_bit_cast(S, static_cast<label_of<S>>(c));
        listed += static_cast<std::size_t>(!(score(c).v <= -1.0));
      }
    };
    std::size_t c = 0;
    for (; c + w <= classes; c += w)
      if (any(!(W::load(scores + c) < bound))) list(c, c + w);
    list(c, classes);
    return listed;
  }
};

template <class S>
void sparsemax(const shift_pass& p) {
  const std::size_t classes = p.extent.classes;
  for (std::size_t r = 0; r < p.extent.rows; ++r) {
    const S* const z = row_of<S>(p.scores, r);
    const S most = largest_score(z, classes);
    const auto found = project<pack<double, 1>>(row_to_project<S>{z, row_of<S>(p.exps, r), most, classes}, classes);
    static_cast<S*>(p.maximum)[r] = most;
    static_cast<S*>(p.tail)[r] = static_cast<S>(found.tail.v);
    static_cast<S*>(p.shift)[r] = static_cast<S>(found.shift.v);
    const label_of<S> label = label_at<S>(p.labels, r);
    static_cast<S*>(p.label_score)[r] = label < 0 ? S(0) : z[label] - most;
  }
}

}  // namespace class_contiguous

namespace row_contiguous {

FASTLOSS_FN native_pack<double> load_doubles(const double* from) { return native_pack<double>::load(from); }
FASTLOSS_FN native_pack<double> load_doubles(const float* from) {
  half_vector_of_float narrow;
  __builtin_memcpy(&narrow, from, sizeof narrow);
  const auto wide = __builtin_convertvector(narrow, vector_of_double);
  native_pack<double> x;
  __builtin_memcpy(&x.v, &wide, sizeof wide);
  return x;
}

FASTLOSS_FN void store_doubles(native_pack<double> x, double* to) { x.store(to); }
FASTLOSS_FN void store_doubles(native_pack<double> x, float* to) {
  vector_of_double wide;
  __builtin_memcpy(&wide, &x.v, sizeof wide);
  const auto narrow = __builtin_convertvector(wide, half_vector_of_float);
  __builtin_memcpy(to, &narrow, sizeof narrow);
}

// As many rows as a pack has doubles.
template <class S>
struct rows_to_project {
  using P = native_pack<double>;
  const shift_pass& p;
  std::size_t first;
  P most;

  FASTLOSS_FN P score(std::size_t c) const { return load_doubles(class_of<S>(p.scores, c) + first) - most; }
  FASTLOSS_FN std::size_t near(std::size_t k) const {
    return static_cast<std::size_t>(__builtin_bit_cast(label_of<S>, class_of<S>(p.exps, k)[first]));
  }
  FASTLOSS_FN void put(std::size_t c, P x) const { store_doubles(x, class_of<S>(p.exps, c) + first); }

  FASTLOSS_FN std::size_t list_near() const {
    std::size_t listed = 0;
    for (std::size_t c = 0; c < p.extent.classes; ++c) {
      class_of<S>(p.exps, listed)[first] = __builtin_bit_cast(S, static_cast<label_of<S>>(c));
      listed += static_cast<std::size_t>(any(!(score(c) <= P(-1))));
    }
    return listed;
  }
};

template <class S>
void sparsemax(const shift_pass& p) {
  using P = native_pack<double>;
  S *const maximum = static_cast<S*>(p.maximum), *const label_score = static_cast<S*>(p.label_score);
  largest_scores<S>(p.extent, p.scores, maximum);
  for (std::size_t r = 0; r < p.extent.rows; r += P::width) {
    const auto found = project<P>(rows_to_project<S>{p, r, load_doubles(maximum + r)}, p.extent.classes);
    store_doubles(found.tail, static_cast<S*>(p.tail) + r);
    store_doubles(found.shift, static_cast<S*>(p.shift) + r);
  }
  for (std::size_t r = 0; r < p.extent.rows; ++r) {
    const label_of<S> label = p.labels == nullptr ? label_of<S>(-1) : static_cast<const label_of<S>*>(p.labels)[r];
    label_score[r] = label < 0 ? S(0) : class_of<S>(p.scores, static_cast<std::size_t>(label))[r] - maximum[r];
  }
}

}  // namespace row_contiguous
}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Second derivatives on tiles whose classes have their rows side by side.
#pragma once

#include "isa/row_contiguous.hpp"
#include "isa/row_hess.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {
namespace row_contiguous {

// Adds the lanes to as many doubles.
FASTLOSS_FN void add_lanes(double* to, native_pack<double> x) { (native_pack<double>::load(to) + x).store(to); }
FASTLOSS_FN void add_lanes(double* to, native_pack<float> x) {
  constexpr int half = native_pack<double>::width;
  half_vector_of_float part[2];
  __builtin_memcpy(part, &x.v, sizeof part);
  for (int k = 0; k < 2; ++k) {
    const auto wide = __builtin_convertvector(part[k], vector_of_double);
    native_pack<double> y;
    __builtin_memcpy(&y.v, &wide, sizeof wide);
    add_lanes(to + k * half, y);
  }
}

template <class S, class Kind>
struct hess_kernel {
  using P = native_pack<S>;
  using I = integer_pack<S, P::width>;
  using strip = hess_strip<S, Kind, rows_of_a_strip>;

  // The numbers of a pack of rows.
  struct numbers {
    const strip& s;
    const S* tails;
    std::size_t r;
    FASTLOSS_FN P coef_exp() const { return P::load(s.coef_exp + r); }
    FASTLOSS_FN P base() const { return P::load(s.base + r); }
    FASTLOSS_FN P mean() const { return P::load(s.mean + r); }
    FASTLOSS_FN P along_mean() const { return P::load(s.along_mean + r); }
    FASTLOSS_FN P constant() const { return P::load(s.constant + r); }
    FASTLOSS_FN P inverse_sum() const { return P::load(s.inverse_sum + r); }
    FASTLOSS_FN P tail() const { return P::load(tails + r); }
    FASTLOSS_FN P coef_d2() const { return P::load(s.coef_d2 + r); }
    FASTLOSS_FN P at_base() const { return P::load(s.at_base + r); }
  };

  // Sums over the classes; each pack of products goes on in double.
  static FASTLOSS_FN void add_up(strip& s, const hess_pass& p, std::size_t first, std::size_t rows) {
    if constexpr (!Kind::product && !Kind::support && Kind::d2 != second_derivatives::everywhere) return;
    const S* const tails = static_cast<const S*>(p.tail) + first;
    for (std::size_t c = 0; c < p.extent.classes; ++c) {
      const S* const exps = class_of<S>(p.exps, c) + first;
      const S* const vector = Kind::product ? class_of<S>(p.vector, c) + first : nullptr;
      const S* const d2 = Kind::d2 == second_derivatives::everywhere ? class_of<S>(p.d2, c) + first : nullptr;
      for (std::size_t r = 0; r < rows; r += P::width) {
        const P e = P::load(exps + r), v = Kind::product ? P::load(vector + r) : P(0);
        if constexpr (Kind::support) {
          const auto on = e > P(0);
          add_lanes(s.support + r, select(on, P(1), P(0)));
          if constexpr (Kind::product) add_lanes(s.mean_sum + r, select(on, v, P(0)));
          if constexpr (Kind::product) add_lanes(s.along + r, e * v);
        } else if constexpr (Kind::product) {
          const auto on_base = e == exponential_of_base(P::load(tails + r));
          select(on_base, v, P::load(s.base + r)).store(s.base + r);
          add_lanes(s.mean_sum + r, select(on_base, P(0), e * v));
        }
        if constexpr (Kind::d2 == second_derivatives::everywhere) {
          P b = P::load(d2 + r);
          if constexpr (!Kind::support) {
            const auto on_base = e == exponential_of_base(P::load(tails + r));
            select(on_base, b, P::load(s.base_d2 + r)).store(s.base_d2 + r);
            b = select(on_base, P(0), b);
          }
          add_lanes(s.d2_sum + r, b);
          if constexpr (Kind::product) add_lanes(s.d2_times_vector + r, b * v);
        }
      }
    }
  }

  static void run(const hess_pass& p) { (p.streams ? tile<true> : tile<false>)(p); }

  template <bool Streams>
  static void tile(const hess_pass& p) {
    strip s;
    for (std::size_t first = 0; first < p.extent.rows; first += rows_of_a_strip) {
      const std::size_t left = p.extent.rows - first, rows = left < rows_of_a_strip ? left : rows_of_a_strip;
      s.clear(rows);
      add_up(s, p, first, rows);
      s.finish(p, first, rows);
      for (std::size_t c = 0; c < p.extent.classes; ++c) {
        const S* const exps = class_of<S>(p.exps, c) + first;
        const S* const vector = Kind::product ? class_of<S>(p.vector, c) + first : nullptr;
        const S* const d2 = Kind::d2 == second_derivatives::everywhere ? class_of<S>(p.d2, c) + first : nullptr;
        S* const out = class_of<S>(p.out, c) + first;
        const I here(static_cast<label_of<S>>(c));
        for (std::size_t r = 0; r < rows; r += P::width) {
          P g = hess_of_pack<Kind>(numbers{s, static_cast<const S*>(p.tail) + first, r}, P::load(exps + r),
                                   Kind::product ? P::load(vector + r) : P(0),
                                   Kind::d2 == second_derivatives::everywhere ? P::load(d2 + r) : P(0));
          if constexpr (Kind::d2 == second_derivatives::at_label)
            g = select(labels_at<S>(p.labels, first + r) == here, P::load(s.at_label + r), g);
          g = select(P::load(s.live + r) == P(0), P(0), g);
          if constexpr (Streams) g.stream(out + r);
          else g.store(out + r);
        }
      }
    }
  }
};

template <class S>
void hess(const hess_pass& p) {
  run_hess<S, hess_kernel>(p);
}

}  // namespace row_contiguous
}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

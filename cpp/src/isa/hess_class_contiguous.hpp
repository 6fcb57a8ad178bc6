// Second derivatives on tiles whose rows have their classes side by side.
#pragma once

#include "isa/class_contiguous.hpp"
#include "isa/row_hess.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {
namespace class_contiguous {

template <class S, class Kind>
struct hess_of_row {
  using P = native_pack<S>;
  using strip = hess_strip<S, Kind, 1>;
  static constexpr std::size_t w = P::width;

  // The numbers of the row, in every lane.
  struct numbers {
    P coef_exp_, base_, mean_, along_mean_, constant_, inverse_sum_, tail_, coef_d2_, at_base_;
    numbers(const strip& s, S tail)
        : coef_exp_(s.coef_exp[0]),
          base_(s.base[0]),
          mean_(s.mean[0]),
          along_mean_(s.along_mean[0]),
          constant_(s.constant[0]),
          inverse_sum_(s.inverse_sum[0]),
          tail_(tail),
          coef_d2_(s.coef_d2[0]),
          at_base_(s.at_base[0]) {}
    FASTLOSS_FN P coef_exp() const { return coef_exp_; }
    FASTLOSS_FN P base() const { return base_; }
    FASTLOSS_FN P mean() const { return mean_; }
    FASTLOSS_FN P along_mean() const { return along_mean_; }
    FASTLOSS_FN P constant() const { return constant_; }
    FASTLOSS_FN P inverse_sum() const { return inverse_sum_; }
    FASTLOSS_FN P tail() const { return tail_; }
    FASTLOSS_FN P coef_d2() const { return coef_d2_; }
    FASTLOSS_FN P at_base() const { return at_base_; }
  };

  const S *exps, *vector, *d2;
  numbers of;

  FASTLOSS_FN P at(std::size_t i) const {
    return hess_of_pack<Kind>(of, P::load(exps + i), Kind::product ? P::load(vector + i) : P(0),
                              Kind::d2 == second_derivatives::everywhere ? P::load(d2 + i) : P(0));
  }

  // Sums over the classes; each pack of products goes on in double.
  struct sums {
    vector_of_double mean[2] = {}, along[2] = {}, support[2] = {}, d2_sums[2] = {}, d2_times_vector[2] = {};
    P base{0}, base_d2{0}, one;

    explicit sums(S tail) : one(exponential_of_base(P(tail))) {}

    FASTLOSS_FN void add(std::size_t k, P e, P v, P b) {
      if constexpr (Kind::support) {
        const auto on = e > P(0);
        support[k] += widened(select(on, P(1), P(0)));
        if constexpr (Kind::product) mean[k] += widened(select(on, v, P(0)));
        if constexpr (Kind::product) along[k] += widened(e * v);
      } else if constexpr (Kind::product) {
        const auto on_base = e == one;
        base = select(on_base, v, base);
        mean[k] += widened(select(on_base, P(0), e * v));
      }
      if constexpr (Kind::d2 == second_derivatives::everywhere) {
        const auto on_base = e == one;
        const P other = Kind::support ? b : select(on_base, P(0), b);
        if constexpr (!Kind::support) base_d2 = select(on_base, b, base_d2);
        d2_sums[k] += widened(other);
        if constexpr (Kind::product) d2_times_vector[k] += widened(other * v);
      }
    }
  };

  static FASTLOSS_FN void add_up(strip& s, const S* e, const S* v, const S* b, std::size_t classes, S tail) {
    if constexpr (!Kind::product && !Kind::support && Kind::d2 != second_derivatives::everywhere) return;
    const auto at = [](const S* x, std::size_t i) { return x == nullptr ? P(0) : P::load(x + i); };
    sums total(tail);
    std::size_t i = 0;
    for (; i + 2 * w <= classes; i += 2 * w) {
      total.add(0, at(e, i), at(v, i), at(b, i));
      total.add(1, at(e, i + w), at(v, i + w), at(b, i + w));
    }
    for (; i + w <= classes; i += w) total.add(0, at(e, i), at(v, i), at(b, i));
    if (i < classes) {
      const std::size_t last = classes - w;
      const auto fresh = lane_numbers<P>() >= P(static_cast<double>(i - last));
      const auto kept = [&](P x) { return select(fresh, x, P(0)); };
      total.add(1, kept(at(e, last)), kept(at(v, last)), kept(at(b, last)));
    }
    s.mean_sum[0] = lanes_sum(total.mean[0] + total.mean[1]);
    s.along[0] = lanes_sum(total.along[0] + total.along[1]);
    s.support[0] = lanes_sum(total.support[0] + total.support[1]);
    s.d2_sum[0] = lanes_sum(total.d2_sums[0] + total.d2_sums[1]);
    s.d2_times_vector[0] = lanes_sum(total.d2_times_vector[0] + total.d2_times_vector[1]);
    s.base[0] = static_cast<S>(lanes_sum(widened(total.base)));
    s.base_d2[0] = static_cast<S>(lanes_sum(widened(total.base_d2)));
  }
};

template <class S, class Kind>
struct hess_kernel {
  static void run(const hess_pass& p) { (p.streams ? rows<true> : rows<false>)(p); }

  template <bool Streams>
  static void rows(const hess_pass& p) {
    using row = hess_of_row<S, Kind>;
    const std::size_t classes = p.extent.classes;
    for (std::size_t r = 0; r < p.extent.rows; ++r) {
      const S* const exps = row_of<S>(p.exps, r);
      const S* const vector = Kind::product ? row_of<S>(p.vector, r) : nullptr;
      const S* const d2 = Kind::d2 == second_derivatives::everywhere ? row_of<S>(p.d2, r) : nullptr;
      const S tail = static_cast<const S*>(p.tail)[r];
      const label_of<S> label = Kind::d2 == second_derivatives::at_label ? label_at<S>(p.labels, r) : label_of<S>(-1);
      S* const out = row_of<S>(p.out, r);
      typename row::strip strip;
      strip.clear(1);
      row::add_up(strip, exps, vector, d2, classes, tail);
      strip.finish(p, r, 1);
      if (strip.live[0] == S(0)) write_row<S, Streams>(zeros<S>{}, classes, label_of<S>(-1), S(0), out);
      else write_row<S, Streams>(row{exps, vector, d2, {strip, tail}}, classes, label, strip.at_label[0], out);
    }
  }
};

template <class S>
void hess(const hess_pass& p) {
  run_hess<S, hess_kernel>(p);
}

}  // namespace class_contiguous
}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

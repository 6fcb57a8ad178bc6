// Sums over the classes of a row of targets, and of targets times logarithms of probabilities: all that a loss which is linear in
// these logarithms needs.
#pragma once

#include <type_traits>

#include "fastloss/simd/primitives.hpp"
#include "isa/row_lanes.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

template <class S>
void products_along_rows(const product_pass& p) {
  using P = native_pack<S>;
  constexpr std::size_t w = P::width;
  const std::size_t classes = p.extent.classes, whole = classes / w * w;
  for (std::size_t r = 0; r < p.extent.rows; ++r) {
    const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(r);
    const S* const z = static_cast<const S*>(p.scores.data) + row * p.scores.stride;
    const S* const t = static_cast<const S*>(p.targets.data) + row * p.targets.stride;
    const P first(static_cast<const S*>(p.first)[r]), second(static_cast<const S*>(p.second)[r]);
    vector_of_double sum{}, product{};
    const auto term = [&](std::size_t i, P target) { return mul0(target, (P::load(z + i) - first) - second); };
    std::size_t i = 0;
    for (; i + 4 * w <= whole; i += 4 * w) {
      fetch<4 * w * sizeof(S)>(reinterpret_cast<const char*>(t + i) + p.ahead);
      P target[4], value[4];
      for (std::size_t k = 0; k < 4; ++k) {
        target[k] = P::load(t + i + k * w);
        value[k] = term(i + k * w, target[k]);
      }
      sum += widened((target[0] + target[1]) + (target[2] + target[3]));
      product += widened((value[0] + value[1]) + (value[2] + value[3]));
    }
    for (; i < whole; i += w) {
      const P target = P::load(t + i);
      sum += widened(target);
      product += widened(term(i, target));
    }
    if (whole < classes) {
      const std::size_t at = classes - w;
      const auto fresh = lane_numbers<P>() >= P(static_cast<double>(whole - at));
      const P target = select(fresh, P::load(t + at), P(0));
      sum += widened(target);
      product += widened(term(at, target));
    }
    static_cast<S*>(p.sums)[r] = static_cast<S>(lanes_sum(sum));
    static_cast<S*>(p.products)[r] = static_cast<S>(lanes_sum(product));
  }
}

// Classes of rows that lie side by side are far apart: some are taken together along all rows.
template <class S>
void products_across_rows(const product_pass& p) {
  using P = native_pack<S>;
  constexpr std::size_t together = 4, strip = 64 * P::width;
  for (std::size_t from = 0; from < p.extent.rows; from += strip) {
    const std::size_t left = p.extent.rows - from, packs = (left < strip ? left : strip) / P::width;
    compensated<P> sums[64], products[64];
    const auto take = [&](std::size_t c, auto count) {
      for (std::size_t k = 0; k < packs; ++k) {
        const std::size_t r = from + k * P::width;
        const P first = P::load(static_cast<const S*>(p.first) + r), second = P::load(static_cast<const S*>(p.second) + r);
        P of_targets(0), product(0);
        for (std::size_t i = c; i < c + count; ++i) {
          const std::ptrdiff_t row = static_cast<std::ptrdiff_t>(r), at = static_cast<std::ptrdiff_t>(i);
          const S* const target = static_cast<const S*>(p.targets.data) + at * p.targets.stride + row;
          const P t = P::load(target), score = P::load(static_cast<const S*>(p.scores.data) + at * p.scores.stride + row);
          fetch<sizeof(P)>(reinterpret_cast<const char*>(target) + p.ahead);
          of_targets += t;
          product += mul0(t, (score - first) - second);
        }
        sums[k].add(of_targets);
        products[k].add(product);
      }
    };
    std::size_t c = 0;
    for (; c + together <= p.extent.classes; c += together) take(c, std::integral_constant<std::size_t, together>{});
    for (; c < p.extent.classes; ++c) take(c, std::integral_constant<std::size_t, 1>{});
    for (std::size_t k = 0; k < packs; ++k) {
      sums[k].value_or_infinity().store(static_cast<S*>(p.sums) + from + k * P::width);
      products[k].value_or_infinity().store(static_cast<S*>(p.products) + from + k * P::width);
    }
  }
}

}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

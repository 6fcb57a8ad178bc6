// Losses of embeddings and a proxy of each class: a cross-entropy of scaled cosines, in which the one with the own class has a margin
// (engines/similarity.hpp).
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/losses/similarity.hpp"
#include "fastloss/simd/angular_margins.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

inline constexpr double sixty_four[] = {64.0}, scale_of_one[] = {1.0}, a_twentieth[] = {0.05};
inline constexpr domain scale_domain = checked_always(above(0));

inline constexpr operand with_weight[] = {{"input", differentiable},
                                          {"weight", differentiable | proxy_rows},
                                          {"target", class_index},
                                          {"scale", differentiable | as_scale, scale_domain, sixty_four}};

// As many rows of weight for each class; at most as many as a tile may have columns.
inline constexpr domain count_of_subcenters = count_from(1, 64);

// Margins of angles.
struct arcface {
  double margin = 0.5, subcenters = 1.0;

  static constexpr const char* name = "arcface_loss";
  static constexpr similarity_traits traits{};
  static constexpr auto& operands = with_weight;
  static constexpr auto options() {
    using L = arcface;
    return std::array{option<L>{"margin", &L::margin, between(0, 3.141592653589793)},
                      option<L>{"subcenters", &L::subcenters, count_of_subcenters}};
  }
  constexpr similarity_form form() const { return {.subcenters = static_cast<std::size_t>(subcenters)}; }

  template <class P>
  FASTLOSS_FN auto positive(P cosine) const {
    return cosine_of_sum(cosine, margin);
  }
  template <class U>
  FASTLOSS_FN auto value(U excess) const {
    return positive_among_negatives(excess);
  }
};

// A margin of the cosine.
struct cosface {
  double margin = 0.35, subcenters = 1.0;

  static constexpr const char* name = "cosface_loss";
  static constexpr similarity_traits traits{};
  static constexpr auto& operands = with_weight;
  static constexpr auto options() {
    using L = cosface;
    return std::array{option<L>{"margin", &L::margin, everywhere()}, option<L>{"subcenters", &L::subcenters, count_of_subcenters}};
  }
  constexpr similarity_form form() const { return {.subcenters = static_cast<std::size_t>(subcenters)}; }

  template <class P>
  FASTLOSS_FN auto positive(P cosine) const {
    return cosine_with_margin<P>{cosine - margin, P(1)};
  }
  template <class U>
  FASTLOSS_FN auto value(U excess) const {
    return positive_among_negatives(excess);
  }
};

// A multiple of the angle.
struct sphereface {
  double margin = 4.0, subcenters = 1.0;

  static constexpr const char* name = "sphereface_loss";
  static constexpr similarity_traits traits{};
  static constexpr operand operands[] = {
      with_weight[0], with_weight[1], with_weight[2], {"scale", differentiable | as_scale, scale_domain, scale_of_one}};
  static constexpr auto options() {
    using L = sphereface;
    return std::array{option<L>{"margin", &L::margin, at_least(1)}, option<L>{"subcenters", &L::subcenters, count_of_subcenters}};
  }
  constexpr similarity_form form() const { return {.subcenters = static_cast<std::size_t>(subcenters)}; }

  template <class P>
  FASTLOSS_FN auto positive(P cosine) const {
    return cosine_of_multiple(cosine, margin);
  }
  template <class U>
  FASTLOSS_FN auto value(U excess) const {
    return positive_among_negatives(excess);
  }
};

// cos(m1 angle + m2) - m3
struct combined_margin {
  double m1 = 1.0, m2 = 0.5, m3 = 0.0, subcenters = 1.0;

  static constexpr const char* name = "combined_margin_loss";
  static constexpr similarity_traits traits{};
  static constexpr auto& operands = with_weight;
  static constexpr auto options() {
    using L = combined_margin;
    return std::array{option<L>{"m1", &L::m1, above(0)}, option<L>{"m2", &L::m2, at_least(0)}, option<L>{"m3", &L::m3, everywhere()},
                      option<L>{"subcenters", &L::subcenters, count_of_subcenters}};
  }
  constexpr similarity_form form() const { return {.subcenters = static_cast<std::size_t>(subcenters)}; }

  template <class P>
  FASTLOSS_FN auto positive(P cosine) const {
    const auto widened = cosine_of_widened(cosine, m1, m2);
    return cosine_with_margin<P>{widened.value - m3, widened.d1};
  }
  template <class U>
  FASTLOSS_FN auto value(U excess) const {
    return positive_among_negatives(excess);
  }
};

struct normalized_softmax {
  static constexpr const char* name = "normalized_softmax_loss";
  static constexpr similarity_traits traits{};
  static constexpr operand operands[] = {
      with_weight[0], with_weight[1], with_weight[2], {"temperature", differentiable | as_temperature, temperature_domain, a_twentieth}};
  constexpr similarity_form form() const { return {}; }

  template <class U>
  FASTLOSS_FN auto value(U excess) const {
    return positive_among_negatives(excess);
  }
};

// A softmax of minus squared distances, which of vectors of length 1 are 2 - 2 cos.
struct proxy_nca {
  static constexpr const char* name = "proxy_nca_loss";
  static constexpr similarity_traits traits{};
  static constexpr operand operands[] = {with_weight[0],
                                         {"proxies", differentiable | proxy_rows},
                                         with_weight[2],
                                         {"softmax_scale", differentiable | as_scale, scale_domain, scale_of_one}};
  constexpr similarity_form form() const { return {.scale_factor = 2.0}; }

  template <class U>
  FASTLOSS_FN auto value(U excess) const {
    return positive_among_negatives(excess);
  }
};

using proxies_losses = type_list<arcface, cosface, sphereface, combined_margin, normalized_softmax, proxy_nca>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

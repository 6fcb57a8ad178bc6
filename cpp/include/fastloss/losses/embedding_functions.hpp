// Functions of two embeddings. In C++ each is a call_plan of find_function(name), with reduction::none and what it was asked for as of any
// loss: value() has the axes of the units, gradient(i) the shape of its operand.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/losses/embedding.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

inline constexpr operand two_embeddings[] = {{"x1", differentiable | embedding}, {"x2", differentiable | embedding}};

// (sum |x1 - x2 + eps|^p)^(1 / p)
struct pairwise_distance {
  double p = 2.0, eps = distance_eps;

  static constexpr const char* name = "pairwise_distance";
  static constexpr distance_traits traits{.is_function = true, .cost_ns_per_element = 0.3};
  static constexpr auto& operands = two_embeddings;
  static constexpr auto options() {
    using L = pairwise_distance;
    return std::array{option<L>{"p", &L::p, above(0)}, option<L>{"eps", &L::eps, at_least(0)}};
  }
  distance_form measure() const { return {embedding_measure::distance, embedding_pairs::one, eps, p}; }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    return of.template measure<0>();
  }
};

// x1.x2 / (max(|x1|, eps) max(|x2|, eps))
struct cosine_similarity {
  double eps = cosine_eps;

  static constexpr const char* name = "cosine_similarity";
  static constexpr distance_traits traits{.is_function = true, .cost_ns_per_element = 0.3};
  static constexpr auto& operands = two_embeddings;
  static constexpr auto options() { return std::array{option<cosine_similarity>{"eps", &cosine_similarity::eps, at_least(0)}}; }
  distance_form measure() const { return {embedding_measure::cosine, embedding_pairs::one, eps}; }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    return of.template measure<0>();
  }
};

using embedding_functions_losses = type_list<pairwise_distance, cosine_similarity>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

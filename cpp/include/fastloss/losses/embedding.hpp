// Losses of pairs, triplets and quadruplets of embeddings, each written in what is measured of its pairs (engines/distance.hpp).
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/distance.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/validity.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

inline constexpr operand input_and_target[] = {{"input", differentiable | embedding}, {"target", differentiable | embedding}};
inline constexpr operand triplet[] = {
    {"anchor", differentiable | embedding}, {"positive", differentiable | embedding}, {"negative", differentiable | embedding}};

// torch's: of a difference, and of a cosine.
inline constexpr double distance_eps = 1e-6, cosine_eps = 1e-8, cosine_square_eps = 1e-12;

// 1 - cos of a pair that belongs together, max(0, cos - margin) of another; the tie passes the gradient
struct cosine_embedding {
  double margin = 0.0;

  static constexpr const char* name = "cosine_embedding_loss";
  static constexpr distance_traits traits{.cost_ns_per_element = 0.3};
  static constexpr operand operands[] = {
      {"input1", differentiable | embedding}, {"input2", differentiable | embedding}, {"target", 0, checked_always(either(-1, 1))}};
  static constexpr auto options() { return std::array{option<cosine_embedding>{"margin", &cosine_embedding::margin, between(-1, 1)}}; }
  distance_form measure() const { return {embedding_measure::cosine_eps_inside, embedding_pairs::one, cosine_square_eps}; }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    const auto cosine = of.template measure<0>();
    const auto target = of.label();
    return nan_unless(target == target, select(target == 1.0, 1.0 - cosine, hinge_max0(cosine - margin)));
  }
};

// 1 - cos
struct cosine_distance {
  double eps = cosine_eps;

  static constexpr const char* name = "cosine_distance_loss";
  static constexpr distance_traits traits{.cost_ns_per_element = 0.3};
  static constexpr auto& operands = input_and_target;
  static constexpr auto options() { return std::array{option<cosine_distance>{"eps", &cosine_distance::eps, at_least(0)}}; }
  distance_form measure() const { return {embedding_measure::cosine, embedding_pairs::one, eps}; }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    return 1.0 - of.template measure<0>();
  }
};

// -cos
struct negative_cosine {
  double eps = cosine_eps;

  static constexpr const char* name = "negative_cosine_loss";
  static constexpr distance_traits traits{.input_alone = true, .cost_ns_per_element = 0.3};
  static constexpr auto& operands = input_and_target;
  static constexpr auto options() { return std::array{option<negative_cosine>{"eps", &negative_cosine::eps, at_least(0)}}; }
  distance_form measure() const { return {embedding_measure::cosine, embedding_pairs::one, eps}; }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    return -of.template measure<0>();
  }
};

// d^2 of a pair that belongs together, max(0, margin - d)^2 of another
struct contrastive {
  double margin = 1.0, eps = distance_eps, positive_label = 1.0;

  static constexpr const char* name = "contrastive_loss";
  static constexpr distance_traits traits{.cost_ns_per_element = 0.3};
  static constexpr operand operands[] = {
      {"input1", differentiable | embedding}, {"input2", differentiable | embedding}, {"target", 0, checked_always(either(0, 1))}};
  static constexpr auto options() {
    using L = contrastive;
    return std::array{option<L>{"margin", &L::margin, above(0)}, option<L>{"eps", &L::eps, at_least(0)},
                      option<L>{"positive_label", &L::positive_label, either(0, 1)}};
  }
  distance_form measure() const { return {embedding_measure::distance, embedding_pairs::one, eps}; }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    const auto distance = of.template measure<0>();
    const auto target = of.label();
    return nan_unless(target == target, select(target == positive_label, square(distance), square(hinge_max0(margin - distance))));
  }
};

// The distance between positive and negative is for swapping anchors alone.
constexpr embedding_pairs pairs_of_triplet(bool swap) { return swap ? embedding_pairs::triplet : embedding_pairs::anchored; }

// The smaller of two distances; at a tie half of each, which divides the gradient.
template <class A, class B>
FASTLOSS_FN auto nearer(A a, B b) {
  return select(a == b, 0.5 * a + 0.5 * b, nan_unless((a == a) & (b == b), select(a < b, a, b)));
}

// By how much the positive is not nearer than the negative by the margin; the tie passes the gradient. Infinite distances of both have no
// difference, and the hinge would pass a number as its derivative.
template <class Positive, class Negative>
FASTLOSS_FN auto triplet_hinge(Positive positive, Negative negative, double margin) {
  const auto lead = positive - negative;
  return hinge_max0(nan_unless(lead == lead, lead) + margin);
}

// max(0, d(a, p) - d(a, n) + margin), or log(1 + e^.) of the same
struct triplet_margin {
  double margin = 1.0, p = 2.0, eps = distance_eps;
  bool swap = false, smooth = false;

  static constexpr const char* name = "triplet_margin_loss";
  static constexpr distance_traits traits{.cost_ns_per_element = 0.3};
  static constexpr auto& operands = triplet;
  static constexpr auto options() {
    using L = triplet_margin;
    return std::array{option<L>{"margin", &L::margin, at_least(0)}, option<L>{"p", &L::p, above(0)}, option<L>{"eps", &L::eps, at_least(0)},
                      option<L>{"swap", &L::swap}, option<L>{"smooth", &L::smooth}};
  }
  distance_form measure() const {
    distance_form form{embedding_measure::distance, pairs_of_triplet(swap), eps, p};
    if (margin == 0.0 && !smooth) form.refusal = "margin must be above 0 unless smooth=True, got 0";
    return form;
  }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    const auto positive = of.template measure<0>();
    const auto negative = of.template measure<1>();
    const auto nearest = select(swap, nearer(negative, of.template measure<2>()), negative);
    return select(smooth, softplus2(positive - nearest + margin).positive, triplet_hinge(positive, nearest, margin));
  }
};

inline constexpr const char* named_distances[] = {"l2", "l1", "sqeuclidean", "cosine", "dot"};
enum named_distance { l2_distance, l1_distance, sqeuclidean_distance, cosine_of_distance, dot_of_distance };

// The same with another distance: 1 - cos, or minus the dot product, of what is large where embeddings are near
struct triplet_margin_with_distance {
  int distance_function = l2_distance;
  double margin = 1.0;
  bool swap = false;

  static constexpr const char* name = "triplet_margin_with_distance_loss";
  static constexpr distance_traits traits{.cost_ns_per_element = 0.3};
  static constexpr auto& operands = triplet;
  static constexpr auto options() {
    using L = triplet_margin_with_distance;
    return std::array{option<L>{"distance_function", &L::distance_function, named_distances}, option<L>{"margin", &L::margin, above(0)},
                      option<L>{"swap", &L::swap}};
  }
  distance_form measure() const {
    const embedding_pairs used = pairs_of_triplet(swap);
    switch (distance_function) {
      case l1_distance:
        return {embedding_measure::distance, used, distance_eps, 1.0};
      case sqeuclidean_distance:
        return {embedding_measure::squared_distance, used};
      case cosine_of_distance:
        return {embedding_measure::cosine, used, cosine_eps};
      case dot_of_distance:
        return {embedding_measure::dot, used};
      default:
        return {embedding_measure::distance, used, distance_eps};
    }
  }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    const double scale = distance_function >= cosine_of_distance ? -1.0 : 1.0, shift = distance_function == cosine_of_distance ? 1.0 : 0.0;
    const auto distance = [&](auto measured) { return shift + scale * measured; };
    const auto negative = distance(of.template measure<1>());
    const auto nearest = select(swap, nearer(negative, distance(of.template measure<2>())), negative);
    return triplet_hinge(distance(of.template measure<0>()), nearest, margin);
  }
};

inline constexpr const char* named_similarities[] = {"dot", "cosine"};

// (s(q, p) - s(q, n) - target)^2
struct margin_mse {
  int similarity = 0;

  static constexpr const char* name = "margin_mse_loss";
  static constexpr distance_traits traits{.cost_ns_per_element = 0.3};
  static constexpr operand operands[] = {{"query", differentiable | embedding},
                                         {"positive", differentiable | embedding},
                                         {"negative", differentiable | embedding},
                                         {"target", differentiable}};
  static constexpr auto options() { return std::array{option<margin_mse>{"similarity", &margin_mse::similarity, named_similarities}}; }
  distance_form measure() const {
    return similarity == 0 ? distance_form{embedding_measure::dot, embedding_pairs::anchored}
                           : distance_form{embedding_measure::cosine, embedding_pairs::anchored, cosine_eps};
  }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    return square((of.template measure<0>() - of.template measure<1>()) - of.target());
  }
};

// max(0, d(a, p)^2 - d(a, n)^2 + margin) + max(0, d(a, p)^2 - d(n, n2)^2 + margin2)
struct quadruplet {
  double margin = 1.0, margin2 = 0.5;

  static constexpr const char* name = "quadruplet_loss";
  static constexpr distance_traits traits{.cost_ns_per_element = 0.3};
  static constexpr operand operands[] = {{"anchor", differentiable | embedding},
                                         {"positive", differentiable | embedding},
                                         {"negative", differentiable | embedding},
                                         {"negative2", differentiable | embedding}};
  static constexpr auto options() {
    using L = quadruplet;
    return std::array{option<L>{"margin", &L::margin, above(0)}, option<L>{"margin2", &L::margin2, above(0)}};
  }
  distance_form measure() const { return {embedding_measure::squared_distance, embedding_pairs::quadruplet}; }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    const auto positive = of.template measure<0>();
    return triplet_hinge(positive, of.template measure<1>(), margin) + triplet_hinge(positive, of.template measure<2>(), margin2);
  }
};

using embedding_losses = type_list<cosine_embedding, cosine_distance, negative_cosine, contrastive, triplet_margin,
                                   triplet_margin_with_distance, margin_mse, quadruplet>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

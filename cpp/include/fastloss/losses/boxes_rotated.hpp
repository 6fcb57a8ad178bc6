// Losses of pairs of rotated boxes, each the distance of two Gaussians (simd/rotated_boxes.hpp).
#pragma once

#include <array>
#include <span>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/box.hpp"
#include "fastloss/simd/rotated_boxes.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// The least width and height. Fourth powers of its inverse must be numbers of float32.
inline constexpr domain extent_range = between(1e-9, 1);

inline constexpr operand pair_of_rotated_boxes[] = {{"input", differentiable | rotated}, {"target", differentiable | rotated}};

// The Bhattacharyya distance of Gaussians with variances w^2 / 12 and h^2 / 12, or the Hellinger distance
struct probiou {
  static constexpr const char* modes[] = {"l1", "l2"};
  enum { hellinger, bhattacharyya };
  int mode = hellinger;
  double eps = 1e-7;

  static constexpr const char* name = "probiou_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 8.0};
  static constexpr std::span<const operand> operands = pair_of_rotated_boxes;
  static constexpr auto options() {
    return std::array{option<probiou>{"mode", &probiou::mode, modes}, option<probiou>{"eps", &probiou::eps, extent_range}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    const auto w = pair.width(), h = pair.height(), tw = pair.target_width(), th = pair.target_height();
    const auto area = w * h, target_area = tw * th;
    const auto inverse = 1.0 / area, target_inverse = 1.0 / target_area;
    const auto relative = [&](auto x) { return (x * inverse) * (x * target_inverse); };  // x^2 over both areas
    // Of products that are nearly equal, by differences of extents, which are exact where products are rounded.
    const auto wider = w - tw, higher = h - th;
    const auto areas = wider * h + tw * higher, proportions = higher * tw - wider * th;
    // det(S1 + S2) is (1 + excess) 4 sqrt(det(S1) det(S2)).
    const auto excess = detail::bounded_divergence(
        0.25 * ((relative(areas) + relative(proportions)) + pair.sine2() * pair.elongation(inverse, target_inverse)));
    const auto distance = detail::bounded_divergence((relative(h * pair.along()) + relative(w * pair.across())) +
                                                     (relative(th * pair.target_along()) + relative(tw * pair.target_across())));
    const auto divergence = 0.75 * (distance / (1.0 + excess)) + 0.5 * log1p(excess);
    return choose(mode == hellinger, [&] { return root_of_square(-expm1(-divergence)); }, [&] { return divergence; });
  }
};

// D -> 1 - 1 / (tau + f(D)), which losses make of a divergence that has no bound.
struct bounded_by_one {
  static constexpr const char* functions[] = {"log1p", "sqrt"};
  enum { logarithm, root };

  template <class D>
  FASTLOSS_FN static auto of(D given, double tau, int function) {
    const auto divergence = detail::bounded_divergence(given);
    const auto f = choose(function == logarithm, [&] { return log1p(divergence); }, [&] { return root_of_square(divergence); });
    const auto value = detail::innermost(f);
    const auto inverse = 1.0 / (value + tau);
    const auto result = (value + (tau - 1.0)) * inverse;
    if constexpr (is_dual<D>) return detail::make_dual(result, detail::tangent_at<1>(f) * (inverse * inverse));
    else return result;
  }
};

// The squared Wasserstein distance of Gaussians with variances w^2 / 4 and h^2 / 4
struct gwd {
  double tau = 1.0;
  int fun = bounded_by_one::logarithm;
  double eps = 1e-7;

  static constexpr const char* name = "gwd_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 7.0};
  static constexpr std::span<const operand> operands = pair_of_rotated_boxes;
  static constexpr auto options() {
    return std::array{option<gwd>{"tau", &gwd::tau, between(1, 1e6)}, option<gwd>{"fun", &gwd::fun, bounded_by_one::functions},
                      option<gwd>{"eps", &gwd::eps, extent_range}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    const auto w = pair.width(), h = pair.height(), tw = pair.target_width(), th = pair.target_height();
    // The trace of the square root of S1^(1/2) S2 S1^(1/2) is sqrt(cosine2 straight^2 + sine2 turned^2), up to the 4's.
    const auto straight = w * tw + h * th, turned = w * th + h * tw;
    const auto inverse = 1.0 / (1.0 + root_of_square(pair.cosine2() + pair.sine2() * square(turned / straight)));
    const auto of_turn = ((w - h) * (w + h)) * (((tw - th) * (tw + th)) / straight);
    const auto shapes = (square(w - tw) + square(h - th)) + 2.0 * (pair.sine2() * (of_turn * inverse));
    return bounded_by_one::of((square(pair.along()) + square(pair.across())) + 0.25 * shapes, tau, fun);
  }
};

// The Kullback-Leibler divergence of the input's Gaussian from the target's, with variances w^2 / 4 and h^2 / 4
struct kld_box {
  double tau = 1.0;
  int fun = bounded_by_one::logarithm;
  double eps = 1e-7;

  static constexpr const char* name = "kld_box_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 9.0};
  static constexpr std::span<const operand> operands = pair_of_rotated_boxes;
  static constexpr auto options() {
    return std::array{option<kld_box>{"tau", &kld_box::tau, between(1, 1e6)},
                      option<kld_box>{"fun", &kld_box::fun, bounded_by_one::functions},
                      option<kld_box>{"eps", &kld_box::eps, extent_range}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    const auto w = pair.width(), h = pair.height(), tw = pair.target_width(), th = pair.target_height();
    const auto distance = square(pair.target_along() / tw) + square(pair.target_across() / th);
    const auto inverse = 1.0 / (tw * th);
    const auto turn = pair.sine2() * pair.elongation(inverse, inverse);
    const auto shapes = (ratio_divergence(w, tw) + ratio_divergence(h, th)) + 0.5 * turn;
    return bounded_by_one::of(2.0 * distance + shapes, tau, fun);
  }
};

using boxes_rotated_losses = type_list<probiou, gwd, kld_box>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

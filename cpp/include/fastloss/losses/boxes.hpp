// Losses of pairs of boxes, each written in the pair's areas and extents (simd/boxes.hpp, with the rules for boxes that are degenerate or
// coincide).
#pragma once

#include <array>
#include <span>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/box.hpp"
#include "fastloss/simd/boxes.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// What is divided by: its inverse must be a number of float32.
inline constexpr domain divisor_range = at_least(1e-30);

inline constexpr operand pair_of_boxes[] = {{"input", differentiable}, {"target", differentiable}};

// 1 - IoU, -log IoU or 1 - IoU^2
struct box_iou {
  static constexpr const char* modes[] = {"linear", "log", "square"};
  enum { linear, logarithmic, squared };
  int mode = linear;
  double eps = 1e-7;
  int fmt = 0;

  static constexpr const char* name = "box_iou_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 1.2};
  static constexpr std::span<const operand> operands = pair_of_boxes;
  static constexpr auto options() {
    return std::array{option<box_iou>{"mode", &box_iou::mode, modes}, option<box_iou>{"eps", &box_iou::eps, divisor_range},
                      option<box_iou>{"fmt", &box_iou::fmt, box_formats}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    const auto iou = pair.iou(eps);
    return choose(
        mode == logarithmic, [&] { return -log(select(detail::innermost(iou) <= eps, eps, iou)); },
        [&] { return choose(mode == squared, [&] { return 1.0 - square(iou); }, [&] { return 1.0 - iou; }); });
  }
};

// 1 - IoU + the share of the enclosing box that neither covers
struct generalized_box_iou {
  double eps = 1e-7;
  int fmt = 0;

  static constexpr const char* name = "generalized_box_iou_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 1.5};
  static constexpr std::span<const operand> operands = pair_of_boxes;
  static constexpr auto options() {
    using L = generalized_box_iou;
    return std::array{option<L>{"eps", &L::eps, divisor_range}, option<L>{"fmt", &L::fmt, box_formats}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    return (1.0 - pair.iou(eps)) + pair.uncovered(eps);
  }
};

// 1 - IoU + the squared distance of the centres over that of the enclosing box's corners
struct distance_box_iou {
  double eps = 1e-7;
  int fmt = 0;

  static constexpr const char* name = "distance_box_iou_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 1.6};
  static constexpr std::span<const operand> operands = pair_of_boxes;
  static constexpr auto options() {
    using L = distance_box_iou;
    return std::array{option<L>{"eps", &L::eps, divisor_range}, option<L>{"fmt", &L::fmt, box_formats}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    return (1.0 - pair.iou(eps)) + pair.relative_centre_distance(eps);
  }
};

// DIoU + how much the ratios of width and height differ, weighted by a constant that grows with the overlap
struct complete_box_iou {
  double eps = 1e-7;
  int fmt = 0;

  static constexpr const char* name = "complete_box_iou_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 3.0};
  static constexpr std::span<const operand> operands = pair_of_boxes;
  static constexpr auto options() {
    using L = complete_box_iou;
    return std::array{option<L>{"eps", &L::eps, divisor_range}, option<L>{"fmt", &L::fmt, box_formats}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    const auto iou = pair.iou(eps);
    const auto v = pair.aspect_mismatch(eps);
    return (1.0 - iou) + pair.relative_centre_distance(eps) + aspect_weight(iou, v, eps) * v;
  }
};

// DIoU + the squared differences of widths and heights over those of the enclosing box
struct eiou {
  double eps = 1e-7;
  int fmt = 0;

  static constexpr const char* name = "eiou_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 2.2};
  static constexpr std::span<const operand> operands = pair_of_boxes;
  static constexpr auto options() {
    using L = eiou;
    return std::array{option<L>{"eps", &L::eps, divisor_range}, option<L>{"fmt", &L::fmt, box_formats}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    const auto in_width = ratio(square(pair.width() - pair.target_width()), square(pair.enclosing_width()) + eps);
    const auto in_height = ratio(square(pair.height() - pair.target_height()), square(pair.enclosing_height()) + eps);
    return (1.0 - pair.iou(eps)) + pair.relative_centre_distance(eps) + (in_width + in_height);
  }
};

// 1 - IoU + (distance + shape) / 2, where the distance counts more the nearer the centres are to a common horizontal or vertical line
struct siou {
  double theta = 4.0, eps = 1e-7;
  int fmt = 0;

  static constexpr const char* name = "siou_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 5.0};
  static constexpr std::span<const operand> operands = pair_of_boxes;
  static constexpr auto options() {
    using L = siou;
    return std::array{option<L>{"theta", &L::theta, between(1, 1000)}, option<L>{"eps", &L::eps, divisor_range},
                      option<L>{"fmt", &L::fmt, box_formats}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    const auto dx = pair.centre_dx(), dy = pair.centre_dy();
    // 1 - 2 sin^2(arcsin(|dy| / s) - pi / 4) with s^2 = dx^2 + dy^2 is sin(2 arcsin(|dy| / s)).
    const auto angle = ratio(2.0 * (abs(dx) * abs(dy)), square(dx) + square(dy) + eps);
    const auto gamma = 2.0 - angle;
    const auto distance = [&](auto d, auto extent) { return 1.0 - exp(-(gamma * ratio(square(d), square(extent) + eps))); };
    const auto shape = [&](auto of_a, auto of_b) { return power(1.0 - exp(-ratio(abs(of_a - of_b), larger(of_a, of_b) + eps)), theta); };
    const auto distances = distance(dx, pair.enclosing_width()) + distance(dy, pair.enclosing_height());
    const auto shapes = shape(pair.width(), pair.target_width()) + shape(pair.height(), pair.target_height());
    return (1.0 - pair.iou(eps)) + 0.5 * (distances + shapes);
  }
};

// 1 - IoU^alpha + the terms of another loss to the same power
struct alpha_iou {
  static constexpr const char* bases[] = {"iou", "giou", "diou", "ciou"};
  enum { iou, giou, diou, ciou };
  double alpha = 3.0;
  int base = iou;
  double eps = 1e-7;
  int fmt = 0;

  static constexpr const char* name = "alpha_iou_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 2.5};
  static constexpr std::span<const operand> operands = pair_of_boxes;
  static constexpr auto options() {
    using L = alpha_iou;
    return std::array{option<L>{"alpha", &L::alpha, between(1, 100)}, option<L>{"base", &L::base, bases},
                      option<L>{"eps", &L::eps, divisor_range}, option<L>{"fmt", &L::fmt, box_formats}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    const auto overlap = pair.iou(eps);
    const auto linear = 1.0 - power(overlap, alpha);
    const auto centred = [&] { return linear + power(pair.relative_centre_distance(eps), alpha); };
    const auto complete = [&] {
      const auto v = pair.aspect_mismatch(eps);
      return centred() + power(aspect_weight(overlap, v, eps) * v, alpha);
    };
    return choose(
        base == iou, [&] { return linear; },
        [&] {
          return choose(
              base == giou, [&] { return linear + power(pair.uncovered(eps), alpha); },
              [&] { return choose(base == diou, centred, complete); });
        });
  }
};

// 1 - IoU + the squared distances of both pairs of corners over the image's squared diagonal
struct mpdiou {
  double image_width = 1.0, image_height = 1.0, eps = 1e-7;
  int fmt = 0;

  static constexpr const char* name = "mpdiou_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 1.4};
  static constexpr std::span<const operand> operands = pair_of_boxes;
  static constexpr auto options() {
    using L = mpdiou;
    return std::array{option<L>{"image_width", &L::image_width, at_least(1e-15)},
                      option<L>{"image_height", &L::image_height, at_least(1e-15)}, option<L>{"eps", &L::eps, divisor_range},
                      option<L>{"fmt", &L::fmt, box_formats}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    return (1.0 - pair.iou(eps)) + pair.squared_corner_distances() * (1.0 / (image_width * image_width + image_height * image_height));
  }
};

// (1 - IoU) times e to the relative squared distance of the centres, whose denominator is a constant in the derivative
struct wiou {
  double eps = 1e-7;
  int fmt = 0;

  static constexpr const char* name = "wiou_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 2.2};
  static constexpr std::span<const operand> operands = pair_of_boxes;
  static constexpr auto options() {
    using L = wiou;
    return std::array{option<L>{"eps", &L::eps, divisor_range}, option<L>{"fmt", &L::fmt, box_formats}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    const auto diagonal = detach(pair.squared_enclosing_diagonal());
    return exp(pair.relative_centre_distance(diagonal, eps)) * (1.0 - pair.iou(eps));
  }
};

// Upper bounds of the IoU in each of centre x, centre y, width and height, under a smooth L1 loss
struct bounded_iou {
  double beta = 0.2, eps = 1e-3;
  int fmt = 0;

  static constexpr const char* name = "bounded_iou_loss";
  static constexpr box_traits traits{.cost_ns_per_element = 3.0};
  static constexpr std::span<const operand> operands = pair_of_boxes;
  static constexpr auto options() {
    using L = bounded_iou;
    return std::array{option<L>{"beta", &L::beta, divisor_range}, option<L>{"eps", &L::eps, divisor_range},
                      option<L>{"fmt", &L::fmt, box_formats}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    const auto smooth = [&](auto l) { return select(detail::innermost(l) < beta, (0.5 / beta) * square(l), l - 0.5 * beta); };
    const auto of_centre = [&](auto d, auto target) {
      const auto distance = 2.0 * abs(d);
      return smooth(1.0 - strict_max0(ratio(target - distance, target + distance + eps)));
    };
    const auto of_extent = [&](auto input, auto target) {
      return smooth(1.0 - smaller(ratio(target, input + eps), ratio(input, target + eps)));
    };
    return (of_centre(pair.centre_dx(), pair.target_width()) + of_centre(pair.centre_dy(), pair.target_height())) +
           (of_extent(pair.width(), pair.target_width()) + of_extent(pair.height(), pair.target_height()));
  }
};

using boxes_losses =
    type_list<box_iou, generalized_box_iou, distance_box_iou, complete_box_iou, eiou, siou, alpha_iou, mpdiou, wiou, bounded_iou>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

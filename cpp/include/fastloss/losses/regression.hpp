// Losses of the difference between a prediction and a real target.
#pragma once

#include <array>
#include <limits>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/simd/power_of_magnitude.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/pseudo_huber.hpp"
#include "fastloss/simd/smooth_abs.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// (x - t)^2
struct mse {
  static constexpr const char* name = "mse_loss";
  static constexpr pointwise_traits traits{.mean_over = denominator::weight, .of_difference = true, .cost_ns_per_element = 0.08};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"weight", differentiable | optional | multiplies | trailing}};

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return square(input - target);
  }
};

// |x - t|; subgradient 0 at 0
struct l1 {
  static constexpr const char* name = "l1_loss";
  static constexpr pointwise_traits traits{.mean_over = denominator::weight, .of_difference = true, .cost_ns_per_element = 0.08};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"weight", differentiable | optional | multiplies | trailing}};

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return abs(input - target);
  }
};

// sqrt(mean (x - t)^2 + eps): the squared error under a head that is no sum
struct rmse {
  double eps = 0.0;

  static constexpr const char* name = "rmse_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .has_head = true, .cost_ns_per_element = 0.08};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<rmse>{"eps", &rmse::eps, at_least(0)}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return square(input - target);
  }
  template <class S, class D>
  FASTLOSS_FN auto head(S sum, D denominator) const {
    return sqrt(sum / denominator + eps);
  }
  // The head of one element, without the square that would overflow.
  template <class X, class T>
  FASTLOSS_FN auto of_element(X input, T target) const {
    return hypot(input - target, __builtin_sqrt(eps));
  }
};

// r^2 / 2 where |r| <= delta, else delta (|r| - delta / 2)
struct huber {
  double delta = 1.0;

  static constexpr const char* name = "huber_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.1};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"weight", differentiable | optional | multiplies | trailing}};
  static constexpr auto options() { return std::array{option<huber>{"delta", &huber::delta, above(0)}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    const auto r = input - target;
    const auto a = abs(r);
    return select(a <= delta, (0.5 * r) * r, delta * (a - 0.5 * delta));
  }
};

// (x - t)^2 / 2
struct l2 {
  static constexpr const char* name = "l2_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.08};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    const auto r = input - target;
    return (0.5 * r) * r;
  }
};

// r^2 / (2 beta) where |r| < beta, else |r| - beta / 2; |r| for beta = 0
struct smooth_l1 {
  double beta = 1.0;

  static constexpr const char* name = "smooth_l1_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.1};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<smooth_l1>{"beta", &smooth_l1::beta, at_least(0)}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return smooth_abs(input - target, beta);
  }
};

// delta^2 (sqrt(1 + (r / delta)^2) - 1)
struct pseudo_huber {
  double delta = 1.0;

  static constexpr const char* name = "pseudo_huber_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.2};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() {
    return std::array{option<pseudo_huber>{"delta", &pseudo_huber::delta, strictly_between(0, std::numeric_limits<double>::infinity())}};
  }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return pseudo_huber_function(input - target, delta);
  }
};

// sqrt(r^2 + eps^2)
struct charbonnier {
  double eps = 1e-3;

  static constexpr const char* name = "charbonnier_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.2};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() { return std::array{option<charbonnier>{"eps", &charbonnier::eps, at_least(0)}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return hypot(input - target, eps);
  }
};

// log(cosh(x - t))
struct log_cosh_error {
  static constexpr const char* name = "log_cosh_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.35};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return log_cosh(input - target);
  }
};

// |x - t|^p; derivative 0 at 0
struct lp {
  double p = 2.0;

  static constexpr const char* name = "lp_loss";
  static constexpr pointwise_traits traits{.of_difference = true,
                                           .cost_ns_per_element = 0.3};  // 0.08 for p = 2, 1.3 where a power is computed
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() {
    return std::array{option<lp>{"p", &lp::p, strictly_between(0, std::numeric_limits<double>::infinity())}};
  }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return power_of_magnitude(input - target, p);
  }
};

// max(|r| - epsilon, 0) or its square; derivative 0 at the tie
struct epsilon_insensitive {
  double epsilon = 0.1;
  bool squared = false;

  static constexpr const char* name = "epsilon_insensitive_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.1};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() {
    return std::array{option<epsilon_insensitive>{"epsilon", &epsilon_insensitive::epsilon, at_least(0)},
                      option<epsilon_insensitive>{"squared", &epsilon_insensitive::squared}};
  }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    const auto excess = strict_max0(abs(input - target) - epsilon);
    return choose(squared, [&] { return square(excess); }, [&] { return excess; });
  }
};

using regression_losses =
    type_list<mse, l1, rmse, huber, l2, smooth_l1, pseudo_huber, charbonnier, log_cosh_error, lp, epsilon_insensitive>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

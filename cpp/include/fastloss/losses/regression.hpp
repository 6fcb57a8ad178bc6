// Losses of the difference between a prediction and a real target.
#pragma once

#include <array>

#include "fastloss/core/loss.hpp"
#include "fastloss/core/type_list.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// (x - t)^2
struct mse {
  static constexpr const char* name = "mse_loss";
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"weight", differentiable | optional | multiplies | trailing}};
  static constexpr denominator mean_over = denominator::weight;
  static constexpr bool of_difference = true;
  static constexpr double nanoseconds = 0.08;

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return square(input - target);
  }
};

// |x - t|; subgradient 0 at 0
struct l1 {
  static constexpr const char* name = "l1_loss";
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"weight", differentiable | optional | multiplies | trailing}};
  static constexpr denominator mean_over = denominator::weight;
  static constexpr bool of_difference = true;
  static constexpr double nanoseconds = 0.08;

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return abs(input - target);
  }
};

// sqrt(mean (x - t)^2 + eps): the squared error under a head that is no sum
struct rmse {
  double eps = 0.0;

  static constexpr const char* name = "rmse_loss";
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr bool of_difference = true;
  static constexpr double nanoseconds = 0.08;
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
  FASTLOSS_FN auto elementwise(X input, T target) const {
    return hypot(input - target, __builtin_sqrt(eps));
  }
};

// r^2 / 2 where |r| <= delta, else delta (|r| - delta / 2)
struct huber {
  double delta = 1.0;

  static constexpr const char* name = "huber_loss";
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"weight", differentiable | optional | multiplies | trailing}};
  static constexpr bool of_difference = true;
  static constexpr double nanoseconds = 0.1;
  static constexpr auto options() { return std::array{option<huber>{"delta", &huber::delta, above(0)}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    const auto r = input - target;
    const auto a = abs(r);
    return select(a <= delta, (0.5 * r) * r, delta * (a - 0.5 * delta));
  }
};

using regression_losses = type_list<mse, l1, rmse, huber>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// Losses whose minimum is a quantile or an expectile of the target: a prediction that is too low costs in proportion to
// the level, one that is too high in proportion to 1 - level.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/smooth_abs.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

inline constexpr double median[] = {0.5};
inline constexpr double median_and_deciles[] = {0.1, 0.5, 0.9};
inline constexpr domain level_domain = checked_always(strictly_between(0, 1));

// |level - 1{r > 0}| for r = x - t
template <class R, class Q>
FASTLOSS_FN auto cost_of_side(R r, Q level) {
  return select(r > 0, 1 - level, level);
}

// quantile (t - x) where x < t, (1 - quantile) (x - t) elsewhere; subgradient 0 at the tie
struct quantile {
  static constexpr const char* name = "quantile_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.15};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"quantile", differentiable | trailing, level_domain, median}};

  template <class X, class T, class Q>
  FASTLOSS_FN auto value(X input, T target, Q level) const {
    const auto r = input - target;
    return cost_of_side(r, level) * abs(r);
  }
};

// The same for several quantiles of each target, along the last axis of the input.
struct multi_quantile {
  static constexpr const char* name = "multi_quantile_loss";
  static constexpr pointwise_traits traits{
      .of_difference = true,
      .cost_ns_per_element = 0.8};  // for three quantiles: most of it is broadcasting operands along so short an axis
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"target", differentiable | leading},
                                         {"quantiles", differentiable | trailing, level_domain, median_and_deciles}};

  template <class X, class T, class Q>
  FASTLOSS_FN auto value(X input, T target, Q levels) const {
    return quantile{}.value(input, target, levels);
  }
};

// The quantile loss with its kink smoothed by Huber's parabola, |r| <= delta
struct huber_quantile {
  double delta = 1.0;

  static constexpr const char* name = "huber_quantile_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.15};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"quantile", differentiable | trailing, level_domain, median}};
  static constexpr auto options() { return std::array{option<huber_quantile>{"delta", &huber_quantile::delta, at_least(0)}}; }

  template <class X, class T, class Q>
  FASTLOSS_FN auto value(X input, T target, Q level) const {
    const auto r = input - target;
    return cost_of_side(r, level) * smooth_abs(r, delta);
  }
};

// tau r^2 where x < t, (1 - tau) r^2 elsewhere
struct expectile {
  static constexpr const char* name = "expectile_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.15};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"tau", differentiable | trailing, level_domain, median}};

  template <class X, class T, class Q>
  FASTLOSS_FN auto value(X input, T target, Q tau) const {
    const auto r = input - target;
    return (cost_of_side(r, tau) * r) * r;  // a small cost times r^2 may be finite where r^2 is not
  }
};

using quantile_losses = type_list<quantile, multi_quantile, huber_quantile, expectile>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

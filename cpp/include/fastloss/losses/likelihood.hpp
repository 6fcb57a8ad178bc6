// Negative log-likelihoods of a distribution whose parameters are predicted.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/simd/primitives.hpp"
#include "fastloss/simd/quotients.hpp"
#include "fastloss/simd/student_t.hpp"
#include "fastloss/simd/von_mises.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// (log v + (x - t)^2 / v) / 2 with v = max(var, eps), plus log(2 pi) / 2 if full.
// torch clamps the variance without differentiating the clamp: below eps the gradient is that at eps. With beta, all of it is
// multiplied by v^beta, which counts as a constant.
struct gaussian_nll {
  bool full = false;
  double eps = 1e-6;
  double beta = 0.0;

  static constexpr const char* name = "gaussian_nll_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.4};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"var", differentiable | leading, checked_always(at_least(0))}};
  static constexpr auto options() {
    return std::array{option<gaussian_nll>{"full", &gaussian_nll::full}, option<gaussian_nll>{"eps", &gaussian_nll::eps, above(0)},
                      option<gaussian_nll>{"beta", &gaussian_nll::beta, between(0, 1)}};
  }

  template <class X, class T, class V>
  FASTLOSS_FN auto value(X input, T target, V var) const {
    const auto v = clamp_min(var, eps);
    const auto of_var = 0.5 * log(v);
    const double constant = full ? 0.91893853320467274178 : 0.0;
    return choose(
        beta == 0, [&] { return of_var + half_squared_quotient(input - target, v) + constant; },
        [&] {
          const auto factor = pow(detach(v), beta);
          return mul0(of_var + constant, factor) + half_squared_quotient(input - target, v, factor);
        });
  }
};

// log b + |x - t| / b with b = max(scale, eps), plus log 2 if full; subgradient 0 at x = t
struct laplace_nll {
  bool full = false;
  double eps = 1e-6;

  static constexpr const char* name = "laplace_nll_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 0.4};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"scale", differentiable | leading, checked_always(at_least(0))}};
  static constexpr auto options() {
    return std::array{option<laplace_nll>{"full", &laplace_nll::full}, option<laplace_nll>{"eps", &laplace_nll::eps, above(0)}};
  }

  template <class X, class T, class S>
  FASTLOSS_FN auto value(X input, T target, S scale) const {
    const auto b = clamp_min(scale, eps);
    return log(b) + abs_quotient(input - target, b) + (full ? 0.69314718055994530942 : 0.0);
  }
};

// log t + log s + ((log t - x) / s)^2 / 2 with s = max(scale, eps), plus log(2 pi) / 2 if full
struct log_normal_nll {
  bool full = false;
  double eps = 1e-6;

  static constexpr const char* name = "log_normal_nll_loss";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.6};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable, above(0)}, {"scale", differentiable | leading, checked_always(at_least(0))}};
  static constexpr auto options() {
    return std::array{option<log_normal_nll>{"full", &log_normal_nll::full}, option<log_normal_nll>{"eps", &log_normal_nll::eps, above(0)}};
  }

  template <class X, class T, class S>
  FASTLOSS_FN auto value(X input, T target, S scale) const {
    const auto s = clamp_min(scale, eps);
    const double constant = full ? 0.91893853320467274178 : 0.0;
    return function_of_log(target, [&](auto log_target) {
      // At t = 0 the square is infinite; the logarithm beside it, infinite with the other sign, does not count.
      return select(log_target == -__builtin_inf(), zero_t{}, log_target) + (log(s) + constant) +
             half_square_of_quotient(log_target - input, s);
    });
  }
};

// log s + (nu + 1) / 2 log(1 + ((x - t) / s)^2 / nu) + log(Gamma(nu / 2) / Gamma((nu + 1) / 2) sqrt(nu / 2)) with
// s = max(scale, eps), plus log(2 pi) / 2 if full: the Gaussian one at nu = inf
struct student_t_nll {
  bool full = false;
  double eps = 1e-6;

  static constexpr const char* name = "student_t_nll_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 1.7};
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"target", differentiable},
                                         {"scale", differentiable | leading, checked_always(at_least(0))},
                                         {"df", differentiable | leading, checked_always(at_least(0))}};
  static constexpr auto options() {
    return std::array{option<student_t_nll>{"full", &student_t_nll::full}, option<student_t_nll>{"eps", &student_t_nll::eps, above(0)}};
  }

  template <class X, class T, class S, class N>
  FASTLOSS_FN auto value(X input, T target, S scale, N df) const {
    return detail::student_t_nll(input - target, clamp_min(scale, eps), df) + (full ? 0.91893853320467274178 : 0.0);
  }
};

// log I0(k) - k cos(x - t), plus log(2 pi) if full
struct von_mises_nll {
  bool full = false;

  static constexpr const char* name = "von_mises_nll_loss";
  static constexpr pointwise_traits traits{.of_difference = true, .cost_ns_per_element = 1.2};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable}, {"concentration", differentiable | leading, checked_always(at_least(0))}};
  static constexpr auto options() { return std::array{option<von_mises_nll>{"full", &von_mises_nll::full}}; }

  template <class X, class T, class K>
  FASTLOSS_FN auto value(X input, T target, K concentration) const {
    return detail::von_mises_nll(input - target, concentration) + (full ? 1.8378770664093454836 : 0.0);
  }
};

using likelihood_losses = type_list<gaussian_nll, laplace_nll, log_normal_nll, student_t_nll, von_mises_nll>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

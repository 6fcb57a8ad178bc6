// Divergences between distributions or measures, element by element.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/simd/alpha_divergence.hpp"
#include "fastloss/simd/divergences.hpp"
#include "fastloss/simd/mixture_divergence.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// t (log t - x) with x the logarithm of a probability; of log t, e^(log t) (log t - x)
struct kl_div {
  bool log_target = false;

  static constexpr const char* name = "kl_div";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 0.2};
  static constexpr operand operands[] = {{"input", differentiable, at_most(0)}, {"target", differentiable, between(0, 1)}};
  static constexpr auto options() { return std::array{option<kl_div>{"log_target", &kl_div::log_target}}; }
  constexpr domain values(int operand) const { return operand == 1 && !log_target ? between(0, 1) : at_most(0); }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return choose(log_target, [&] { return kl_of_logarithms(input, target); }, [&] { return kl_of_probability(input, target); });
  }
};

// The same with the roles of the two distributions exchanged: e^x (x - log t)
struct reverse_kl_div {
  bool log_target = false;

  static constexpr const char* name = "reverse_kl_div";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 0.25};
  static constexpr operand operands[] = {{"input", differentiable, at_most(0)}, {"target", differentiable, between(0, 1)}};
  static constexpr auto options() { return std::array{option<reverse_kl_div>{"log_target", &reverse_kl_div::log_target}}; }
  constexpr domain values(int operand) const { return operand == 1 && !log_target ? between(0, 1) : at_most(0); }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return choose(log_target, [&] { return kl_of_logarithms(target, input); }, [&] { return reverse_kl_of_probability(input, target); });
  }
};

// t log(t / x) - t + x
struct generalized_kl_div {
  static constexpr const char* name = "generalized_kl_div";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.35};
  static constexpr operand operands[] = {{"input", differentiable, at_least(0)}, {"target", differentiable, at_least(0)}};

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return generalized_kl(input, target);
  }
};

// (sqrt x - sqrt t)^2 / 2
struct hellinger {
  static constexpr const char* name = "hellinger_loss";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.2};
  static constexpr operand operands[] = {{"input", differentiable, at_least(0)}, {"target", differentiable, at_least(0)}};

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return half_squared_difference_of_roots(input, target);
  }
};

// (t^a x^(1 - a) - a t - (1 - a) x) / (a (a - 1)); its default needs no powers, but roots
struct alpha_divergence {
  double alpha = 0.5;

  static constexpr const char* name = "alpha_divergence";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.2};
  static constexpr operand operands[] = {{"input", differentiable, at_least(0)}, {"target", differentiable, at_least(0)}};
  static constexpr auto options() { return std::array{option<alpha_divergence>{"alpha", &alpha_divergence::alpha, between(-1000, 1000)}}; }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return choose(
        alpha == 0.5, [&] { return 4.0 * half_squared_difference_of_roots(input, target); },
        [&] { return alpha_divergence_of(input, target, alpha); });
  }
};

// beta t log(t / m) + (1 - beta) s log(s / m) with s = e^x and m = (1 - beta) s + beta t; of log t likewise
struct js_div {
  double beta = 0.5;
  bool log_target = false;

  static constexpr const char* name = "js_div";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 1.0};
  static constexpr operand operands[] = {{"input", differentiable, at_most(0)}, {"target", differentiable, between(0, 1)}};
  static constexpr auto options() {
    return std::array{option<js_div>{"beta", &js_div::beta, strictly_between(0, 1)}, option<js_div>{"log_target", &js_div::log_target}};
  }
  constexpr domain values(int operand) const { return operand == 1 && !log_target ? between(0, 1) : at_most(0); }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return choose(
        log_target, [&] { return mixture_divergence_of_logarithms(input, target, beta); },
        [&] { return mixture_divergence_of_probability(input, target, beta); });
  }
};

using divergence_losses = type_list<kl_div, reverse_kl_div, generalized_kl_div, hellinger, alpha_divergence, js_div>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

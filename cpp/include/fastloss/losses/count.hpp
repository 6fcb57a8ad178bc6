// Negative log-likelihoods of counts.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/simd/binomial.hpp"
#include "fastloss/simd/negative_binomial.hpp"
#include "fastloss/simd/poisson.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// e^x - t x, or x - t log(x + eps) of the rate itself; plus log t!, approximated if full, exact if log_factorial
struct poisson_nll {
  bool log_input = true;
  bool full = false;
  double eps = 1e-8;
  bool log_factorial = false;

  static constexpr const char* name = "poisson_nll_loss";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 0.25};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable, at_least(0)}};
  static constexpr auto options() {
    return std::array{option<poisson_nll>{"log_input", &poisson_nll::log_input}, option<poisson_nll>{"full", &poisson_nll::full},
                      option<poisson_nll>{"eps", &poisson_nll::eps, at_least(0)},
                      option<poisson_nll>{"log_factorial", &poisson_nll::log_factorial}};
  }
  constexpr domain values(int operand) const { return operand == 1 || !log_input ? at_least(0) : everywhere(); }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return choose(
        log_factorial, [&] { return with<exact_log_factorial>(input, target); },
        [&] {
          return choose(
              full, [&] { return with<stirling_log_factorial>(input, target); },
              [&] { return with<without_log_factorial>(input, target); });
        });
  }

 private:
  template <class Constant, class X, class T>
  FASTLOSS_FN auto with(X input, T target) const {
    return choose(
        log_input, [&] { return poisson_of_log_rate<Constant>(input, target); },
        [&] { return poisson_of_rate<Constant>(input, target, eps); });
  }
};

// n softplus(z) - t z for t of n trials; plus -log of the binomial coefficient if full
struct binomial_nll {
  bool full = false;

  static constexpr const char* name = "binomial_nll_loss";
  static constexpr pointwise_traits traits{.cost_ns_per_element = 0.65};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable, at_least(0)}, {"trials", differentiable | optional, at_least(0)}};
  static constexpr auto options() { return std::array{option<binomial_nll>{"full", &binomial_nll::full}}; }

  template <class Z, class T, class N>
  FASTLOSS_FN auto value(Z input, T target, N trials) const {
    const auto core = binomial_cross_entropy(input, target, trials);
    return choose(full, [&] { return core + minus_log_binomial(trials, target); }, [&] { return core; });
  }
};

// log(1 + a m) / a + t log((1 + a m) / (a m)) - log(Gamma(1 / a + t) / Gamma(1 / a)) for the mean m = e^x or x; plus log t! if full
struct negative_binomial_nll {
  bool log_input = true;
  bool full = false;

  static constexpr const char* name = "negative_binomial_nll_loss";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 12};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", differentiable, at_least(0)}, {"dispersion", differentiable | trailing, at_least(0)}};
  static constexpr auto options() {
    return std::array{option<negative_binomial_nll>{"log_input", &negative_binomial_nll::log_input},
                      option<negative_binomial_nll>{"full", &negative_binomial_nll::full}};
  }
  constexpr domain values(int operand) const { return operand != 0 || !log_input ? at_least(0) : everywhere(); }

  template <class X, class T, class A>
  FASTLOSS_FN auto value(X input, T target, A dispersion) const {
    return choose(
        full, [&] { return with<exact_log_factorial>(input, target, dispersion); },
        [&] { return with<without_log_factorial>(input, target, dispersion); });
  }

 private:
  template <class Constant, class X, class T, class A>
  FASTLOSS_FN auto with(X input, T target, A dispersion) const {
    return choose(
        log_input, [&] { return negative_binomial<true, Constant>(input, target, dispersion); },
        [&] { return negative_binomial<false, Constant>(input, target, dispersion); });
  }
};

using count_losses = type_list<poisson_nll, binomial_nll, negative_binomial_nll>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

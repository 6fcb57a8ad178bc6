// Likelihoods and deviances of counts and other non-negative targets.
#pragma once

#include <array>

#include "fastloss/core/loss.hpp"
#include "fastloss/core/type_list.hpp"
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
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable, at_least(0)}};
  static constexpr double nanoseconds = 0.25;
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

using count_losses = type_list<poisson_nll>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

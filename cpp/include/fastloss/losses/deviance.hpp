// Deviances of targets that are not negative: the gamma distribution, and the Tweedie family that it belongs to.
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/simd/gamma_deviance.hpp"
#include "fastloss/simd/poisson.hpp"
#include "fastloss/simd/tweedie.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

inline constexpr const char* link_choices[] = {"log", "identity"};

// x + t e^-x, or log(x) + t / x of the mean itself; plus -log(t) - 1 if full
struct gamma_nll {
  int link = 0;
  bool full = false;

  static constexpr const char* name = "gamma_nll_loss";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 0.3};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable, at_least(0)}};
  static constexpr auto options() {
    return std::array{option<gamma_nll>{"link", &gamma_nll::link, link_choices}, option<gamma_nll>{"full", &gamma_nll::full}};
  }
  constexpr domain values(int operand) const {
    if (operand == 0) return link == 0 ? everywhere() : above(0);
    return full ? above(0) : at_least(0);
  }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    return choose(full, [&] { return linked<true>(input, target); }, [&] { return linked<false>(input, target); });
  }

 private:
  template <bool Deviance, class X, class T>
  FASTLOSS_FN auto linked(X input, T target) const {
    return choose(
        link == 0, [&] { return gamma_of_log_mean<Deviance>(input, target); }, [&] { return gamma_of_mean<Deviance>(input, target); });
  }
};

// m^(2 - p) / (2 - p) - t m^(1 - p) / (1 - p) for m = e^x or x; plus t^(2 - p) / ((1 - p) (2 - p)) if full
struct tweedie {
  double power = 1.5;
  int link = 0;
  bool full = false;

  static constexpr const char* name = "tweedie_loss";
  static constexpr pointwise_traits traits{.domains_vary = true, .cost_ns_per_element = 0.7};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable, at_least(0)}};
  static constexpr auto options() {
    return std::array{option<tweedie>{"power", &tweedie::power, everywhere()}, option<tweedie>{"link", &tweedie::link, link_choices},
                      option<tweedie>{"full", &tweedie::full}};
  }
  constexpr domain values(int operand) const {
    if (operand == 0) return link == 0 || power == 0 ? everywhere() : above(0);
    return power <= 0 ? everywhere() : power < 2 ? at_least(0) : above(0);
  }

  template <class X, class T>
  FASTLOSS_FN auto value(X input, T target) const {
    const auto p = tweedie_powers::of<typename detail::common_pack<X, T>::scalar>(power);
    return choose(
        link == 0,
        [&] { return choose(full, [&] { return log_link<true>(input, target, p); }, [&] { return log_link<false>(input, target, p); }); },
        [&] { return choose(full, [&] { return identity<true>(input, target, p); }, [&] { return identity<false>(input, target, p); }); });
  }

 private:
  template <bool Deviance, class X, class T>
  FASTLOSS_FN static auto log_link(X input, T target, tweedie_powers p) {
    return choose(
        p.power == 2, [&] { return gamma_of_log_mean<Deviance>(input, target); },
        [&] {
          return choose(
              p.power == (Deviance ? 0 : 1),
              [&] {
                if constexpr (Deviance) return half_squared_error<true>(exp(input), target);
                else return poisson_of_log_rate<without_log_factorial>(input, target);
              },
              [&] { return tweedie_of_log_mean<Deviance>(input, target, p); });
        });
  }
  template <bool Deviance, class X, class T>
  FASTLOSS_FN static auto identity(X input, T target, tweedie_powers p) {
    return choose(
        p.power == 0, [&] { return half_squared_error<Deviance>(input, target); },
        [&] {
          return choose(
              p.power == 2, [&] { return gamma_of_mean<Deviance>(input, target); },
              [&] {
                if constexpr (Deviance) return tweedie_of_mean<true>(input, target, p);
                else
                  return choose(
                      p.power == 1, [&] { return poisson_of_rate<without_log_factorial>(input, target, 0.0); },
                      [&] { return tweedie_of_mean<false>(input, target, p); });
              });
        });
  }
};

using deviance_losses = type_list<gamma_nll, tweedie>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// The logarithm of a sum of exponentials as a loss of its own: its gradient is the softmax, and the product of its second derivative
// with a vector is that of the softmax's Jacobian. In C++ a call_plan of it, with reduction::none or sum, is thus
//
//   logsumexp     value()
//   softmax       gradient(0), or extra(row_extra::probabilities)
//   log_softmax   extra(row_extra::log_probabilities)
//
// and their vector-Jacobian products for a gradient g flowing in are
//
//   logsumexp     gradient(0) with grad_output = g and reduction::none
//   softmax       hessian() with vector = g and reduction::sum
//   log_softmax   gradient(0) of cross_entropy with the target g, reduction::sum and grad_output = -1
#pragma once

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/rowwise.hpp"
#include "fastloss/simd/dual.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// log sum_c exp(z_c)
struct log_sum_exp {
  static constexpr const char* name = "logsumexp";
  static constexpr rowwise_traits traits{.shift = row_shift::log_sum_exp, .cost_ns_per_element = 0.3};
  static constexpr operand operands[] = {{"input", differentiable}};

  constexpr bool regularises() const { return true; }

  template <class U>
  FASTLOSS_FN auto value(U) const {
    return zero_t{};
  }
  template <class R>
  FASTLOSS_FN auto of_shift(R lse) const {
    return lse;
  }
};

using log_sum_exp_losses = type_list<log_sum_exp>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

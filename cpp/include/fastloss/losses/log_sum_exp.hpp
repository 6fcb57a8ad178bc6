// The logarithm of a sum of exponentials as a loss of its own: its gradient is the softmax, and the product of its second derivative
// with a vector is that of the softmax's Jacobian.
#pragma once

#include "fastloss/core/loss.hpp"
#include "fastloss/core/type_list.hpp"
#include "fastloss/simd/dual.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

// log sum_c exp(z_c)
struct log_sum_exp {
  static constexpr const char* name = "logsumexp";
  static constexpr row_reference reference = row_reference::log_sum_exp;
  static constexpr operand operands[] = {{"input", differentiable}};
  static constexpr double nanoseconds = 0.3;

  constexpr bool regularises() const { return true; }

  template <class U>
  FASTLOSS_FN auto value(U) const {
    return zero_t{};
  }
  template <class R>
  FASTLOSS_FN auto of_reference(R lse) const {
    return lse;
  }
};

using log_sum_exp_losses = type_list<log_sum_exp>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

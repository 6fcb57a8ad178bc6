// The registry: every pointwise loss of the library, one line each.
#pragma once

#include "fastloss/core/type_list.hpp"
#include "fastloss/losses/binary.hpp"
#include "fastloss/losses/likelihood.hpp"
#include "fastloss/losses/margin.hpp"
#include "fastloss/losses/regression.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

using pointwise_losses = type_list<mse, l1, rmse, huber, binary_cross_entropy_with_logits, gaussian_nll, hinge>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

// The functions behind the calls of losses and their methods.
#pragma once

#include "fastloss/core/loss.hpp"
#include "numpy_api.hpp"

namespace fastloss::bindings {

// They differ by the engine of the loss.
vectorcallfunc function_of_loss(const loss_info& info);
vectorcallfunc function_of_method(const loss_info& info);

}  // namespace fastloss::bindings

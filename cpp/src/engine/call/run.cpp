// The computation of a checked call, in the library's floating-point mode. A file of its own, so that no compiler moves any of it
// out of the mode.
#include "fastloss/engine/linear.hpp"
#include "fastloss/engine/pointwise.hpp"
#include "fastloss/engine/rowwise.hpp"
#include "fastloss/runtime/floating_point.hpp"

namespace fastloss {

double pointwise_plan::run(const loss_outputs& outputs) const {
  const standard_floating_point mode;
  return compute(outputs);
}

double rowwise_plan::run(const loss_outputs& outputs) const {
  const standard_floating_point mode;
  return compute(outputs);
}

double linear_plan::run(const loss_outputs& outputs) const {
  const standard_floating_point mode;
  return compute(outputs);
}

}  // namespace fastloss

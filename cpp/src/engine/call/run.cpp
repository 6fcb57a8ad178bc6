// The computation of a checked call, in the library's floating-point mode. A file of its own, so that no compiler moves any of it
// out of the mode.
#include "engine/call/output_checks.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/runtime/floating_point.hpp"

namespace fastloss {

double call_plan::run(const loss_outputs& outputs) const {
  const standard_floating_point mode;
  const bool in_place = check_outputs(*this, outputs);
  return loss().engine->run(*this, outputs, in_place);
}

}  // namespace fastloss

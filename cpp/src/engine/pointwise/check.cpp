// What a pointwise call makes of its operands: their shapes, and the dtype of the computation.
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "engine/pointwise/run.hpp"

namespace fastloss {
namespace {

// The promotion of the floating operands. A bare number decides only where nothing else does; integers never do, except as
// predictions, which count as float64 (NumPy's rule).
dtype promote(const loss_call& call) {
  bool any = false, wide = false;
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k) {
    const const_array& a = call.operands[k];
    if (a.absent() || a.weak) continue;
    if (is_floating(a.type)) {
      any = true;
      wide |= a.type == dtype::float64;
    } else if (k == 0) {
      any = wide = true;
    }
  }
  return any && !wide ? dtype::float32 : dtype::float64;
}

void shape_of_elements(const loss_call& call, call_shape& shape) {
  const loss_info& loss = *call.loss;
  const const_array& input = call.operands[0];
  shape.units = {input.rank, input.shape, loss.operands[0].name, "", input.strides};
  for (std::size_t k = 0; k < loss.operands.size(); ++k) {
    const operand& o = loss.operands[k];
    const const_array& a = call.operands[k];
    if (a.absent()) continue;
    if (o.is(integer) && is_floating(a.type))
      fail_type(loss, std::string(o.name) + " must have an integer dtype, got " + dtype_text(a.type));
    if (k > 0) check_shape(loss, o.name, a, alignment_of(o), shape.units);
  }
  shape.computation = promote(call);
  shape.work = 1.0;
  for (int i = 0; i < input.rank; ++i) shape.work *= static_cast<double>(input.shape[i]);
}

}  // namespace

const engine pointwise_engine = {"pointwise", {}, shape_of_elements, run_pointwise};

}  // namespace fastloss

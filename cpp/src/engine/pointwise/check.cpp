// What a pointwise call makes of its operands: their shapes, and the dtype of the computation.
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "engine/pointwise/run.hpp"

namespace fastloss {
namespace {

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
  shape.computation = promoted(call, loss.operands.size());
  shape.work = 1.0;
  for (int i = 0; i < input.rank; ++i) shape.work *= static_cast<double>(input.shape[i]);
}

}  // namespace

const engine pointwise_engine = {"pointwise", {}, shape_of_elements, run_pointwise};

}  // namespace fastloss

// What a call of a loss of boxes makes of its operands.
#include <string>

#include "engine/box/run.hpp"
#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "fastloss/engines/box.hpp"

namespace fastloss {
namespace {

void shape_of_pairs(const loss_call& call, call_shape& shape) {
  const loss_info& loss = *call.loss;
  const const_array &input = call.operands[0], &target = call.operands[1];
  const char* const name = loss.operands[0].name;
  const int numbers = numbers_of(loss.operands[0]);
  if (input.rank == 0 || input.shape[input.rank - 1] != numbers)
    fail_shape(loss, name, input,
               numbers == rotated_numbers ? "rotated boxes have five numbers on the last axis, shape (..., 5)"
                                          : "boxes have four numbers on the last axis, shape (..., 4)");
  if (!same_shape(target, input.rank, input.shape))
    fail_shape(
        loss, loss.operands[1].name, target,
        std::string("it must have the shape of ") + name + ", " + shape_text(input.rank, input.shape) + ": boxes are compared in pairs");
  shape.units = {input.rank - 1, input.shape, name, " without its last axis", input.strides};
  shape.computation = promoted(call, loss.operands.size());
  shape.work = 1.0;
  for (int i = 0; i + 1 < input.rank; ++i) shape.work *= static_cast<double>(input.shape[i]);
}

}  // namespace

const engine box_engine = {"box", box_roles, shape_of_pairs, run_boxes};

}  // namespace fastloss

// What a call of a function of two sets of boxes makes of its operands.
#include <string>

#include "engine/box_matrix/run.hpp"
#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "fastloss/engines/box_matrix.hpp"

namespace fastloss {
namespace {

void check_boxes_of(const loss_info& loss, int operand, const const_array& a, const char* shape) {
  if (a.rank != 2 || a.shape[1] != upright_numbers)
    fail_shape(loss, loss.operands[static_cast<std::size_t>(operand)].name, a,
               std::string("it must be a set of boxes, of four numbers each: shape ") + shape);
}

// There is a value for each pair, and nothing is made of several.
void check_unreduced(const loss_call& call) {
  const loss_info& loss = *call.loss;
  if (call.call.reduction != reduction::none) fail_value(loss, "reduction must be 'none': the function has a value for each pair of boxes");
  if (!call.call.sample_weight.absent()) fail_value(loss, "sample_weight is for losses, and this is a function");
  if (!call.call.where.absent()) fail_value(loss, "where is for losses, and this is a function");
}

void shape_of_matrix(const loss_call& call, call_shape& shape) {
  const loss_info& loss = *call.loss;
  const const_array &input = call.operands[0], &target = call.operands[1];
  check_boxes_of(loss, 0, input, "(N, 4)");
  check_boxes_of(loss, 1, target, "(M, 4)");
  check_unreduced(call);
  const std::ptrdiff_t n = input.shape[0], m = target.shape[0];
  std::ptrdiff_t bytes;
  if (__builtin_mul_overflow(n, m, &bytes) || __builtin_mul_overflow(bytes, static_cast<std::ptrdiff_t>(sizeof(double)), &bytes))
    fail_value(loss, std::string(loss.operands[0].name) + " has " + std::to_string(n) + " boxes and " + loss.operands[1].name + " " +
                         std::to_string(m) + "; there may be at most 2**60 pairs");
  shape.extents[0] = n;
  shape.extents[1] = m;
  shape.units = {2, shape.extents.data(), "the pairs of boxes"};
  shape.computation = promoted(call, call.loss->operands.size());
  shape.work = static_cast<double>(n) * static_cast<double>(m);
}

// A function's value is data again: halves, which are computed in float32, give halves.
dtype value_dtype(const loss_call& call, dtype computation) {
  const dtype input = call.operands[0].type;
  return is_floating(input) && input == call.operands[1].type ? input : computation;
}

}  // namespace

const engine box_matrix_engine = {"box_matrix", {}, shape_of_matrix, run_box_matrix, value_dtype};

}  // namespace fastloss

#include "engine/lovasz/axes.hpp"

#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "fastloss/engines/lovasz.hpp"

namespace fastloss {
namespace {

// -1: there are no classes.
int class_axis_of(const loss_call& call) {
  if (!has_classes(*call.loss)) return -1;
  const int rank = call.operands[0].rank;
  const int axis = call.call.axis.value_or(rank == 1 ? 0 : 1);
  if (axis < -rank || axis >= rank)
    fail_value(*call.loss, std::string(call.loss->arguments.axis) + " must be from " + std::to_string(-rank) + " to " +
                               std::to_string(rank - 1) + " for " + input_text(call) + ", got " + std::to_string(axis));
  return axis < 0 ? axis + rank : axis;
}

}  // namespace

lovasz_axes axes_of_pixels(const loss_call& call) {
  const const_array& input = call.operands[0];
  lovasz_axes axes;
  axes.class_axis = class_axis_of(call);
  axes.rank = 0;
  for (int i = 0; i < input.rank; ++i)
    if (i != axes.class_axis) axes.shape[axes.rank++] = input.shape[i];
  axes.has_samples = axes.class_axis >= 0 ? axes.class_axis > 0 : input.rank > 1;
  return axes;
}

std::string input_text(const loss_call& call) {
  return std::string(call.loss->operands[0].name) + " of shape " + shape_text(call.operands[0].rank, call.operands[0].shape);
}

}  // namespace fastloss

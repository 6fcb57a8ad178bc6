// What a call of a loss of embeddings makes of its operands: the axis of features, units.
#include <cmath>
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "engine/distance/run.hpp"
#include "fastloss/engines/distance.hpp"

namespace fastloss {
namespace {

constexpr const char* distance_roles[] = {"embedding"};

std::string input_text(const loss_call& call) {
  return std::string(call.loss->operands[0].name) + " of shape " + shape_text(call.operands[0].rank, call.operands[0].shape);
}

void check_unreduced(const loss_call& call) {
  const loss_info& loss = *call.loss;
  if (call.call.reduction != reduction::none)
    fail_value(loss, "reduction must be 'none': the function has a value for each pair of embeddings");
  if (!call.call.sample_weight.absent()) fail_value(loss, "sample_weight is for losses, and this is a function");
  if (!call.call.where.absent()) fail_value(loss, "where is for losses, and this is a function");
}

// The norm of ones must be a number, so that no distance is beyond the range where the differences are not.
void check_power(const loss_call& call, const distance_form& form, std::ptrdiff_t features) {
  constexpr double largest_exponent = 709.0;
  if (form.measure != embedding_measure::distance || features < 2 || !(form.p > 0.0) ||
      std::log(static_cast<double>(features)) / form.p <= largest_exponent)
    return;
  fail_value(*call.loss, "p is so small that distances of " + std::to_string(features) + " features, with " + std::to_string(features) +
                             "**(1/p), are beyond the range of numbers: got " + number_text(form.p, dtype::float64));
}

void shape_of_embeddings(const loss_call& call, call_shape& shape) {
  const loss_info& loss = *call.loss;
  const distance_loss& of = distance_loss_of(loss);
  const const_array& input = call.operands[0];
  if (input.rank == 0) fail_shape(loss, loss.operands[0].name, input, "an embedding has at least one axis, that of its features");
  for (std::size_t k = 1; k < of.embeddings; ++k)
    if (!same_shape(call.operands[k], input.rank, input.shape))
      fail_shape(loss, loss.operands[k].name, call.operands[k], "it must have the shape of " + input_text(call));
  const distance_form form = of.form(call.options);
  if (form.refusal != nullptr) fail_value(loss, form.refusal);
  if (of.is_function) check_unreduced(call);
  const int axis = feature_axis_of(call);
  check_power(call, form, input.shape[axis]);

  int rank = 0;
  shape.work = 1.0;
  for (int i = 0; i < input.rank; ++i) {
    shape.work *= static_cast<double>(input.shape[i]);
    if (i == axis) continue;
    shape.extents[static_cast<std::size_t>(rank)] = input.shape[i];
    shape.strides[static_cast<std::size_t>(rank++)] = input.strides[i];
  }
  shape.work *= static_cast<double>(of.embeddings);
  shape.units = {rank, shape.extents.data(), loss.operands[0].name, " without its axis of features", shape.strides.data()};
  if (loss.operands.size() > of.embeddings) {
    const std::size_t k = of.embeddings;
    if (!same_shape(call.operands[k], rank, shape.units.shape))
      fail_shape(loss, loss.operands[k].name, call.operands[k],
                 "it must have a number for each unit, the shape of " + input_text(call) + " without axis " + std::to_string(axis) + ", " +
                     shape_text(rank, shape.units.shape));
  }
  shape.class_axis = axis;
  shape.computation = promoted(call, of.embeddings);
}

// A function's value is data again: halves, which are computed in float32, give halves.
dtype value_dtype(const loss_call& call, dtype computation) {
  const dtype input = call.operands[0].type;
  const bool is_data = distance_loss_of(*call.loss).is_function && is_floating(input) && input == call.operands[1].type;
  return is_data ? input : computation;
}

}  // namespace

int feature_axis_of(const loss_call& call) {
  const const_array& input = call.operands[0];
  const int axis = call.call.axis.value_or(-1);
  if (axis < -input.rank || axis >= input.rank)
    fail_value(*call.loss, std::string(call.loss->arguments.axis) + " must be from " + std::to_string(-input.rank) + " to " +
                               std::to_string(input.rank - 1) + " for " + input_text(call) + ", got " + std::to_string(axis));
  return axis < 0 ? axis + input.rank : axis;
}

const engine distance_engine = {"distance", distance_roles, shape_of_embeddings, run_distances, value_dtype};

}  // namespace fastloss

// What a row-wise call makes of its operands: the axis of classes, the rows, what each operand may be.
#include <algorithm>
#include <cmath>
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "engine/rowwise/run.hpp"
#include "fastloss/engines/rowwise.hpp"

namespace fastloss {
namespace {

int class_axis(const loss_call& call) {
  const const_array& input = call.operands[0];
  const loss_info& loss = *call.loss;
  if (input.rank == 0) fail_value(loss, std::string(loss.operands[0].name) + " must have an axis of classes, got shape ()");
  if (!call.call.axis.has_value()) return input.rank == 1 ? 0 : 1;
  const int axis = *call.call.axis;
  if (axis < -input.rank || axis >= input.rank)
    fail_value(loss, std::string(loss.arguments.axis) + " must be from " + std::to_string(-input.rank) + " to " +
                         std::to_string(input.rank - 1) + " for " + loss.operands[0].name + " of shape " +
                         shape_text(input.rank, input.shape) + ", got " + std::to_string(axis));
  return axis < 0 ? axis + input.rank : axis;
}

class operand_checker {
 public:
  operand_checker(const loss_call& call, int axis, int row_rank, const std::ptrdiff_t* rows)
      : call_(call), loss_(*call.loss), input_(call.operands[0]), axis_(axis), row_rank_(row_rank), rows_(rows) {}

  void check() const {
    for (std::size_t k = 0; k < loss_.operands.size(); ++k) {
      const operand& o = loss_.operands[k];
      const const_array& a = call_.operands[k];
      if (a.absent()) {
        if (o.is(class_index)) check_ignore_index(call_, o, "not given");
        continue;
      }
      if (k == 0) continue;
      if (o.is(class_index) && !(o.is(distribution) && is_floating(a.type))) check_indices(o, a);
      else if (o.is(class_list)) check_lists(o, a);
      else if (o.is(per_class)) check_per_class(o, a);
      else check_distribution(o, a);
    }
  }

 private:
  std::string input_text() const { return std::string(loss_.operands[0].name) + " of shape " + shape_text(input_.rank, input_.shape); }

  void check_lists(const operand& o, const const_array& a) const {
    check_class_index_dtype(loss_, o, a);
    if (!same_shape(a, input_.rank, input_.shape))
      fail_shape(loss_, o.name, a, "the class indices that each row lists must have the shape of " + input_text());
  }

  void check_indices(const operand& o, const const_array& a) const {
    check_class_index_dtype(loss_, o, a);
    if (same_shape(a, row_rank_, rows_)) return;
    std::string need = "class indices for " + input_text() + " with classes on axis " + std::to_string(axis_) + " must have shape " +
                       shape_text(row_rank_, rows_);
    if (o.is(one_of_a_row) && row_rank_ == 0) need += " or (1,)";
    if (o.is(distribution) && same_shape(a, input_.rank, input_.shape)) need += "; probabilities and one-hot targets must be floating";
    fail_shape(loss_, o.name, a, need);
  }

  void check_distribution(const operand& o, const const_array& a) const {
    if (o.is(class_index)) check_ignore_index(call_, o, "probabilities");
    if (same_shape(a, input_.rank, input_.shape)) return;
    std::string need = "it must have the shape of " + input_text();
    if (o.is(class_index) && same_shape(a, row_rank_, rows_)) need += ", or an integer dtype if it is class indices";
    fail_shape(loss_, o.name, a, need);
  }

  void check_per_class(const operand& o, const const_array& a) const {
    const std::ptrdiff_t classes = input_.shape[axis_];
    if (a.rank == 0 || (a.rank == 1 && a.shape[0] == classes)) return;
    fail_shape(loss_, o.name, a,
               "it must have one number for each of the " + std::to_string(classes) + " classes of " + input_text() + ", shape (" +
                   std::to_string(classes) + ",), or be a number");
  }

  const loss_call& call_;
  const loss_info& loss_;
  const const_array& input_;
  int axis_, row_rank_;
  const std::ptrdiff_t* rows_;
};

// The input decides; probabilities of another dtype are converted, because NumPy's default of float64 would otherwise slow down
// every call with float32 logits.
dtype computation_of(const loss_call& call) {
  const dtype t = call.operands[0].type;
  return is_floating(t) && t != dtype::float64 ? dtype::float32 : dtype::float64;
}

// The input is a row by itself, and its class index an array of one.
bool is_array_of_one_row(const loss_call& call) {
  if (call.operands[0].rank != 1) return false;
  for (std::size_t k = 1; k < call.loss->operands.size(); ++k)
    if (call.loss->operands[k].is(one_of_a_row)) return call.operands[k].rank == 1 && call.operands[k].shape[0] == 1;
  return false;
}

void check_extras(const loss_call& call, const const_array& input, std::ptrdiff_t classes) {
  const loss_info& loss = *call.loss;
  const auto wants = [&](row_extra e) { return (call.extras >> static_cast<int>(e) & 1u) != 0; };
  if (call.extras >> row_extra_count != 0) fail_value(loss, "extras has bits that stand for no row_extra");
  if (wants(row_extra::correct) && !has_class_indices(call))
    fail_value(loss, "return_ names 'correct', which needs a target of class indices");
  if (classes == 0 && (wants(row_extra::prediction) || wants(row_extra::correct)))
    fail_value(loss, std::string("return_ asks for a predicted class, and there is none: ") + loss.operands[0].name + " has shape " +
                         shape_text(input.rank, input.shape));
}

void check_gradients_of_indices(const loss_call& call) {
  for (int i = 0; i < call.gradient_count; ++i) {
    const std::size_t k = static_cast<std::size_t>(call.gradient_of[static_cast<std::size_t>(i)]);
    if (call.loss->operands[k].is(class_index) && !is_floating(call.operands[k].type))
      fail_value(*call.loss,
                 std::string("wrt names '") + call.loss->operands[k].name + "', which is class indices here and has no gradient");
  }
}

void shape_of_rows(const loss_call& call, call_shape& shape) {
  const const_array& input = call.operands[0];
  const loss_info& loss = *call.loss;
  shape.computation = computation_of(call);
  const int axis = shape.class_axis = class_axis(call);
  check_class_count(loss, 0, input.shape[axis], axis, shape.computation);
  int rank = 0;
  shape.work = 1.0;
  for (int i = 0; i < input.rank; ++i) {
    shape.work *= static_cast<double>(input.shape[i]);
    if (i == axis) continue;
    shape.strides[static_cast<std::size_t>(rank)] = input.strides[i];
    shape.extents[static_cast<std::size_t>(rank++)] = input.shape[i];
  }
  if (is_array_of_one_row(call)) shape.extents[static_cast<std::size_t>(rank++)] = 1;
  shape.units = {rank, shape.extents.data(), loss.operands[0].name, " without its class axis", shape.strides.data()};
  operand_checker(call, axis, rank, shape.extents.data()).check();
  check_gradients_of_indices(call);
  if (call.extras != 0) check_extras(call, input, input.shape[axis]);
}

}  // namespace

const engine rowwise_engine = {"rowwise", row_roles, shape_of_rows, run_rowwise};

}  // namespace fastloss

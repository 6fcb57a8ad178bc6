// The checks of a row-wise call. Nothing has been written when one of them throws.
#include <algorithm>
#include <cmath>
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "engine/call/output_checks.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/engine/rowwise.hpp"
#include "fastloss/runtime/floating_point.hpp"

namespace fastloss {
namespace {

int class_axis(const loss_call& call) {
  check_loss(call);
  if (call.loss->reference == row_reference::absent) fail_value(*call.loss, "is no loss of rows, which rowwise_plan takes");
  const const_array& input = call.operands[0];
  const loss_info& loss = *call.loss;
  check_rank(loss, loss.operands[0].name, input);
  if (input.rank == 0) fail_value(loss, std::string(loss.operands[0].name) + " must have an axis of classes, got shape ()");
  if (!call.call.axis.has_value()) return input.rank == 1 ? 0 : 1;
  const int axis = *call.call.axis;
  if (axis < -input.rank || axis >= input.rank)
    fail_value(loss, "axis must be from " + std::to_string(-input.rank) + " to " + std::to_string(input.rank - 1) + " for " +
                         loss.operands[0].name + " of shape " + shape_text(input.rank, input.shape) + ", got " + std::to_string(axis));
  return axis < 0 ? axis + input.rank : axis;
}

bool same_shape(const const_array& a, int rank, const std::ptrdiff_t* shape) {
  return a.rank == rank && std::equal(shape, shape + rank, a.shape);
}

[[noreturn]] void fail_shape(const loss_info& loss, const char* name, const const_array& a, const std::string& need) {
  fail_value(loss, std::string(name) + " has shape " + shape_text(a.rank, a.shape) + "; " + need);
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
        if (!o.is(optional)) fail_type(loss_, std::string("missing operand '") + o.name + "'");
        if (o.is(class_index) && call_.call.ignore_index >= 0)
          fail_value(loss_, std::string("ignore_index is for class indices, and ") + o.name +
                                " is not given (use where=), got ignore_index=" + std::to_string(call_.call.ignore_index));
        continue;
      }
      check_rank(loss_, o.name, a);
      if (k == 0) continue;
      if (o.is(class_index) && !(o.is(distribution) && is_floating(a.type))) check_indices(o, a);
      else if (o.is(class_list)) check_lists(o, a);
      else if (o.is(per_class)) check_per_class(o, a);
      else check_distribution(o, a);
    }
  }

 private:
  std::string input_text() const { return std::string(loss_.operands[0].name) + " of shape " + shape_text(input_.rank, input_.shape); }

  void check_integers(const operand& o, const const_array& a) const {
    if (is_floating(a.type) || a.type == dtype::boolean)
      fail_type(loss_, std::string(o.name) + " must be class indices of an integer dtype, got " + dtype_text(a.type));
  }

  void check_lists(const operand& o, const const_array& a) const {
    check_integers(o, a);
    if (!same_shape(a, input_.rank, input_.shape))
      fail_shape(loss_, o.name, a, "the class indices that each row lists must have the shape of " + input_text());
  }

  void check_indices(const operand& o, const const_array& a) const {
    check_integers(o, a);
    if (same_shape(a, row_rank_, rows_)) return;
    std::string need = "class indices for " + input_text() + " with classes on axis " + std::to_string(axis_) + " must have shape " +
                       shape_text(row_rank_, rows_);
    if (o.is(one_of_a_row) && row_rank_ == 0) need += " or (1,)";
    if (o.is(distribution) && same_shape(a, input_.rank, input_.shape)) need += "; probabilities and one-hot targets must be floating";
    fail_shape(loss_, o.name, a, need);
  }

  void check_distribution(const operand& o, const const_array& a) const {
    if (o.is(class_index) && call_.call.ignore_index >= 0)
      fail_value(loss_, "ignore_index is for class indices; " + std::string(o.name) +
                            " is probabilities (use where=), got ignore_index=" + std::to_string(call_.call.ignore_index));
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

bool has_class_indices(const loss_call& call) {
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k)
    if (call.loss->operands[k].is(class_index) && !call.operands[k].absent() && !is_floating(call.operands[k].type)) return true;
  return false;
}

bool takes_class_indices(const loss_info& loss) {
  bool takes = false;
  for (const operand& o : loss.operands) takes |= o.is(class_index);
  return takes;
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
  for (const row_extra e : {row_extra::lse, row_extra::probabilities, row_extra::log_probabilities})
    if (wants(e) && loss.reference != row_reference::log_sum_exp)
      fail_value(loss, std::string("return_ names '") + extra_names[static_cast<int>(e)] + "', which losses of softmax probabilities have");
  if (wants(row_extra::correct) && !has_class_indices(call))
    fail_value(loss, "return_ names 'correct', which needs a target of class indices");
  if (classes == 0 && (wants(row_extra::prediction) || wants(row_extra::correct)))
    fail_value(loss, std::string("return_ asks for a predicted class, and there is none: ") + loss.operands[0].name + " has shape " +
                         shape_text(input.rank, input.shape));
}

dtype result_dtype(const const_array& a, dtype computation) { return is_floating(a.type) && !a.weak ? a.type : computation; }

}  // namespace

rowwise_plan::rowwise_plan(const loss_call& call) : call_(&call), computation_(computation_of(call)), axis_(class_axis(call)) {
  const standard_floating_point mode;
  const const_array& input = call.operands[0];
  const loss_info& loss = *call.loss;
  check_ignored(call, all_parts);
  if (call.call.ignore_index != call_options{}.ignore_index && !takes_class_indices(loss)) fail_ignored(call, all_parts & ~ignored_class);
  check_class_count(loss, 0, input.shape[axis_], axis_, computation_);
  std::size_t rank = 0;
  for (int i = 0; i < input.rank; ++i)
    if (i != axis_) rows_[rank++] = input.shape[i];
  if (is_array_of_one_row(call)) rows_[rank++] = 1;
  row_rank_ = static_cast<int>(rank);
  operand_checker(call, axis_, row_rank_, rows_.data()).check();
  check_options(loss, call.options);
  check_call_options(call, {row_rank_, rows_.data(), loss.operands[0].name, " without its class axis"});
  check_gradients(call);
  for (int i = 0; i < call.gradient_count; ++i) {
    const std::size_t k = static_cast<std::size_t>(call.gradient_of[static_cast<std::size_t>(i)]);
    if (loss.operands[k].is(class_index) && !is_floating(call.operands[k].type))
      fail_value(loss, std::string("wrt names '") + loss.operands[k].name + "', which is class indices here and has no gradient");
  }
  if (call.extras != 0) check_extras(call, input, input.shape[axis_]);
  if (!call.vector.absent()) {
    if (!call.hessian) fail_ignored(call, all_parts & ~vector_of_product);
    check_rank(loss, "vector", call.vector);
    if (!same_shape(call.vector, input.rank, input.shape))
      fail_shape(loss, "vector", call.vector,
                 std::string("it must have the shape of ") + loss.operands[0].name + ", " + shape_text(input.rank, input.shape));
  }
}

array_spec rowwise_plan::value() const {
  if (reduced()) return {computation_, 0, nullptr};
  return {computation_, row_rank_, rows_.data()};
}

array_spec rowwise_plan::gradient(int i) const {
  const const_array& a = call_->operands[static_cast<std::size_t>(call_->gradient_of[static_cast<std::size_t>(i)])];
  return {result_dtype(a, computation_), a.rank, a.shape};
}

array_spec rowwise_plan::hessian() const {
  const const_array& a = call_->operands[0];
  return {result_dtype(a, computation_), a.rank, a.shape};
}

array_spec rowwise_plan::extra(row_extra e) const {
  const const_array& input = call_->operands[0];
  if (e == row_extra::probabilities || e == row_extra::log_probabilities)
    return {result_dtype(input, computation_), input.rank, input.shape};
  const dtype type = e == row_extra::lse ? computation_ : e == row_extra::prediction ? dtype::int64 : dtype::boolean;
  return {type, row_rank_, rows_.data()};
}

}  // namespace fastloss

// The checks of a call of a loss of linear scores. Nothing has been written when one of them throws.
#include <algorithm>
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "engine/linear/operands.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/engine/linear.hpp"
#include "fastloss/runtime/floating_point.hpp"

namespace fastloss {
namespace {

bool same_shape(const const_array& a, int rank, const std::ptrdiff_t* shape) {
  return a.rank == rank && std::equal(shape, shape + rank, a.shape);
}

bool is_wide(dtype t) { return !is_floating(t) || t == dtype::float64; }

class operand_checker {
 public:
  explicit operand_checker(const loss_call& call) : call_(call), loss_(*call.loss), of_(*call.loss) {}

  void check() const {
    for (std::size_t k = 0; k < loss_.operands.size(); ++k) {
      const operand& o = loss_.operands[k];
      if (!call_.operands[k].absent()) check_rank(loss_, o.name, call_.operands[k]);
      else if (!o.is(optional)) fail_type(loss_, std::string("missing operand '") + o.name + "'");
    }
    check_scores();
    check_target();
    for (std::size_t k = 0; k < loss_.operands.size(); ++k)
      if (loss_.operands[k].is(per_class) && !call_.operands[k].absent()) check_per_class(static_cast<int>(k));
  }

 private:
  const const_array& at(int k) const { return call_.operands[static_cast<std::size_t>(k)]; }
  std::string text(int k) const { return std::string(loss_.operands[static_cast<std::size_t>(k)].name) + " of shape " + shape(k); }
  std::string shape(int k) const { return shape_text(at(k).rank, at(k).shape); }
  [[noreturn]] void fail(int k, const std::string& need) const {
    fail_value(loss_, std::string(loss_.operands[static_cast<std::size_t>(k)].name) + " has shape " + shape(k) + "; " + need);
  }

  void check_scores() const {
    const const_array &input = at(of_.input), &weight = at(of_.linear_weight);
    if (input.rank == 0) fail(of_.input, "it must have an axis of features");
    if (weight.rank < 2) fail(of_.linear_weight, "it must have an axis of classes and an axis of features");
    const std::ptrdiff_t features = input.shape[input.rank - 1];
    if (weight.shape[weight.rank - 1] != features)
      fail(of_.linear_weight, "its last axis must be that of " + text(of_.input) + ", " + std::to_string(features) + " features");
    if (input.rank - 1 + weight.rank - 1 > max_rank)
      fail(of_.linear_weight, "with " + text(of_.input) + " the scores have more than 64 axes");
    if (of_.linear_bias < 0 || at(of_.linear_bias).absent()) return;
    if (!same_shape(at(of_.linear_bias), weight.rank - 1, weight.shape))
      fail(of_.linear_bias,
           "it must have the shape of " + text(of_.linear_weight) + " without its last axis, " + shape_text(weight.rank - 1, weight.shape));
  }

  // The rows' shape is the scores' shape without the classes, which follow the leading axes of the input.
  void check_target() const {
    const const_array &input = at(of_.input), &weight = at(of_.linear_weight), &target = at(of_.target);
    const int leading = input.rank - 1, inner = weight.rank - 2;
    std::ptrdiff_t scores[max_rank], rows[max_rank];
    std::copy(input.shape, input.shape + leading, scores);
    std::copy(input.shape, input.shape + leading, rows);
    std::copy(weight.shape, weight.shape + inner + 1, scores + leading);
    std::copy(weight.shape + 1, weight.shape + inner + 1, rows + leading);
    const std::string from = text(of_.input) + " and " + text(of_.linear_weight);
    const bool of_scores = same_shape(target, leading + inner + 1, scores), of_rows = same_shape(target, leading + inner, rows);
    if (is_floating(target.type)) {
      if (call_.call.ignore_index >= 0)
        fail_value(loss_, "ignore_index is for class indices; target is probabilities (use where=), got ignore_index=" +
                              std::to_string(call_.call.ignore_index));
      if (of_scores) return;
      std::string need = "probabilities for " + from + " must have shape " + shape_text(leading + inner + 1, scores);
      if (of_rows) need += "; class indices must have an integer dtype";
      fail(of_.target, need);
    }
    if (target.type == dtype::boolean) fail_type(loss_, "target must be class indices of an integer dtype, got bool");
    if (of_rows) return;
    std::string need = "class indices for " + from + " must have shape " + shape_text(leading + inner, rows);
    if (of_scores) need += "; probabilities and one-hot targets must be floating";
    fail(of_.target, need);
  }

  void check_per_class(int k) const {
    const const_array& a = at(k);
    const std::ptrdiff_t classes = at(of_.linear_weight).shape[0];
    if (a.rank == 0 || (a.rank == 1 && a.shape[0] == classes)) return;
    fail(k, "it must have one number for each of the " + std::to_string(classes) + " classes of " + text(of_.linear_weight) + ", shape (" +
                std::to_string(classes) + ",), or be a number");
  }

  const loss_call& call_;
  const loss_info& loss_;
  const linear_operands of_;
};

}  // namespace

linear_plan::linear_plan(const loss_call& call) : call_(&call), computation_(dtype::float64) {
  const standard_floating_point mode;
  check_loss(call);
  if (call.loss->linear_of == nullptr) fail_value(*call.loss, "is no loss of linear scores, which linear_plan takes");
  if (find_loss(call.loss->linear_of) == nullptr)
    fail_value(*call.loss, std::string("the loss of its scores must be a registered one, got '") + call.loss->linear_of + "'");
  check_ignored(call, ignored_class);
  operand_checker(call).check();
  const const_array &input = call.operands[linear_operands::input], &weight = call.operands[linear_operands::linear_weight];
  for (int i = 0; i < input.rank - 1; ++i) rows_[static_cast<std::size_t>(rank_++)] = input.shape[i];
  for (int i = 1; i < weight.rank - 1; ++i) rows_[static_cast<std::size_t>(rank_++)] = weight.shape[i];
  check_options(*call.loss, call.options);
  check_call_options(call, {rank_, rows_.data(), "the rows of input"});
  check_gradients(call);
  if (!is_wide(input.type) && !is_wide(weight.type)) computation_ = dtype::float32;
  check_class_count(*call.loss, linear_operands::linear_weight, weight.shape[0], 0, computation_);
}

array_spec linear_plan::value() const {
  if (reduced()) return {computation_, 0, nullptr};
  return {computation_, rank_, rows_.data()};
}

array_spec linear_plan::gradient(int i) const {
  const const_array& a = call_->operands[static_cast<std::size_t>(call_->gradient_of[static_cast<std::size_t>(i)])];
  return {is_floating(a.type) ? a.type : computation_, a.rank, a.shape};
}

}  // namespace fastloss

// What a call of a loss of linear scores makes of its operands.
#include <algorithm>
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "engine/linear/operands.hpp"
#include "engine/linear/run.hpp"

namespace fastloss {
namespace {

bool is_wide(dtype t) { return !is_floating(t) || t == dtype::float64; }

class operand_checker {
 public:
  explicit operand_checker(const loss_call& call) : call_(call), loss_(*call.loss), of_(*call.loss) {}

  void check() const {
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
      check_ignore_index(call_, loss_.operands[static_cast<std::size_t>(of_.target)], "probabilities");
      if (of_scores) return;
      std::string need = "probabilities for " + from + " must have shape " + shape_text(leading + inner + 1, scores);
      if (of_rows) need += "; class indices must have an integer dtype";
      fail(of_.target, need);
    }
    check_class_index_dtype(loss_, loss_.operands[static_cast<std::size_t>(of_.target)], target);
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

void shape_of_linear_scores(const loss_call& call, call_shape& shape) {
  const loss_info& loss = *call.loss;
  const char* const scores = linear_loss_of(loss).loss_of_scores;
  if (const loss_info* const rows = find_loss(scores); rows == nullptr || rows->engine != &rowwise_engine)
    fail_value(loss, std::string("the loss of its scores must be a registered row-wise one, got '") + scores + "'");
  operand_checker(call).check();
  const const_array &input = call.operands[linear_operands::input], &weight = call.operands[linear_operands::linear_weight];
  shape.computation = !is_wide(input.type) && !is_wide(weight.type) ? dtype::float32 : dtype::float64;
  shape.class_axis = 0;  // of linear_weight
  shape.work = static_cast<double>(input.shape[input.rank - 1]);
  int rank = 0;
  for (int i = 0; i < input.rank - 1; ++i) shape.extents[static_cast<std::size_t>(rank++)] = input.shape[i];
  for (int i = 1; i < weight.rank - 1; ++i) shape.extents[static_cast<std::size_t>(rank++)] = weight.shape[i];
  shape.units = {rank, shape.extents.data(), "the rows of input"};
  // Each sample meets every line of the weights.
  for (int i = 0; i < rank; ++i) shape.work *= static_cast<double>(shape.extents[static_cast<std::size_t>(i)]);
  shape.work *= static_cast<double>(weight.shape[0]);
  check_class_count(loss, linear_operands::linear_weight, weight.shape[0], 0, shape.computation);
}

}  // namespace

const engine linear_engine = {"linear", row_roles, shape_of_linear_scores, run_linear};

}  // namespace fastloss

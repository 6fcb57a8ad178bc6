// The checks of a call, in order. Nothing has been written when one of them throws.
#include "fastloss/engine/plan.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "engine/call/checks.hpp"
#include "fastloss/runtime/floating_point.hpp"

namespace fastloss {
namespace {

bool needs_defaults(const loss_call& call) {
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k)
    if (call.operands[k].absent() && !call.loss->operands[k].initial.empty()) return true;
  return false;
}

// Defaults are weak: numbers that were not given do not decide the dtype of the computation.
void fill_defaults(loss_call& call) {
  static constexpr auto extents = [] {
    std::array<std::ptrdiff_t, max_initial + 1> all{};
    for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<std::ptrdiff_t>(i);
    return all;
  }();
  static constexpr std::ptrdiff_t step = sizeof(double);
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k) {
    const std::span<const double> initial = call.loss->operands[k].initial;
    if (!call.operands[k].absent() || initial.empty()) continue;
    const bool number = initial.size() == 1;
    call.operands[k] = {.data = initial.data(),
                        .shape = number ? nullptr : &extents[initial.size()],
                        .strides = number ? nullptr : &step,
                        .rank = number ? 0 : 1,
                        .type = dtype::float64,
                        .byteswapped = false,
                        .weak = true};
  }
}

// Of the operand's own dtype, if that is one that holds fractions.
array_spec derivative_in(const const_array& a, dtype computation) {
  return {is_floating(a.type) && !a.weak ? a.type : computation, a.rank, a.shape, a.strides};
}

}  // namespace

call_plan::call_plan(const loss_call& given) : call_(&given) {
  const standard_floating_point mode;
  check_loss(given);
  const bool unusual = has_unusual_operands(given);
  if (unusual && needs_defaults(given)) {
    completed_ = given;
    fill_defaults(*completed_);
    call_ = &*completed_;
  }
  const loss_call& call = *call_;
  const loss_info& loss = *call.loss;
  check_ignored(call);
  if (unusual) check_operands(call);
  check_gradients(call);
  check_option_values(loss, call.options);  // before shapes, which may depend on them
  loss.engine->shape(call, shape_);
  check_call_options(call, shape_.units);
  if (!call.vector.absent()) check_vector(call);
}

array_spec call_plan::value() const {
  if (reduced()) return {computation(), 0, nullptr};
  const auto own = loss().engine->value_dtype;
  return {own != nullptr ? own(*call_, computation()) : computation(), units().rank, units().shape, units().strides};
}

array_spec call_plan::gradient(int i) const {
  return derivative_in(call_->operands[static_cast<std::size_t>(call_->gradient_of[static_cast<std::size_t>(i)])], computation());
}

array_spec call_plan::hessian() const { return derivative_in(call_->operands[0], computation()); }

array_spec call_plan::extra(row_extra e) const {
  if (e == row_extra::probabilities || e == row_extra::log_probabilities) return hessian();
  const dtype type = e == row_extra::lse ? computation() : e == row_extra::prediction ? dtype::int64 : dtype::boolean;
  return {type, units().rank, units().shape, units().strides};
}

}  // namespace fastloss

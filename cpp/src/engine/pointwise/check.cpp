// The checks of a pointwise call. Nothing has been written when one of them throws.
#include <array>
#include <cmath>
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/engine/pointwise.hpp"
#include "fastloss/runtime/floating_point.hpp"

namespace fastloss {
namespace {

element_shape elements_of(const loss_call& call) {
  const const_array& input = call.operands[0];
  return {input.rank, input.shape, call.loss->operands[0].name};
}

void check_operands(const loss_call& call) {
  const loss_info& loss = *call.loss;
  const element_shape elements = elements_of(call);
  for (std::size_t k = 0; k < loss.operands.size(); ++k) {
    const operand& o = loss.operands[k];
    const const_array& a = call.operands[k];
    if (a.absent()) {
      if (!o.is(optional)) fail_type(loss, std::string("missing operand '") + o.name + "'");
      continue;
    }
    check_rank(loss, o.name, a);
    if (o.is(integer) && is_floating(a.type))
      fail_type(loss, std::string(o.name) + " must have an integer dtype, got " + dtype_text(a.type));
    if (k > 0) check_shape(loss, o.name, a, alignment_of(o), elements);
  }
}

// The promotion of the floating operands. A bare number decides only where nothing else does; integers never do, except as
// predictions, which count as float64 (NumPy's rule).
dtype promote(const loss_call& call) {
  bool any = false, wide = false;
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k) {
    const const_array& a = call.operands[k];
    if (a.absent() || a.weak) continue;
    if (is_floating(a.type)) {
      any = true;
      wide |= a.type == dtype::float64;
    } else if (k == 0) {
      any = wide = true;
    }
  }
  return any && !wide ? dtype::float32 : dtype::float64;
}

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

}  // namespace

void check_operand_value(const loss_info& loss, const void* options, int operand, double x) {
  const standard_floating_point mode;
  const domain values = loss.values_of(options, operand);
  if (std::isnan(x) || !values.contains(x))
    fail_value(loss, std::string(loss.operands[static_cast<std::size_t>(operand)].name) + " must be " + domain_text(values) + ", got " +
                         number_text(x));
}

pointwise_plan::pointwise_plan(const loss_call& given) : call_(&given), computation_(dtype::float64) {
  const standard_floating_point mode;
  check_loss(given);
  if (given.loss->reference != row_reference::absent) fail_value(*given.loss, "is a loss of rows, which rowwise_plan takes");
  if (given.loss->linear_of != nullptr) fail_value(*given.loss, "is a loss of linear scores, which linear_plan takes");
  if (needs_defaults(given)) {
    completed_ = given;
    fill_defaults(*completed_);
    call_ = &*completed_;
  }
  const loss_call& call = *call_;
  check_ignored(call, call.loss->elementwise ? second_derivative : 0u);
  check_operands(call);
  check_options(*call.loss, call.options);
  check_call_options(call, elements_of(call));
  check_gradients(call);
  computation_ = promote(call);
}

array_spec pointwise_plan::value() const {
  const const_array& input = call_->operands[0];
  if (reduced()) return {computation_, 0, nullptr};
  return {computation_, input.rank, input.shape};
}

array_spec pointwise_plan::gradient(int i) const {
  const const_array& a = call_->operands[static_cast<std::size_t>(call_->gradient_of[static_cast<std::size_t>(i)])];
  return {is_floating(a.type) && !a.weak ? a.type : computation_, a.rank, a.shape};
}

array_spec pointwise_plan::hessian() const {
  const const_array& a = call_->operands[0];
  return {is_floating(a.type) && !a.weak ? a.type : computation_, a.rank, a.shape};
}

}  // namespace fastloss

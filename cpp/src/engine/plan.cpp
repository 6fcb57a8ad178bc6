// The checks of a pointwise call. Nothing has been written when one of them throws.
#include <algorithm>
#include <array>
#include <cmath>
#include <string>

#include "engine/layout.hpp"
#include "engine/messages.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/engine/pointwise.hpp"

namespace fastloss {
namespace {

[[noreturn]] void fail_value(const loss_info& loss, const std::string& what) { throw value_error(std::string(loss.name) + ": " + what); }
[[noreturn]] void fail_type(const loss_info& loss, const std::string& what) { throw type_error(std::string(loss.name) + ": " + what); }

void check_options(const loss_info& loss, const void* options) {
  for (std::size_t i = 0; i < loss.options.size(); ++i) {
    const option_info& o = loss.options[i];
    const double x = loss.get(options, static_cast<int>(i));
    if (o.kind == option_kind::number && (std::isnan(x) || !o.values.contains(x)))
      fail_value(loss, std::string(o.name) + " must be " + domain_text(o.values) + ", got " + number_text(x));
    if (o.kind == option_kind::choice && !(x >= 0 && x < o.choice_count)) {
      std::string choices;
      for (int c = 0; c < o.choice_count; ++c) choices += (c > 0 ? ", '" : "'") + std::string(o.choices[c]) + "'";
      fail_value(loss, std::string(o.name) + " must be one of " + choices);
    }
  }
}

std::string need_text(alignment how, const std::string& input) {
  switch (how) {
    case alignment::trailing:
      return "the shape of trailing axes of " + input + ", with 1 where it is stretched";
    case alignment::leading:
      return "the shape of leading axes of " + input + ", with 1 where it is stretched";
    case alignment::same_or_leading:
      return input + "'s shape, with 1 where it is stretched, or " + input + "'s shape without its last axis";
    case alignment::same:
      break;
  }
  return input + "'s shape, with 1 where it is stretched";
}

void check_shape(const loss_info& loss, const char* name, const const_array& a, alignment how, const const_array& input) {
  std::ptrdiff_t strides[max_rank];
  if (align_strides(a, how, input.rank, input.shape, strides)) return;
  fail_value(loss, std::string(name) + " has shape " + shape_text(a.rank, a.shape) + " but " + loss.operands[0].name + " has shape " +
                       shape_text(input.rank, input.shape) + "; " + name + " must have " + need_text(how, loss.operands[0].name) +
                       ", or be a number");
}

void check_rank(const loss_info& loss, const char* name, const const_array& a) {
  if (a.rank > max_rank) fail_value(loss, std::string(name) + " has " + std::to_string(a.rank) + " axes; at most 64 are supported");
}

void check_operands(const pointwise_call& call) {
  const loss_info& loss = *call.loss;
  const const_array& input = call.operands[0];
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
    if (k > 0) check_shape(loss, o.name, a, alignment_of(o), input);
  }
}

void check_call_options(const pointwise_call& call) {
  const loss_info& loss = *call.loss;
  const call_options& c = call.call;
  const const_array& input = call.operands[0];
  if (!c.sample_weight.absent()) {
    check_rank(loss, "sample_weight", c.sample_weight);
    check_shape(loss, "sample_weight", c.sample_weight, alignment::leading, input);
  }
  if (!c.where.absent()) {
    check_rank(loss, "where", c.where);
    if (c.where.type != dtype::boolean) fail_type(loss, std::string("where must have dtype bool, got ") + dtype_text(c.where.type));
    check_shape(loss, "where", c.where, alignment::leading, input);
  }
  if (c.normalizer != normalizer::automatic) {
    if (c.reduction != reduction::mean) fail_value(loss, "normalizer replaces the denominator of the mean; it needs reduction='mean'");
    if (c.normalizer == normalizer::number && !(c.normalizer_value > 0 && std::isfinite(c.normalizer_value)))
      fail_value(loss, "normalizer must be > 0 and finite, got " + number_text(c.normalizer_value));
  }
  if (c.reduction == reduction::batchmean && input.rank == 0)
    fail_value(loss, std::string("reduction='batchmean' divides by the first extent of ") + loss.operands[0].name + ", which has shape ()");
  if (!c.grad_output.absent()) {
    check_rank(loss, "grad_output", c.grad_output);
    const bool fits = c.grad_output.rank == 0 || (c.reduction == reduction::none && c.grad_output.rank == input.rank &&
                                                  std::equal(input.shape, input.shape + input.rank, c.grad_output.shape));
    if (!fits)
      fail_value(loss, "grad_output has shape " + shape_text(c.grad_output.rank, c.grad_output.shape) + " but must be a number" +
                           (c.reduction == reduction::none ? " or have the shape of the loss, " + shape_text(input.rank, input.shape)
                                                           : ", as the loss is reduced to one"));
  }
}

void check_gradients(const pointwise_call& call) {
  const loss_info& loss = *call.loss;
  bool seen[max_operands] = {};
  for (int i = 0; i < call.gradient_count; ++i) {
    const int k = call.gradient_of[static_cast<std::size_t>(i)];
    if (k < 0 || k >= static_cast<int>(loss.operands.size()))
      fail_value(loss, "wrt names operand " + std::to_string(k) + "; there are " + std::to_string(loss.operands.size()));
    const operand& o = loss.operands[static_cast<std::size_t>(k)];
    if (!o.is(differentiable)) fail_value(loss, std::string("wrt names '") + o.name + "', which has no gradient");
    if (call.operands[static_cast<std::size_t>(k)].absent())
      fail_value(loss, std::string("wrt names '") + o.name + "', which was not given");
    if (seen[k]) fail_value(loss, std::string("wrt names '") + o.name + "' twice");
    seen[k] = true;
  }
  if (call.hessian && !loss.elementwise) fail_value(loss, "the second derivative exists for elementwise losses only");
}

// The promotion of the floating operands. A bare number decides only where nothing else does; integers never do, except as
// predictions, which count as float64 (NumPy's rule).
dtype promote(const pointwise_call& call) {
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

bool needs_defaults(const pointwise_call& call) {
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k)
    if (call.operands[k].absent() && !call.loss->operands[k].initial.empty()) return true;
  return false;
}

// Defaults are weak: numbers that were not given do not decide the dtype of the computation.
void fill_defaults(pointwise_call& call) {
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
  const domain values = loss.values_of(options, operand);
  if (std::isnan(x) || !values.contains(x))
    fail_value(loss, std::string(loss.operands[static_cast<std::size_t>(operand)].name) + " must be " + domain_text(values) + ", got " +
                         number_text(x));
}

pointwise_plan::pointwise_plan(const pointwise_call& given) : call_(&given), computation_(dtype::float64) {
  if (needs_defaults(given)) {
    completed_ = given;
    fill_defaults(*completed_);
    call_ = &*completed_;
  }
  const pointwise_call& call = *call_;
  check_operands(call);
  check_options(*call.loss, call.options);
  check_call_options(call);
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

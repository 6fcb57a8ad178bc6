#include "engine/call/checks.hpp"

#include <algorithm>
#include <cmath>

#include "engine/call/messages.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/runtime/floating_point.hpp"

namespace fastloss {
namespace {

std::string words(const unit_axes& e) { return std::string(e.of) + e.without; }

std::string need_text(alignment how, const std::string& input) {
  switch (how) {
    case alignment::trailing:
      return "the shape of trailing axes of " + input + ", with 1 where it is broadcast";
    case alignment::leading:
      return "the shape of leading axes of " + input + ", with 1 where it is broadcast";
    case alignment::same_or_leading:
      return input + "'s shape, with 1 where it is broadcast, or " + input + "'s shape without its last axis";
    case alignment::same:
      break;
  }
  return input + "'s shape, with 1 where it is broadcast";
}

}  // namespace

void fail_value(const loss_info& loss, const std::string& what) { throw value_error(std::string(loss.name) + ": " + what); }
void fail_type(const loss_info& loss, const std::string& what) { throw type_error(std::string(loss.name) + ": " + what); }

void fail_without_loss(const loss_call& call) {
  if (call.loss == nullptr) throw value_error("a call needs a loss, and loss is null");
  if (call.loss->engine == nullptr) fail_value(*call.loss, "a loss needs an engine, and engine is null");
  if (call.options == nullptr) fail_value(*call.loss, "a call needs the loss's options, and options is null");
  fail_value(*call.loss, "a loss that is not registered needs kernels, and kernels is null");
}

void fail_ignored(const loss_call& call) {
  const loss_info& loss = *call.loss;
  const unsigned parts = parts_of(call) & ~loss.parts;
  if ((parts & part_hess) != 0) fail_value(loss, "the second derivative is asked for, and the loss has none that is diagonal or of rows");
  if ((parts & part_vector) != 0) fail_value(loss, "vector is given, and the loss has no second derivative to multiply it with");
  if ((parts & part_extras) != 0) fail_value(loss, "extras are asked for, and the loss has none: they are those of softmax probabilities");
  if ((parts & part_axis) != 0) fail_value(loss, "axis is given, and the first operand of the loss has no axis of classes to choose");
  if ((parts & part_ignore_index) != 0)
    fail_value(loss, "ignore_index is for class indices, which the loss does not take, got ignore_index=" +
                         std::to_string(call.call.ignore_index));
  const std::size_t operands = loss.operands.size(), gradients = static_cast<std::size_t>(call.gradient_count);
  for (std::size_t k = operands; k < max_operands; ++k)
    if (!call.operands[k].absent()) fail_value(loss, "operand " + std::to_string(k) + " is given; there are " + std::to_string(operands));
  if (gradients > operands)
    fail_value(loss, "gradient_count must be from 0 to the number of operands, " + std::to_string(operands) + ", got " +
                         std::to_string(call.gradient_count));
  fail_value(loss, "gradient_of names operands beyond its first " + std::to_string(gradients) + ", which gradient_count counts");
}

void check_options(const loss_info& loss, const void* options) {
  const standard_floating_point mode;
  check_option_values(loss, options);
}

void check_option_values(const loss_info& loss, const void* options) {
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

void check_shape(const loss_info& loss, const char* name, const const_array& a, alignment how, const unit_axes& elements) {
  std::ptrdiff_t strides[max_rank];
  if (align_strides(a, how, elements.rank, elements.shape, strides)) return;
  fail_value(loss, std::string(name) + " has shape " + shape_text(a.rank, a.shape) + " but " + words(elements) + " has shape " +
                       shape_text(elements.rank, elements.shape) + "; " + name + " must have " + need_text(how, words(elements)) +
                       ", or be a number");
}

void check_operands(const loss_call& call) {
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k) {
    const operand& o = call.loss->operands[k];
    if (!call.operands[k].absent()) check_rank(*call.loss, o.name, call.operands[k]);
    else if (!o.is(optional)) fail_type(*call.loss, std::string("missing operand '") + o.name + "'");
  }
}

bool same_shape(const const_array& a, int rank, const std::ptrdiff_t* shape) {
  return a.rank == rank && std::equal(shape, shape + rank, a.shape);
}

void fail_shape(const loss_info& loss, const char* name, const const_array& a, const std::string& need) {
  fail_value(loss, std::string(name) + " has shape " + shape_text(a.rank, a.shape) + "; " + need);
}

void fail_rank(const loss_info& loss, const char* name, const const_array& a) {
  fail_value(loss, std::string(name) + " has " + std::to_string(a.rank) + " axes; at most 64 are supported");
}

void fail_class_count(const loss_info& loss, int operand, std::ptrdiff_t classes, int axis) {
  fail_value(loss, std::string(loss.operands[static_cast<std::size_t>(operand)].name) + " has " + std::to_string(classes) +
                       " classes on axis " + std::to_string(axis) + "; float32 takes at most " + std::to_string(most_float32_classes) +
                       ", float64 any number");
}

void check_call_options(const loss_call& call, const unit_axes& elements) {
  const loss_info& loss = *call.loss;
  const call_options& c = call.call;
  const auto differentiates = [&] { return call.gradient_count > 0 || call.hessian; };
  if (!c.sample_weight.absent()) {
    check_rank(loss, "sample_weight", c.sample_weight);
    check_shape(loss, "sample_weight", c.sample_weight, alignment::leading, elements);
  }
  if (!c.where.absent()) {
    check_rank(loss, "where", c.where);
    if (c.where.type != dtype::boolean) fail_type(loss, std::string("where must have dtype bool, got ") + dtype_text(c.where.type));
    if (loss.engine->masks_units) check_shape(loss, "where", c.where, alignment::leading, elements);
  }
  if (c.normalizer != normalizer::automatic) {
    if (c.reduction != reduction::mean) fail_value(loss, "normalizer replaces the denominator of the mean; it needs reduction='mean'");
    if (c.normalizer == normalizer::number && !(c.normalizer_value > 0 && std::isfinite(c.normalizer_value)))
      fail_value(loss, "normalizer must be > 0 and finite, got " + number_text(c.normalizer_value));
  }
  if (c.normalizer != normalizer::number && c.normalizer_value != 1.0)
    fail_value(loss,
               "normalizer_value is given, " + number_text(c.normalizer_value) + ", and normalizer does not say that it is the number");
  if (call.statistics && (!call.value || differentiates() || call.extras != 0 || c.reduction != reduction::mean))
    fail_value(loss, "statistics are those of a mean, reduction='mean', and nothing else may be asked for with them");
  if (c.accumulate && !differentiates()) fail_value(loss, "accumulate adds to gradients and second derivatives, and none is asked for");
  if (c.threads < 0) fail_value(loss, "threads must be >= 0, got " + std::to_string(c.threads));
  if (c.reduction == reduction::batchmean && elements.rank == 0 && loss.engine->batch == nullptr)
    fail_value(loss, std::string("reduction='batchmean' divides by the first extent of ") + words(elements) + ", which has shape ()");
  if (!c.grad_output.absent()) {
    if (!differentiates()) fail_value(loss, "grad_output is for gradients and second derivatives, and none is asked for");
    check_rank(loss, "grad_output", c.grad_output);
    const bool fits = c.grad_output.rank == 0 || (c.reduction == reduction::none && c.grad_output.rank == elements.rank &&
                                                  std::equal(elements.shape, elements.shape + elements.rank, c.grad_output.shape));
    if (!fits)
      fail_value(loss, "grad_output has shape " + shape_text(c.grad_output.rank, c.grad_output.shape) + " but must be a number" +
                           (c.reduction == reduction::none ? " or have the shape of the loss, " + shape_text(elements.rank, elements.shape)
                                                           : ", as the loss is reduced to one"));
  }
}

void check_gradients(const loss_call& call) {
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
}

void check_vector(const loss_call& call) {
  const loss_info& loss = *call.loss;
  const const_array& input = call.operands[0];
  if (!call.hessian) fail_value(loss, "vector is given, and no second derivative is asked for to multiply it with");
  const char* const name = loss.arguments.vector;
  check_rank(loss, name, call.vector);
  if (!same_shape(call.vector, input.rank, input.shape))
    fail_shape(loss, name, call.vector,
               std::string("it must have the shape of ") + loss.operands[0].name + ", " + shape_text(input.rank, input.shape));
}

void check_operand_value(const loss_info& loss, const void* options, int operand, double x) {
  const standard_floating_point mode;
  const domain values = loss.values_of(options, operand);
  if (std::isnan(x) || !values.contains(x))
    fail_value(loss, std::string(loss.operands[static_cast<std::size_t>(operand)].name) + " must be " + domain_text(values) + ", got " +
                         number_text(x));
}

}  // namespace fastloss

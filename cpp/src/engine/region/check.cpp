// What a call of a loss of regions makes of its operands: the axis of classes, samples, pixels, units.
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "engine/memory/layout.hpp"
#include "engine/region/run.hpp"
#include "fastloss/engines/region.hpp"

namespace fastloss {
namespace {

constexpr const char* region_roles[] = {"class_index", "distribution", "per_class"};

// -1: there are no classes.
int class_axis_of(const loss_call& call) {
  const const_array& input = call.operands[0];
  if (!call.call.axis.has_value()) return input.rank >= 3 ? 1 : -1;
  if (*call.call.axis == no_axis) return -1;
  const int axis = *call.call.axis;
  if (axis < -input.rank || axis >= input.rank)
    fail_value(*call.loss, std::string(call.loss->arguments.axis) + " must be from " + std::to_string(-input.rank) + " to " +
                               std::to_string(input.rank - 1) + " for " + call.loss->operands[0].name + " of shape " +
                               shape_text(input.rank, input.shape) + ", or None, got " + std::to_string(axis));
  return axis < 0 ? axis + input.rank : axis;
}

std::string input_text(const loss_call& call) {
  return std::string(call.loss->operands[0].name) + " of shape " + shape_text(call.operands[0].rank, call.operands[0].shape);
}

void check_target(const loss_call& call, const region_axes& axes) {
  const loss_info& loss = *call.loss;
  const const_array &input = call.operands[0], &target = call.operands[1];
  const operand& o = loss.operands[1];
  if (same_shape(target, input.rank, input.shape)) {
    if (is_floating(target.type)) check_ignore_index(call, o, "floating");
    return;
  }
  std::string need = "it must have the shape of " + input_text(call);
  if (axes.class_axis >= 0 && o.is(class_index)) {
    std::ptrdiff_t shape[max_rank];
    int rank = 0;
    for (int i = 0; i < input.rank; ++i)
      if (i != axes.class_axis) shape[rank++] = input.shape[i];
    if (same_shape(target, rank, shape)) {
      if (!is_floating(target.type)) return check_class_index_dtype(loss, o, target);
      need += "; class indices must be of an integer dtype";
    } else {
      need += ", or as class indices " + shape_text(rank, shape);
    }
  } else if (axes.class_axis < 0 && input.rank == 2) {
    need += ". Without axis, two axes are samples and pixels";
  }
  fail_shape(loss, o.name, target, need);
}

// Of pixels: over the axes of the input, or over all of them but that of classes, broadcast as masks of units are.
void check_where(const loss_call& call, const region_axes& axes, bool whole_pixels) {
  const const_array& where = call.call.where;
  std::ptrdiff_t strides[max_rank];
  if (where.absent()) return;
  if (align_where(call, axes, strides) && !(whole_pixels && where.rank == call.operands[0].rank)) return;
  if (whole_pixels)
    fail_shape(*call.loss, "where", where,
               "it masks pixels with all of their classes, and must have the shape of leading axes of " + input_text(call) +
                   " without that of classes, with 1 where it is broadcast");
  fail_shape(*call.loss, "where", where,
             "it masks pixels, and must have the shape of " + input_text(call) +
                 (axes.class_axis >= 0 ? ", or of leading axes of it without that of classes" : ", or of leading axes of it") +
                 ", with 1 where it is broadcast");
}

// Each part of a sum has a reduction of its own.
void check_reduction(const loss_call& call, const region_form& form) {
  if (call.call.reduction == reduction::none)
    fail_value(*call.loss, "reduction='none' is not possible: the loss is the sum of two, which are reduced over different units");
  if (form.batch && !call.call.sample_weight.absent())
    fail_value(*call.loss, "sample_weight is of samples, whose regions batch=True adds up before");
}

void check_weight(const loss_call& call, const region_axes& axes, const region_form& form) {
  const loss_info& loss = *call.loss;
  const const_array& weight = call.operands[2];
  if (weight.absent()) return;
  const char* const name = loss.operands[2].name;
  if (axes.class_axis < 0)
    fail_value(loss, std::string(name) + " has the weights of classes, and " + input_text(call) + " has no axis of classes");
  if (form.merge_classes) fail_value(loss, std::string(name) + " has the weights of classes, which merge_classes=True adds up before");
  const std::ptrdiff_t classes = call.operands[0].shape[axes.class_axis];
  if (weight.rank != 0 && (weight.rank != 1 || weight.shape[0] != classes))
    fail_shape(loss, name, weight,
               "it must have one number for each of the " + std::to_string(classes) + " classes of " + input_text(call) + ", shape (" +
                   std::to_string(classes) + ",), or be a number");
}

void check_background(const loss_call& call, const region_axes& axes, const region_form& form) {
  if (form.include_background || axes.classes >= 2) return;
  fail_value(*call.loss, "include_background=False leaves out the first of several classes, and " + input_text(call) +
                             (axes.class_axis < 0 ? " has no axis of classes" : " has " + std::to_string(axes.classes)));
}

void check_activation(const loss_call& call, const region_axes& axes, const region_form& form) {
  if (form.from_logits == region_activation::softmax && axes.class_axis < 0)
    fail_value(*call.loss, "from_logits='softmax' needs an axis of classes, and " + input_text(call) + " has none");
  const bool indices = call.operands[1].rank < call.operands[0].rank;
  const bool one = axes.class_axis < 0 || call.operands[0].shape[axes.class_axis] == 1;
  if (form.from_logits == region_activation::by_target && !indices && !one)
    fail_value(
        *call.loss,
        "from_logits=True does not say which probabilities are made of classes whose target is no class indices; it must be 'sigmoid' "
        "or 'softmax'");
}

void shape_of_regions(const loss_call& call, call_shape& shape) {
  const loss_info& loss = *call.loss;
  const const_array& input = call.operands[0];
  const region_form form = region_loss_of(loss).form(call.options);
  if (input.rank == 0) fail_value(loss, std::string(loss.operands[0].name) + " must have an axis of pixels, got shape ()");
  const region_axes axes = axes_of_regions(call);
  shape.class_axis = axes.class_axis;
  check_target(call, axes);
  check_where(call, axes, takes_whole_pixels(call));
  check_weight(call, axes, form);
  check_background(call, axes, form);
  check_activation(call, axes, form);
  for (int i = 0; i < call.gradient_count; ++i)
    if (call.gradient_of[static_cast<std::size_t>(i)] == 1 && !is_floating(call.operands[1].type))
      fail_value(loss, std::string("wrt names '") + loss.operands[1].name + "', which is of an integer dtype here and has no gradient");
  const bool has_terms = region_loss_of(loss).has_terms;
  if (has_terms) check_reduction(call, form);
  int rank = 0;
  if (axes.sample_axis >= 0 && (has_terms || !form.batch)) shape.extents[static_cast<std::size_t>(rank++)] = axes.samples;
  if (axes.class_axis >= 0 && !form.merge_classes && !has_terms)
    shape.extents[static_cast<std::size_t>(rank++)] = axes.classes - (form.include_background ? 0 : 1);
  shape.units = {rank, shape.extents.data(), has_terms ? "the samples" : "the units", has_terms ? "" : " of samples and classes"};
  shape.computation = promoted(call, 2);
  shape.work = 1.0;
  for (int i = 0; i < input.rank; ++i) shape.work *= static_cast<double>(input.shape[i]);
}

}  // namespace

region_activation activation_of(const loss_call& call, const region_form& form) {
  if (form.from_logits != region_activation::by_target) return form.from_logits;
  const const_array& input = call.operands[0];
  const bool indices = call.operands[1].rank < input.rank;
  return indices && input.shape[axes_of_regions(call).class_axis] != 1 ? region_activation::softmax : region_activation::sigmoid;
}

bool takes_whole_pixels(const loss_call& call) {
  const region_loss& loss = region_loss_of(*call.loss);
  return loss.has_terms && activation_of(call, loss.form(call.options)) == region_activation::softmax;
}

region_axes axes_of_regions(const loss_call& call) {
  const const_array& input = call.operands[0];
  region_axes axes;
  axes.class_axis = class_axis_of(call);
  axes.sample_axis = input.rank == 1 || axes.class_axis == 0 ? -1 : 0;
  axes.samples = axes.sample_axis < 0 ? 1 : input.shape[0];
  axes.classes = axes.class_axis < 0 ? 1 : input.shape[axes.class_axis];
  return axes;
}

bool align_where(const loss_call& call, const region_axes& axes, std::ptrdiff_t* strides) {
  const const_array &where = call.call.where, &input = call.operands[0];
  if (where.rank == input.rank) return align_strides(where, alignment::same, input.rank, input.shape, strides);
  std::ptrdiff_t shape[max_rank], of_pixels[max_rank];
  int rank = 0;
  for (int i = 0; i < input.rank; ++i)
    if (i != axes.class_axis) shape[rank++] = input.shape[i];
  if (!align_strides(where, alignment::leading, rank, shape, of_pixels)) return false;
  for (int i = 0, own = 0; i < input.rank; ++i) strides[i] = i == axes.class_axis ? 0 : of_pixels[own++];
  return true;
}

namespace {

std::ptrdiff_t samples_of(const loss_call& call) { return axes_of_regions(call).samples; }

}  // namespace

const engine region_engine = {"region", region_roles, shape_of_regions, run_regions, nullptr, samples_of, false};

}  // namespace fastloss

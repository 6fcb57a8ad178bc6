// What a call of a Lovász loss makes of its operands: its units, and what must fit.
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "engine/lovasz/axes.hpp"
#include "engine/lovasz/run.hpp"
#include "engine/memory/layout.hpp"
#include "fastloss/engines/lovasz.hpp"

namespace fastloss {
namespace {

void check_target(const loss_call& call, const lovasz_axes& axes) {
  const operand& o = call.loss->operands[1];
  const const_array& target = call.operands[1];
  if (axes.class_axis >= 0) check_class_index_dtype(*call.loss, o, target);
  else if (is_floating(target.type)) check_ignore_index(call, o, "floating");
  if (same_shape(target, axes.rank, axes.shape)) return;
  fail_shape(*call.loss, o.name, target,
             "it must have the shape of " + input_text(call) +
                 (axes.class_axis >= 0 ? " without its axis of classes, " + shape_text(axes.rank, axes.shape) : ""));
}

void check_where(const loss_call& call, const lovasz_axes& axes) {
  const const_array& where = call.call.where;
  std::ptrdiff_t strides[max_rank];
  if (where.absent() || align_strides(where, alignment::leading, axes.rank, axes.shape, strides)) return;
  fail_shape(*call.loss, "where", where,
             std::string("it masks pixels, and must have the shape of ") + call.loss->operands[1].name + ", " +
                 shape_text(axes.rank, axes.shape) + ", or of leading axes of it, with 1 where it is broadcast");
}

void shape_of_images(const loss_call& call, call_shape& shape) {
  const loss_info& loss = *call.loss;
  const const_array& input = call.operands[0];
  if (input.rank == 0)
    fail_value(loss, std::string(loss.operands[0].name) + " must have an axis of " + (has_classes(loss) ? "classes" : "pixels") +
                         ", got shape ()");
  const lovasz_axes axes = axes_of_pixels(call);
  shape.class_axis = axes.class_axis;
  check_target(call, axes);
  check_where(call, axes);
  const bool each = lovasz_loss_of(loss).form(call.options).per_image && axes.has_samples;
  if (each) shape.extents[0] = axes.shape[0];
  shape.units = {each ? 1 : 0, shape.extents.data(), "the units", ", the samples,"};
  shape.computation = promoted(call, 2);
  if (axes.class_axis >= 0) check_class_count(loss, 0, input.shape[axes.class_axis], axes.class_axis, shape.computation);
  shape.work = static_cast<double>(element_count(input.rank, input.shape));
}

std::ptrdiff_t count_of_samples(const loss_call& call) {
  const lovasz_axes axes = axes_of_pixels(call);
  return axes.has_samples ? axes.shape[0] : 1;
}

}  // namespace

const engine lovasz_engine = {"lovasz", lovasz_roles, shape_of_images, run_lovasz, nullptr, count_of_samples, false};

}  // namespace fastloss

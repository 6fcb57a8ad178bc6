#include "engine/call/labels.hpp"

#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "engine/memory/layout.hpp"
#include "fastloss/core/errors.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

// One class index as the loss takes it; false if it is out of range.
bool load_label(const call_plan& plan, std::size_t k, std::size_t place, const class_extent& classes, std::int64_t& label) {
  const const_array& a = plan.call().operands[k];
  return active_kernels().rows[1].load_labels[static_cast<int>(a.type)][a.byteswapped](
      &label, a.data, {a.rank, a.shape, a.strides, place, 1}, static_cast<std::int64_t>(classes.count),
      plan.loss().operands[k].is(class_list) ? end_of_list : plan.call().call.ignore_index);
}

}  // namespace

bool has_class_indices(const loss_call& call) {
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k)
    if (call.loss->operands[k].is(class_index) && holds_class_indices(call.loss->operands[k], call.operands[k])) return true;
  return false;
}

void check_class_index_dtype(const loss_info& loss, const operand& o, const const_array& a) {
  if (is_floating(a.type) || a.type == dtype::boolean)
    fail_type(loss, std::string(o.name) + " must be class indices of an integer dtype, got " + dtype_text(a.type));
}

void fail_ignore_index(const loss_call& call, const operand& o, const char* why) {
  fail_value(*call.loss, std::string("ignore_index is for class indices, and ") + o.name + " is " + why +
                             " (use where=), got ignore_index=" + std::to_string(call.call.ignore_index));
}

bool is_masked(const call_plan& plan, std::size_t unit) {
  const const_array& where = plan.call().call.where;
  if (where.absent()) return false;
  const unit_axes& units = plan.units();
  std::ptrdiff_t strides[max_rank];
  align_strides(where, alignment::leading, units.rank, units.shape, strides);
  double kept;
  active_kernels().tiles[1].load[static_cast<int>(where.type)][where.byteswapped](&kept, where.data,
                                                                                  {units.rank, units.shape, strides, unit, 1});
  return kept == 0.0;
}

bool counts_nowhere(const call_plan& plan, const class_extent& classes, std::size_t unit) {
  for (std::size_t k = 0; k < plan.loss().operands.size(); ++k) {
    const operand& o = plan.loss().operands[k];
    if (!o.is(class_index) || !holds_class_indices(o, plan.call().operands[k])) continue;
    std::int64_t label;
    load_label(plan, k, unit, classes, label);
    if (label < 0) return true;
  }
  return is_masked(plan, unit);
}

std::size_t unit_of(const call_plan& plan, const const_array& a, const std::ptrdiff_t* index) {
  std::size_t unit = 0;
  for (int axis = 0; axis < a.rank; ++axis)
    if (axis != plan.class_axis()) unit = unit * static_cast<std::size_t>(a.shape[axis]) + static_cast<std::size_t>(index[axis]);
  return unit;
}

void fail_class_index_at(const call_plan& plan, std::size_t k, const class_extent& classes, const std::ptrdiff_t* index) {
  const loss_info& loss = plan.loss();
  const operand& o = loss.operands[k];
  const const_array& a = plan.call().operands[k];
  const char* found = static_cast<const char*>(a.data);
  for (int axis = 0; axis < a.rank; ++axis) found += index[axis] * a.strides[axis];
  const std::string other =
      o.is(class_list) ? "-1, which ends a row's list" : "ignore_index=" + std::to_string(plan.call().call.ignore_index);
  const std::string range =
      classes.count == 0 ? "a class, of which there are none" : "a class from 0 to " + std::to_string(classes.count - 1);
  throw index_error(std::string(loss.name) + ": " + o.name + " must be " + range + " (" +
                    loss.operands[static_cast<std::size_t>(classes.operand)].name + " has " + std::to_string(classes.count) + " on axis " +
                    std::to_string(classes.axis) + "), or " + other + ", got " + integer_text(found, a.type, a.byteswapped) + " at index " +
                    shape_text(a.rank, index));
}

void check_class_indices(const call_plan& plan, const class_extent& classes) {
  const loss_info& loss = plan.loss();
  for (std::size_t k = 0; k < loss.operands.size(); ++k) {
    const operand& o = loss.operands[k];
    const const_array& a = plan.call().operands[k];
    if (!holds_class_indices(o, a)) continue;
    const std::size_t count = element_count(a.rank, a.shape);
    for (std::size_t i = 0; i < count; ++i) {
      std::int64_t label;
      if (load_label(plan, k, i, classes, label)) continue;
      std::ptrdiff_t index[max_rank];
      index_at(i, a.rank, a.shape, index);
      if (is_masked(plan, o.is(class_list) ? unit_of(plan, a, index) : i)) continue;
      fail_class_index_at(plan, k, classes, index);
    }
  }
}

void fail_class_index(const call_plan& plan, const class_extent& classes) {
  check_class_indices(plan, classes);
  throw index_error(std::string(plan.loss().name) + ": a class index was out of range, and changed while it was checked");
}

}  // namespace fastloss

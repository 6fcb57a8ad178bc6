#include "engine/records/job.hpp"

#include <cstdint>

#include "fastloss/runtime/memory.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {

record_builder::record_builder(const call_plan& plan, const loss_outputs& outputs, const record_operands& operands, record_job& job)
    : plan_(plan), call_(plan.call()), outputs_(outputs), units_(plan.units()), axis_(operands.axis), job_(job) {
  layout_.arrays = 0;
  const bool wide = plan.computation() == dtype::float64;
  job.tiles = &active_kernels().tiles[wide];
  job.item = itemsize(plan.computation());
  job.count = element_count(units_.rank, units_.shape);
  job.accumulate = call_.call.accumulate;
  job.check_finite = call_.call.raise_nonfinite;
  job.operands = operands.count;
  for (std::size_t k = 0; k < operands.count; ++k) add(job.records[k], call_.operands[k]);
  for (std::size_t g = 0; g < static_cast<std::size_t>(call_.gradient_count); ++g) {
    const std::size_t k = static_cast<std::size_t>(call_.gradient_of[g]);
    if (k < operands.count) add(job.gradients[k], view_of(outputs.gradients[g]));
    else add(job.unit_gradient, view_of(outputs.gradients[g]));
  }
  add(job.sample_weight, call_.call.sample_weight);
  add(job.where, call_.call.where);
  if (plan.reduced()) return;
  if (call_.call.grad_output.rank > 0) add(job.grad_output, call_.call.grad_output);
  if (call_.value) add(job.value, view_of(outputs.value));
}

void record_builder::set(unit_view& v, const const_array& a) {
  v.base = static_cast<char*>(const_cast<void*>(a.data));
  v.type = a.type;
  v.byteswapped = a.byteswapped;
  layout_.strides[layout_.arrays++] = v.strides;
}

void record_builder::add(unit_view& v, const const_array& a) {
  if (a.absent()) return;
  align_strides(a, alignment::leading, units_.rank, units_.shape, v.strides);
  set(v, a);
}

void record_builder::add(record_view& v, const const_array& a) {
  const int own = a.rank - units_.rank;
  for (int i = 0; i < units_.rank; ++i) v.strides[i] = a.strides[i < axis_ ? i : i + own];
  set(v, a);
  own_axes_[view_count_++] = {&v, own, a.shape + axis_, a.strides + axis_};
}

void record_builder::build() {
  lay_out();
  choose_streaming();
}

void record_builder::lay_out() {
  layout_.rank = units_.rank;
  for (int i = 0; i < units_.rank; ++i) layout_.shape[i] = units_.shape[i];
  simplify(layout_);
  job_.rank = layout_.rank;
  for (int i = 0; i < job_.rank; ++i) job_.shape[i] = layout_.shape[i];
  for (std::size_t r = 0; r < view_count_; ++r) finish(own_axes_[r]);
}

void record_builder::finish(const record_axes& own) const {
  record_view& v = *own.view;
  v.rank = job_.rank;
  v.numbers = 1;
  for (int i = 0; i < job_.rank; ++i) v.shape[i] = job_.shape[i];
  for (int axis = 0; axis < own.count; ++axis) {
    const std::ptrdiff_t extent = own.shape[axis], step = own.strides[axis];
    v.numbers *= static_cast<std::size_t>(extent);
    if (extent == 1) continue;
    const bool joins = v.rank > 0 && v.strides[v.rank - 1] == extent * step;
    if (!joins) v.shape[v.rank++] = 1;
    v.shape[v.rank - 1] *= extent;
    v.strides[v.rank - 1] = step;
  }
  const bool aligned = reinterpret_cast<std::uintptr_t>(v.base) % job_.item == 0;
  v.in_place = v.type == plan_.computation() && !v.byteswapped && aligned && is_contiguous(v.rank, v.shape, v.strides, job_.item);
}

// As the pointwise engine chooses: more than the last-level cache holds, into pages that exist and are no input. Gradients that are
// added to others, or looked at, are not stored by kernels at all.
void record_builder::choose_streaming() {
  std::size_t traffic = 0;
  for (std::size_t k = 0; k < job_.operands; ++k)
    for (const record_view* v : {&job_.records[k], &job_.gradients[k]})
      if (v->base != nullptr && (job_.rank == 0 || v->strides[job_.rank - 1] != 0))  // not the same record again and again
        traffic += job_.count * v->numbers * itemsize(v->type);
  job_.streams = traffic > streaming_bytes() && call_.gradient_count > 0;
  for (std::size_t g = 0; g < static_cast<std::size_t>(call_.gradient_count); ++g) {
    const std::size_t k = static_cast<std::size_t>(call_.gradient_of[g]);
    if (k >= job_.operands) continue;
    const char* const to = job_.gradients[k].base;
    job_.streams &= outputs_.gradients[g].recycled && reinterpret_cast<std::uintptr_t>(to) % 16 == 0;
    for (std::size_t i = 0; i < job_.operands; ++i) job_.streams &= to != job_.records[i].base;
  }
}

}  // namespace fastloss

#include "engine/box/job.hpp"

#include <cstdint>

#include "fastloss/runtime/memory.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

class builder {
 public:
  builder(const call_plan& plan, const loss_outputs& outputs, box_job& job)
      : plan_(plan), call_(plan.call()), outputs_(outputs), units_(plan.units()), job_(job) {
    layout_.arrays = 0;
  }

  void build() {
    const kernel_table& table = active_kernels();
    const bool wide = plan_.computation() == dtype::float64;
    job_.tiles = &table.tiles[wide];
    job_.kernels = &kernels_of<box_kernels>(plan_.loss(), table).of[wide];
    job_.options = call_.options;
    job_.item = itemsize(plan_.computation());
    job_.numbers = numbers_of(call_.loss->operands[0]);
    job_.count = element_count(units_.rank, units_.shape);
    job_.accumulate = call_.call.accumulate;
    job_.check_finite = call_.call.raise_nonfinite;
    for (int k = 0; k < 2; ++k) add_boxes(job_.boxes[k], call_.operands[static_cast<std::size_t>(k)]);
    for (int g = 0; g < call_.gradient_count; ++g)
      add_boxes(job_.gradients[call_.gradient_of[static_cast<std::size_t>(g)]], view_of(outputs_.gradients[static_cast<std::size_t>(g)]));
    add(job_.sample_weight, call_.call.sample_weight);
    add(job_.where, call_.call.where);
    if (!plan_.reduced()) {
      if (call_.call.grad_output.rank > 0) add(job_.grad_output, call_.call.grad_output);
      if (call_.value) add(job_.value, view_of(outputs_.value));
    }
    layout();
    choose_streaming();
  }

 private:
  void set(box_view& v, const const_array& a) {
    v.base = static_cast<char*>(const_cast<void*>(a.data));
    v.type = a.type;
    v.byteswapped = a.byteswapped;
    layout_.strides[layout_.arrays++] = v.strides;
  }

  void add(box_view& v, const const_array& a) {
    if (a.absent()) return;
    align_strides(a, alignment::leading, units_.rank, units_.shape, v.strides);
    set(v, a);
  }

  void add_boxes(box_view& v, const const_array& a) {
    for (int i = 0; i < units_.rank; ++i) v.strides[i] = a.strides[i];
    set(v, a);
  }

  void layout() {
    layout_.rank = units_.rank;
    for (int i = 0; i < units_.rank; ++i) layout_.shape[i] = units_.shape[i];
    simplify(layout_);
    job_.rank = layout_.rank;
    for (int i = 0; i < job_.rank; ++i) job_.shape[i] = layout_.shape[i];
    job_.shape[job_.rank] = job_.numbers;
    for (int i = 0; i < job_.rank; ++i) job_.joined_shape[i] = job_.shape[i] * (i + 1 == job_.rank ? job_.numbers : 1);
    for (int k = 0; k < 2; ++k) finish(job_.boxes[k], view_of_operand(k));
    for (int g = 0; g < call_.gradient_count; ++g)
      finish(job_.gradients[call_.gradient_of[static_cast<std::size_t>(g)]], view_of(outputs_.gradients[static_cast<std::size_t>(g)]));
  }

  const const_array& view_of_operand(int k) const { return call_.operands[static_cast<std::size_t>(k)]; }

  void finish(box_view& v, const const_array& a) const {
    const std::ptrdiff_t step = a.strides[a.rank - 1];
    v.joined = job_.rank > 0 && v.strides[job_.rank - 1] == job_.numbers * step;
    v.strides[v.joined ? job_.rank - 1 : job_.rank] = step;
    const bool aligned = reinterpret_cast<std::uintptr_t>(v.base) % job_.item == 0;
    const strided_run all = job_.numbers_of(v, 0, job_.count);
    v.in_place = v.type == plan_.computation() && !v.byteswapped && aligned && is_contiguous(all.rank, all.shape, all.strides, job_.item);
  }

  // As the pointwise engine chooses: more than the last-level cache holds, into pages that exist and are no input. Gradients that are
  // added to others, or looked at, are not stored by kernels at all.
  void choose_streaming() {
    std::size_t traffic = 0;
    for (const box_view* v : {&job_.boxes[0], &job_.boxes[1], &job_.gradients[0], &job_.gradients[1]})
      if (v->base != nullptr && (job_.rank == 0 || v->strides[job_.rank - 1] != 0))  // not the same box again and again
        traffic += job_.count * upright_numbers * itemsize(v->type);
    job_.streams = job_.numbers == upright_numbers && traffic > last_level_cache_bytes() && call_.gradient_count > 0;
    for (int g = 0; g < call_.gradient_count; ++g) {
      const box_view& to = job_.gradients[call_.gradient_of[static_cast<std::size_t>(g)]];
      job_.streams &= outputs_.gradients[static_cast<std::size_t>(g)].recycled && to.base != job_.boxes[0].base &&
                      to.base != job_.boxes[1].base && reinterpret_cast<std::uintptr_t>(to.base) % 16 == 0;
    }
  }

  const call_plan& plan_;
  const loss_call& call_;
  const loss_outputs& outputs_;
  const unit_axes& units_;
  box_job& job_;
  joint_layout layout_;
};

}  // namespace

void build_box_job(const call_plan& plan, const loss_outputs& outputs, box_job& job) { builder(plan, outputs, job).build(); }

}  // namespace fastloss

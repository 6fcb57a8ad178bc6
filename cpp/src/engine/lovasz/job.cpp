#include "engine/lovasz/job.hpp"

#include <algorithm>

#include "engine/lovasz/axes.hpp"
#include "engine/memory/layout.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

class layout_of_pixels {
 public:
  layout_of_pixels(const lovasz_axes& axes, lovasz_job& job) : axes_(axes), job_(job) {
    layout_.rank = axes.rank;
    layout_.arrays = 0;
    std::copy_n(axes.shape, axes.rank, layout_.shape);
  }

  // Of the input's axes.
  void add_with_classes(lovasz_view& v, const const_array& a) {
    std::ptrdiff_t strides[max_rank];
    for (int i = 0, pixel = 0; i < a.rank; ++i)
      if (i != axes_.class_axis) strides[pixel++] = a.strides[i];
    if (axes_.class_axis >= 0) v.of_class = a.strides[axes_.class_axis];
    add(v, a, strides);
  }

  void add(lovasz_view& v, const const_array& a, const std::ptrdiff_t* strides) {
    v.base = static_cast<char*>(const_cast<void*>(a.data));
    v.type = a.type;
    v.byteswapped = a.byteswapped;
    std::copy_n(strides, axes_.rank, v.strides);
    layout_.strides[layout_.arrays++] = v.strides;
  }

  void join() {
    join_axes(layout_);
    job_.rank = layout_.rank;
    std::copy_n(layout_.shape, layout_.rank, job_.shape);
  }

 private:
  const lovasz_axes& axes_;
  lovasz_job& job_;
  joint_layout layout_;
};

}  // namespace

void build_lovasz_job(const call_plan& plan, const loss_outputs& outputs, lovasz_job& job) {
  const loss_call& call = plan.call();
  const lovasz_axes axes = axes_of_pixels(call);
  const const_array &input = call.operands[0], &target = call.operands[1], &where = call.call.where;
  const kernel_table& kernels = active_kernels();
  const int wide = plan.computation() == dtype::float64;
  job.tiles = &kernels.tiles[wide];
  job.rows = &kernels.rows[wide];
  job.regions = &kernels.regions[wide];
  job.kernels = &kernels_of<lovasz_kernels>(plan.loss(), kernels).of[wide];
  job.options = call.options;
  job.form = lovasz_loss_of(plan.loss()).form(call.options);
  job.item = itemsize(plan.computation());
  job.has_indices = !is_floating(target.type) && target.type != dtype::boolean;
  const bool of_mask = axes.class_axis < 0;
  job.classes = of_mask ? 2 : static_cast<std::size_t>(input.shape[axes.class_axis]);
  job.first_class = of_mask ? 1 : 0;
  job.ignore_index = call.call.ignore_index;
  job.accumulate = call.call.accumulate;
  job.check_finite = call.call.raise_nonfinite;
  const std::size_t all = element_count(axes.rank, axes.shape);
  job.units = plan.units().rank == 0 ? 1 : static_cast<std::size_t>(plan.units().shape[0]);
  job.pixels = job.units == 0 ? 0 : all / job.units;

  layout_of_pixels layout(axes, job);
  layout.add_with_classes(job.input, input);
  layout.add(job.target, target, target.strides);
  std::ptrdiff_t strides[max_rank];
  if (!where.absent()) {
    align_strides(where, alignment::leading, axes.rank, axes.shape, strides);
    layout.add(job.where, where, strides);
  }
  if (call.gradient_count > 0) layout.add_with_classes(job.gradient, view_of(outputs.gradients[0]));
  layout.join();
}

}  // namespace fastloss

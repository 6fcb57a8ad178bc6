#include "engine/keypoint/job.hpp"

#include <algorithm>
#include <cmath>

#include "engine/records/run.hpp"
#include "fastloss/engines/keypoint.hpp"

namespace fastloss {
namespace {

// Numbers of an array with at most one axis, a number for each of `count` places.
void load_row(const const_array& a, std::size_t count, double* to) {
  const std::ptrdiff_t shape = static_cast<std::ptrdiff_t>(count), stride = a.rank == 0 || a.shape[0] == 1 ? 0 : a.strides[0];
  active_kernels().tiles[1].load[static_cast<int>(a.type)][a.byteswapped](to, a.data, {1, &shape, &stride, 0, count});
}

// Points of a tile: with all arrays that a kernel works on, a float32 tile takes some 48 KiB.
constexpr std::size_t tile_keypoints = 1024, most_tile_instances = 256;

// Instances whose points are whole packs together, so that tiles can lie where the operands do; of very many keypoints one at a time.
std::size_t instances_of_tile(std::size_t keypoints) {
  if (keypoints > 8 * tile_keypoints / most_pack) return 1;
  return std::clamp(tile_keypoints / keypoints / most_pack, std::size_t{1}, most_tile_instances / most_pack) * most_pack;
}

template <class S>
void invert_widths(const double* sigmas, std::size_t count, char* to) {
  S* const widths = reinterpret_cast<S*>(to);
  for (std::size_t k = 0; k < count; ++k) widths[k] = static_cast<S>(1.0 / (std::sqrt(8.0) * sigmas[k]));
}

}  // namespace

bool align_visible(const const_array& visible, const const_array& input, std::ptrdiff_t* strides) {
  const alignment how = visible.rank == 1 ? alignment::trailing : alignment::same;
  return align_strides(visible, how, input.rank - 1, input.shape, strides);
}

void build_keypoint_job(const call_plan& plan, const loss_outputs& outputs, bool in_place, keypoint_job& job) {
  const loss_call& call = plan.call();
  const const_array &input = call.operands[0], &sigmas = call.operands[sigma_operand];
  const bool wide = plan.computation() == dtype::float64;
  job.kernels = &kernels_of<keypoint_kernels>(plan.loss(), active_kernels()).of[wide];
  job.options = call.options;
  job.keypoints = static_cast<std::size_t>(input.shape[input.rank - 2]);
  record_builder builder(plan, outputs, {2, plan.units().rank}, job);
  builder.add(job.areas, call.operands[area_operand]);
  const_array visible = call.operands[visible_operand];
  std::ptrdiff_t strides[max_rank];
  if (!visible.absent()) {
    align_visible(visible, input, strides);
    if (in_place && visible.rank == 1) {  // the output may be these weights, which are read again and again
      job.visible_copy.reset(new double[job.keypoints]);
      load_row(visible, job.keypoints, job.visible_copy.get());
      visible.data = job.visible_copy.get();
      visible.type = dtype::float64;
      visible.byteswapped = false;
      strides[input.rank - 2] = sizeof(double);
    }
    visible.rank = input.rank - 1;
    visible.shape = input.shape;
    visible.strides = strides;
    builder.add(job.visible, visible);
  }
  builder.build();
  job.tile_units = instances_of_tile(job.keypoints);
  job.tiles_of_part = 8;
  job.pack_numbers = 2 * most_pack;

  std::unique_ptr<double[]> given;
  if (!sigmas.absent()) {
    given.reset(new double[job.keypoints]);
    load_row(sigmas, job.keypoints, given.get());
  }
  const double* const widths = given != nullptr ? given.get() : keypoint_loss_of(plan.loss()).sigmas.data();
  job.inverse_widths.reset(new char[padded_to(most_pack, job.keypoints) * job.item]());
  (wide ? invert_widths<double> : invert_widths<float>)(widths, job.keypoints, job.inverse_widths.get());
}

}  // namespace fastloss

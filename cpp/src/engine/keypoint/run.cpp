// From a call to the kernels of its loss.
#include "engine/keypoint/run.hpp"

#include "engine/keypoint/job.hpp"
#include "engine/records/run.hpp"

namespace fastloss {
namespace {

// The arrays that the kernel of a tile works on beside its points: two of numbers of instances, five of numbers of keypoints.
struct tile_arrays {
  static constexpr std::size_t padding = 192;  // as the slots of a tile have it
  std::size_t of_instances, of_keypoints;

  explicit tile_arrays(const keypoint_job& job)
      : of_instances(padded_to(most_pack, job.tile_units) * job.item + padding),
        of_keypoints((padded_to(most_pack, job.tile_units * job.keypoints) + most_pack) * job.item + padding) {}
  std::size_t bytes() const { return 2 * of_instances + 5 * of_keypoints; }
};

void compute(const keypoint_job& job, const record_tile& tile, const record_places& p) {
  const tile_arrays arrays(job);
  char* next = tile.engine_memory();
  const auto take = [&](std::size_t bytes) { return next += bytes, static_cast<void*>(next - bytes); };
  keypoint_tile t{};
  for (int k = 0; k < 2; ++k) {
    t.points[k] = p.records[k];
    t.gradients[k] = p.gradients[k];
  }
  t.instances = tile.count();
  t.keypoints = job.keypoints;
  t.inverse_widths = job.inverse_widths.get();
  t.of_instances = take(arrays.of_instances);
  void* const areas = take(arrays.of_instances);
  tile.load(job.areas, areas);
  t.areas = areas;
  for (void** array : {&t.scales, &t.terms, &t.shares, &t.gradient_shares}) *array = take(arrays.of_keypoints);
  if (job.visible.base != nullptr) {
    void* const visible = take(arrays.of_keypoints);
    tile.load(job.visible, visible, padded_to(most_pack, tile.count() * job.keypoints));
    t.visible = visible;
  }
  t.value = p.value;
  t.factor = p.factor;
  t.scale = p.scale;
  t.streams = p.streams;
  (p.gradients[0] != nullptr || p.gradients[1] != nullptr ? job.kernels->gradients : job.kernels->value)(job.options, t);
}

}  // namespace

double run_keypoints(const call_plan& plan, const loss_outputs& outputs, bool in_place) {
  check_keypoints(plan);
  keypoint_job job;
  build_keypoint_job(plan, outputs, in_place, job);
  job.engine_bytes = tile_arrays(job).bytes();
  return run_records(plan, outputs, job, [&](const record_tile& tile, const record_places& p) { compute(job, tile, p); });
}

}  // namespace fastloss

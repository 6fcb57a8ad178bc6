// From a call to the kernels of its loss.
#include "engine/keypoint/run.hpp"

#include "engine/keypoint/job.hpp"
#include "engine/records/run.hpp"

namespace fastloss {
namespace {

// What the kernel of a tile works on beside its points.
class tile_memory {
 public:
  explicit tile_memory(const keypoint_job& job) : item_(job.item) {
    of_instances_ = padded_to(pack_units, job.tile_units) * item_ + padding;
    of_keypoints_ = (padded_to(pack_units, job.tile_units * job.keypoints) + pack_units) * item_ + padding;
    memory_ = scratch().at_least(2 * of_instances_ + 5 * of_keypoints_);
  }
  tile_memory(const tile_memory&) = delete;
  tile_memory& operator=(const tile_memory&) = delete;
  ~tile_memory() { scratch().trim(); }

  void* instances(std::size_t i) const { return memory_ + i * of_instances_; }
  void* keypoints(std::size_t i) const { return memory_ + 2 * of_instances_ + i * of_keypoints_; }

 private:
  static constexpr std::size_t padding = 192;  // as the slots of a tile have it

  static row_scratch& scratch() {
    thread_local row_scratch of_thread;
    return of_thread;
  }

  std::size_t item_, of_instances_, of_keypoints_;
  char* memory_;
};

void compute(const keypoint_job& job, const record_tile& tile, const record_places& p) {
  const tile_memory memory(job);
  keypoint_tile t{};
  for (int k = 0; k < 2; ++k) {
    t.points[k] = p.records[k];
    t.gradients[k] = p.gradients[k];
  }
  t.instances = tile.count();
  t.keypoints = job.keypoints;
  t.inverse_widths = job.inverse_widths.get();
  t.of_instances = memory.instances(0);
  tile.load(job.areas, memory.instances(1));
  t.areas = memory.instances(1);
  t.scales = memory.keypoints(0);
  t.terms = memory.keypoints(1);
  t.shares = memory.keypoints(2);
  t.gradient_shares = memory.keypoints(3);
  if (job.visible.base != nullptr) {
    tile.load(job.visible, memory.keypoints(4), padded_to(pack_units, tile.count() * job.keypoints));
    t.visible = memory.keypoints(4);
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
  return run_records(plan, outputs, job, [&](const record_tile& tile, const record_places& p) { compute(job, tile, p); });
}

}  // namespace fastloss

#include "engine/distance/job.hpp"

#include <algorithm>

#include "fastloss/engine/padding.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// Numbers of all embeddings of a tile: the way back finds them in an L1 cache of 32 KiB, or, of long ones, in an L2 cache.
constexpr std::size_t tile_numbers = 4096, most_tile_numbers = 32768, most_tile_units = 256;

// Whole packs where they fit; what a tile costs by itself is that of some hundred numbers.
std::size_t units_of_tile(std::size_t numbers) {
  const std::size_t in_cache = std::max(tile_numbers / numbers, std::min(most_pack, most_tile_numbers / numbers));
  return std::clamp(in_cache < most_pack ? in_cache : in_cache / most_pack * most_pack, std::size_t{1}, most_tile_units);
}

}  // namespace

void build_distance_job(const call_plan& plan, const loss_outputs& outputs, distance_job& job) {
  const loss_call& call = plan.call();
  const kernel_table& kernels = active_kernels();
  const distance_loss& loss = distance_loss_of(plan.loss());
  job.kernels = &kernels_of<distance_kernels>(plan.loss(), kernels);
  job.operations = &kernels.embeddings[plan.computation() == dtype::float64];
  job.options = call.options;
  job.form = loss.form(call.options);
  job.features = static_cast<std::size_t>(call.operands[0].shape[plan.class_axis()]);
  record_builder builder(plan, outputs, {loss.embeddings, plan.class_axis()}, job);
  if (plan.loss().operands.size() > loss.embeddings) builder.add(job.target, call.operands[loss.embeddings]);
  builder.build();
  job.streams &= job.features * job.item % 16 == 0;
  const std::size_t numbers = std::max<std::size_t>(1, job.features * loss.embeddings);
  job.tile_units = units_of_tile(numbers);
  job.tiles_of_part = std::max<std::size_t>(1, 16 * tile_numbers / numbers / job.tile_units);
  job.pack_numbers = 1;
}

}  // namespace fastloss

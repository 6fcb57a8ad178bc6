// From a call to the kernels of its loss.
#include "engine/box/run.hpp"

#include "engine/box/domains.hpp"
#include "engine/records/run.hpp"
#include "fastloss/engines/box.hpp"

namespace fastloss {

double run_boxes(const call_plan& plan, const loss_outputs& outputs, bool) {
  if (plan.call().call.raise_domain) check_boxes(plan);
  record_job job;
  record_builder(plan, outputs, {2, plan.units().rank}, job).build();
  job.tile_units = tile_boxes;
  job.tiles_of_part = 2;
  job.pack_numbers = 1;
  job.engine_bytes = 0;
  job.streams &= numbers_of(plan.loss().operands[0]) == upright_numbers;
  const void* const loss = plan.call().options;
  const box_kernels_of_dtype& kernels = kernels_of<box_kernels>(plan.loss(), active_kernels()).of[plan.computation() == dtype::float64];
  const box_kernel kernel = job.gradients[1].base != nullptr   ? kernels.in_both
                            : job.gradients[0].base != nullptr ? kernels.in_input
                                                               : kernels.value;
  return run_records(plan, outputs, job, [&](const record_tile& tile, const record_places& p) {
    kernel(loss, {{p.records[0], p.records[1]}, tile.count(), p.value, {p.gradients[0], p.gradients[1]}, p.factor, p.scale, p.streams});
  });
}

}  // namespace fastloss

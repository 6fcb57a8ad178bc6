// The checks of numbers: of sigmas always, of areas and weights where errstate(domain="raise") asks for them.
#include "engine/records/domains.hpp"
#include "engine/keypoint/job.hpp"

namespace fastloss {
void check_keypoints(const call_plan& plan) {
  const loss_call& call = plan.call();
  const const_array &input = call.operands[0], &sigmas = call.operands[sigma_operand], &visible = call.operands[visible_operand];
  if (!sigmas.absent()) check_numbers(plan, sigma_operand, {sigmas.rank, sigmas.shape, ""}, sigmas.strides, 0);
  if (!call.call.raise_domain) return;
  std::ptrdiff_t strides[max_rank];
  const unit_axes& units = plan.units();
  align_strides(call.operands[area_operand], alignment::leading, units.rank, units.shape, strides);
  check_numbers(plan, area_operand, units, strides, 1);
  if (visible.absent()) return;
  align_visible(visible, input, strides);
  check_numbers(plan, visible_operand, {input.rank - 1, input.shape, ""}, strides, static_cast<std::size_t>(input.shape[input.rank - 2]));
}

}  // namespace fastloss

// The checks of numbers: of sigmas always, of areas and weights where errstate(domain="raise") asks for them.
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "engine/keypoint/job.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

constexpr std::size_t numbers_at_once = 256;  // 2 KiB on the stack

// Throws for the first number of an operand outside its domain, over these axes; `of_each` of them belong to a unit, and count with it.
void check_operand(const call_plan& plan, std::size_t k, const unit_axes& axes, const std::ptrdiff_t* strides, std::size_t of_each) {
  const loss_info& loss = plan.loss();
  const operand& o = loss.operands[k];
  const const_array& a = plan.call().operands[k];
  const std::size_t count = element_count(axes.rank, axes.shape);
  double numbers[numbers_at_once];
  for (std::size_t first = 0; first < count; first += numbers_at_once) {
    const std::size_t n = count - first < numbers_at_once ? count - first : numbers_at_once;
    active_kernels().tiles[1].load[static_cast<int>(a.type)][a.byteswapped](numbers, a.data, {axes.rank, axes.shape, strides, first, n});
    for (std::size_t i = 0; i < n; ++i) {
      if (o.values.contains(numbers[i]) || (of_each > 0 && is_masked(plan, (first + i) / of_each))) continue;
      std::ptrdiff_t index[max_rank];
      index_at(first + i, axes.rank, axes.shape, index);
      fail_value(loss, std::string(o.name) + " must be " + domain_text(o.values) + ", got " + number_text(numbers[i], a.type) +
                           " at index " + shape_text(axes.rank, index));
    }
  }
}

}  // namespace

void check_keypoints(const call_plan& plan) {
  const loss_call& call = plan.call();
  const const_array &input = call.operands[0], &sigmas = call.operands[sigma_operand], &visible = call.operands[visible_operand];
  if (!sigmas.absent()) check_operand(plan, sigma_operand, {sigmas.rank, sigmas.shape, ""}, sigmas.strides, 0);
  if (!call.call.raise_domain) return;
  std::ptrdiff_t strides[max_rank];
  const unit_axes& units = plan.units();
  align_strides(call.operands[area_operand], alignment::leading, units.rank, units.shape, strides);
  check_operand(plan, area_operand, units, strides, 1);
  if (visible.absent()) return;
  align_visible(visible, input, strides);
  check_operand(plan, visible_operand, {input.rank - 1, input.shape, ""}, strides, static_cast<std::size_t>(input.shape[input.rank - 2]));
}

}  // namespace fastloss

#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "engine/distance/job.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {

void check_targets(const call_plan& plan) {
  constexpr std::size_t numbers_at_once = 256;  // 2 KiB on the stack
  const loss_info& loss = plan.loss();
  const std::size_t k = distance_loss_of(loss).embeddings;
  if (k >= loss.operands.size() || loss.operands[k].values.everything()) return;
  const domain& values = loss.operands[k].values;
  const const_array& a = plan.call().operands[k];
  const std::size_t count = element_count(a.rank, a.shape);
  double numbers[numbers_at_once];
  for (std::size_t first = 0; first < count; first += numbers_at_once) {
    const std::size_t n = count - first < numbers_at_once ? count - first : numbers_at_once;
    active_kernels().tiles[1].load[static_cast<int>(a.type)][a.byteswapped](numbers, a.data, {a.rank, a.shape, a.strides, first, n});
    for (std::size_t i = 0; i < n; ++i) {
      if (values.contains(numbers[i]) || is_masked(plan, first + i)) continue;
      std::ptrdiff_t index[max_rank];
      index_at(first + i, a.rank, a.shape, index);
      fail_value(loss, std::string(loss.operands[k].name) + " must be " + domain_text(values) + ", got " + number_text(numbers[i], a.type) +
                           " at index " + shape_text(a.rank, index));
    }
  }
}

}  // namespace fastloss

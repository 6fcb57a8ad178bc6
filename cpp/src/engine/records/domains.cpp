#include "engine/records/domains.hpp"

#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

void check_numbers(const call_plan& plan, std::size_t k, const unit_axes& axes, const std::ptrdiff_t* strides, std::size_t of_each) {
  constexpr std::size_t numbers_at_once = 256;  // 2 KiB on the stack
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

}  // namespace fastloss

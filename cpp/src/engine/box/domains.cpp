#include "engine/box/domains.hpp"

#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "fastloss/engines/box.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

constexpr std::size_t boxes_at_once = 64;  // 2 KiB on the stack

// NaN passes: it is data, and comes back as NaN.
bool is_inverted(box_format format, const double* box) {
  return format == box_format::xyxy ? box[2] < box[0] || box[3] < box[1] : box[2] < 0.0 || box[3] < 0.0;
}

[[noreturn]] void fail_inverted(const call_plan& plan, int operand, box_format format, const double* box, std::size_t place) {
  const loss_info& loss = plan.loss();
  const const_array& a = plan.call().operands[static_cast<std::size_t>(operand)];
  std::string numbers;
  for (int i = 0; i < box_numbers; ++i) numbers += (i > 0 ? ", " : "") + number_text(box[i], a.type);
  std::ptrdiff_t index[max_rank];
  index_at(place, plan.units().rank, plan.units().shape, index);
  fail_value(loss, std::string(loss.operands[static_cast<std::size_t>(operand)].name) + " must have " +
                       (format == box_format::xyxy ? "x1 <= x2 and y1 <= y2" : "a width and a height of at least 0") + ", got [" + numbers +
                       "] at index " + shape_text(plan.units().rank, index));
}

}  // namespace

void check_boxes(const call_plan& plan) {
  const tile_operations& wide = active_kernels().tiles[1];
  const std::size_t count = element_count(plan.units().rank, plan.units().shape);
  for (int k = 0; k < 2; ++k) {
    const const_array& a = plan.call().operands[static_cast<std::size_t>(k)];
    const box_format format = format_of(box_loss_of(plan.loss()).fmt(plan.call().options), k);
    double boxes[box_numbers * boxes_at_once];
    for (std::size_t first = 0; first < count; first += boxes_at_once) {
      const std::size_t n = count - first < boxes_at_once ? count - first : boxes_at_once;
      wide.load[static_cast<int>(a.type)][a.byteswapped](boxes, a.data, {a.rank, a.shape, a.strides, box_numbers * first, box_numbers * n});
      for (std::size_t i = 0; i < n; ++i)
        if (is_inverted(format, boxes + box_numbers * i) && !is_masked(plan, first + i))
          fail_inverted(plan, k, format, boxes + box_numbers * i, first + i);
    }
  }
}

}  // namespace fastloss

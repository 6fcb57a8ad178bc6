#include "engine/box/domains.hpp"

#include <algorithm>
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "fastloss/engines/box.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

constexpr std::size_t boxes_at_once = 64;  // less than 3 KiB on the stack

// Rotated boxes begin as those by their centres do. NaN passes: it is data, and comes back as NaN.
bool is_inverted(box_format format, const double* box) {
  return format == box_format::xyxy ? box[2] < box[0] || box[3] < box[1] : box[2] < 0.0 || box[3] < 0.0;
}

[[noreturn]] void fail_inverted(const call_plan& plan, int operand, box_format format, const double* box, std::size_t place) {
  const loss_info& loss = plan.loss();
  const const_array& a = plan.call().operands[static_cast<std::size_t>(operand)];
  std::string numbers;
  for (int i = 0; i < numbers_of(loss.operands[0]); ++i) numbers += (i > 0 ? ", " : "") + number_text(box[i], a.type);
  std::ptrdiff_t index[max_rank];
  index_at(place, a.rank - 1, a.shape, index);
  fail_value(loss, std::string(loss.operands[static_cast<std::size_t>(operand)].name) + " must have " +
                       (format == box_format::xyxy ? "x1 <= x2 and y1 <= y2" : "a width and a height of at least 0") + ", got [" + numbers +
                       "] at index " + shape_text(a.rank - 1, index));
}

}  // namespace

void check_boxes(const call_plan& plan) {
  const tile_operations& wide = active_kernels().tiles[1];
  for (int k = 0; k < 2; ++k) {
    const const_array& a = plan.call().operands[static_cast<std::size_t>(k)];
    const int numbers = numbers_of(plan.loss().operands[0]);
    const box_format format =
        numbers == rotated_numbers ? box_format::cxcywh : format_of(box_loss_of(plan.loss()).fmt(plan.call().options), k);
    const auto each = static_cast<std::size_t>(numbers);
    const std::size_t count = element_count(a.rank - 1, a.shape);
    double boxes[most_box_numbers * boxes_at_once];
    for (std::size_t first = 0; first < count; first += boxes_at_once) {
      const std::size_t n = std::min(boxes_at_once, count - first);
      wide.load[static_cast<int>(a.type)][a.byteswapped](boxes, a.data, {a.rank, a.shape, a.strides, each * first, each * n});
      for (std::size_t i = 0; i < n; ++i)
        if (is_inverted(format, boxes + each * i) && !is_masked(plan, first + i))
          fail_inverted(plan, k, format, boxes + each * i, first + i);
    }
  }
}

}  // namespace fastloss

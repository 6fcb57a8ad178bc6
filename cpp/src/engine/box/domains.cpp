// The check of boxes that errstate(domain="raise") asks for.
#include <cstring>
#include <string>

#include "engine/box/job.hpp"
#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

constexpr std::size_t boxes_at_once = 64;  // less than 3 KiB on the stack

// Rotated boxes begin as those by their centres do. NaN passes: it is data, and comes back as NaN.
bool is_inverted(box_format format, const double* box) {
  return format == box_format::xyxy ? box[2] < box[0] || box[3] < box[1] : box[2] < 0.0 || box[3] < 0.0;
}

bool is_masked(const box_job& job, std::size_t place) {
  if (job.where.base == nullptr) return false;
  double kept;
  active_kernels().tiles[1].load[static_cast<int>(job.where.type)][job.where.byteswapped](&kept, job.where.base,
                                                                                          job.pairs(job.where, place, 1));
  return kept == 0.0;
}

[[noreturn]] void fail_inverted(const call_plan& plan, int operand, box_format format, const double* box, std::size_t place) {
  const loss_info& loss = plan.loss();
  const const_array& a = plan.call().operands[static_cast<std::size_t>(operand)];
  std::string numbers;
  for (int i = 0; i < numbers_of(loss.operands[0]); ++i) numbers += (i > 0 ? ", " : "") + number_text(box[i], a.type);
  std::ptrdiff_t index[max_rank];
  index_at(place, plan.units().rank, plan.units().shape, index);
  fail_value(loss, std::string(loss.operands[static_cast<std::size_t>(operand)].name) + " must have " +
                       (format == box_format::xyxy ? "x1 <= x2 and y1 <= y2" : "a width and a height of at least 0") + ", got [" + numbers +
                       "] at index " + shape_text(plan.units().rank, index));
}

}  // namespace

void check_boxes(const call_plan& plan, const box_job& given) {
  // Over the axes of the units as the caller has them, so that the place of a box is its index.
  const unit_axes& units = plan.units();
  box_job job = given;
  job.rank = units.rank;
  for (int i = 0; i < units.rank; ++i) job.shape[i] = units.shape[i];
  job.shape[units.rank] = job.numbers;
  for (box_view& v : job.boxes) v.joined = false;
  if (job.where.base != nullptr) align_strides(plan.call().call.where, alignment::leading, units.rank, units.shape, job.where.strides);
  const tile_operations& wide = active_kernels().tiles[1];
  for (int k = 0; k < 2; ++k) {
    const const_array& a = plan.call().operands[static_cast<std::size_t>(k)];
    const box_format format =
        job.numbers == rotated_numbers ? box_format::cxcywh : format_of(box_loss_of(plan.loss()).fmt(plan.call().options), k);
    std::memcpy(job.boxes[k].strides, a.strides, static_cast<std::size_t>(a.rank) * sizeof(std::ptrdiff_t));
    double boxes[most_box_numbers * boxes_at_once];
    for (std::size_t first = 0; first < job.count; first += boxes_at_once) {
      const std::size_t n = job.count - first < boxes_at_once ? job.count - first : boxes_at_once;
      wide.load[static_cast<int>(a.type)][a.byteswapped](boxes, a.data, job.numbers_of(job.boxes[k], first, n));
      for (std::size_t i = 0; i < n; ++i)
        if (is_inverted(format, boxes + static_cast<std::size_t>(job.numbers) * i) && !is_masked(job, first + i))
          fail_inverted(plan, k, format, boxes + static_cast<std::size_t>(job.numbers) * i, first + i);
    }
  }
}

}  // namespace fastloss

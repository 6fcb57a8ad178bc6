#include "engine/region/error_weights.hpp"

#include <algorithm>

#include "engine/memory/layout.hpp"
#include "engine/region/block.hpp"
#include "fastloss/engine/signed_distance.hpp"
#include "fastloss/runtime/threads.hpp"

namespace fastloss {
namespace {

constexpr std::size_t numbers_at_once = 8192;
constexpr double power_ns = 1.0, threshold_ns = 0.5;  // of a number, estimated

}  // namespace

error_weights::error_weights(const call_plan& plan)
    : call_(plan.call()),
      computation_(plan.computation()),
      axes_(axes_of_regions(call_)),
      form_(region_loss_of(plan.loss()).form(call_.options)) {
  if (form_.distance_power == 0.0) return;
  const const_array& input = call_.operands[0];
  bytes_ = byte_count(input.rank, input.shape, itemsize(computation_));
  std::ptrdiff_t step = static_cast<std::ptrdiff_t>(itemsize(computation_));
  for (int i = input.rank - 1; i >= 0; --i) {
    strides_[i] = step;
    step *= input.shape[i];
  }
  numbers_.reset(new std::byte[bytes_]());
  array_ = view_of(like_input(numbers_.get()));
}

mutable_array error_weights::like_input(std::byte* numbers) const {
  const const_array& input = call_.operands[0];
  return {.data = numbers, .shape = input.shape, .strides = strides_, .rank = input.rank, .type = computation_};
}

void error_weights::measure(const region_job& job) {
  int axes[max_rank], count = 0;
  for (int i = 0; i < call_.operands[0].rank; ++i)
    if (i != axes_.sample_axis && i != axes_.class_axis) axes[count++] = i;
  if (bytes_ == 0 || count == 0) return;  // a pixel by itself has no boundary
  const std::size_t item = itemsize(computation_), numbers = bytes_ / item;
  const std::unique_ptr<std::byte[]> regions(new std::byte[bytes_]), distances(new std::byte[bytes_]);
  for (const bool of_target : {false, true}) {
    threshold(job, of_target, regions.get());
    signed_distance(view_of(like_input(regions.get())), like_input(distances.get()),
                    {.axes = {axes, static_cast<std::size_t>(count)}, .threads = call_.call.threads});
    const std::size_t pieces = (numbers + numbers_at_once - 1) / numbers_at_once;
    parallel_for(pieces, power_ns * static_cast<double>(numbers), call_.call.threads, [&](std::size_t piece) {
      const std::size_t first = piece * numbers_at_once;
      job.distances->add_power(numbers_.get() + first * item, distances.get() + first * item, form_.spacing, form_.distance_power,
                               std::min(numbers_at_once, numbers - first));
    });
  }
}

// 1 where a class is more probable than not, 0 elsewhere and where nothing counts. Lies as the weights do.
void error_weights::threshold(const region_job& job, bool of_target, std::byte* regions) const {
  const store_kernel store = job.tiles->store[static_cast<int>(computation_)][0];
  const double cost_ns = threshold_ns * static_cast<double>(bytes_ / itemsize(computation_));
  parallel_for(job.samples * job.blocks(), cost_ns, call_.call.threads, [&](std::size_t i) {
    const std::size_t n = i / job.blocks(), first = i % job.blocks() * job.block, count = std::min(job.block, job.pixels - first);
    region_block block(job, n, first, count, kept_pixels{});
    void* const tile = block.of_pixels(pixel_tile::values);
    for (std::size_t c = 0; c < job.classes; ++c) {
      if (c < job.first_class) {
        job.tiles->fill(tile, 0.0, block.padded());
      } else {
        const void* const mask = block.mask(c);  // first, as it may read the target
        job.distances->above_half(tile, of_target ? block.targets(c) : block.probabilities(c), mask, block.padded());
      }
      const std::ptrdiff_t place = job.error_weights.of(n, c) - job.error_weights.base;
      store(tile, regions + place, job.run(job.error_weights, first, count), 1.0, false);
    }
    region_block::trim();
  });
}

}  // namespace fastloss

// What a call of the distance transform is held to.
#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "engine/call/messages.hpp"
#include "engine/distance_transform/job.hpp"
#include "engine/memory/layout.hpp"
#include "fastloss/core/errors.hpp"

namespace fastloss {
namespace {

[[noreturn]] void fail(const std::string& what) { throw value_error("signed_distance: " + what); }

void check_arrays(const const_array& mask, const mutable_array& out) {
  if (mask.absent()) fail("no mask is given");
  if (mask.rank == 0) fail("mask must have an axis of pixels, got shape ()");
  if (mask.rank > max_rank) fail("mask must have at most " + std::to_string(max_rank) + " axes, got " + std::to_string(mask.rank));
  if (out.absent()) fail("no memory for out");
  if (!is_floating(out.type)) throw type_error(std::string("signed_distance: out must have a floating dtype, got ") + dtype_text(out.type));
  if (out.rank != mask.rank || !std::equal(out.shape, out.shape + out.rank, mask.shape))
    fail("out must have the shape of mask, " + shape_text(mask.rank, mask.shape) + ", got " + shape_text(out.rank, out.shape));
  if (out.unshared) return;
  if (may_overlap_itself(view_of(out))) fail("out has elements that share memory with one another");
  if (may_overlap(view_of(out), mask)) fail("out shares memory with mask");
}

// Which axes are measured, in the order of `axes`.
int measured_axes(const const_array& mask, std::span<const int> axes, int* measured) {
  if (axes.empty()) {
    for (int i = 0; i < mask.rank; ++i) measured[i] = i;
    return mask.rank;
  }
  bool taken[max_rank] = {};
  int count = 0;
  for (const int axis : axes) {
    if (axis < -mask.rank || axis >= mask.rank)
      fail("axes must be from " + std::to_string(-mask.rank) + " to " + std::to_string(mask.rank - 1) + " for mask of shape " +
           shape_text(mask.rank, mask.shape) + ", got " + std::to_string(axis));
    const int k = axis < 0 ? axis + mask.rank : axis;
    if (taken[k]) fail("axes names axis " + std::to_string(k) + " twice");
    taken[k] = true;
    measured[count++] = k;
  }
  return count;
}

// Of each measured axis. Their ratio is bounded so that no square, nor a product of squares, leaves the range of float64.
void read_spacing(std::span<const double> given, int count, double* spacing) {
  constexpr double most_ratio = 0x1p100;
  if (given.size() > 1 && given.size() != static_cast<std::size_t>(count))
    fail("spacing must be one number, or one for each of the " + std::to_string(count) + " measured axes, got " +
         std::to_string(given.size()));
  for (int k = 0; k < count; ++k) {
    spacing[k] = given.empty() ? 1.0 : given[given.size() == 1 ? 0 : static_cast<std::size_t>(k)];
    if (!(spacing[k] > 0.0) || !std::isfinite(spacing[k])) fail("spacing must be finite and above 0, got " + number_text(spacing[k]));
  }
  const auto [least, most] = std::minmax_element(spacing, spacing + count);
  if (*most / *least > most_ratio)
    fail("spacing must not be over 2**100 times as large along one axis as along another, got " + number_text(*most) + " and " +
         number_text(*least));
}

struct range {
  double least, most;  // normal numbers
};
range range_of(dtype t) {
  switch (t) {
    case dtype::float16:
      return {0x1p-14, 65504.0};
    case dtype::bfloat16:
      return {0x1p-126, 0x1.fep127};
    case dtype::float32:
      return {std::numeric_limits<float>::min(), std::numeric_limits<float>::max()};
    default:
      return {std::numeric_limits<double>::min(), std::numeric_limits<double>::max()};
  }
}

// The axes from `from` on, each behind those that are further apart in the mask's memory.
void order_by_memory(paired_axes& axes, double* steps) {
  const auto distance = [&](int i) { return axes.mask_strides[i] < 0 ? -axes.mask_strides[i] : axes.mask_strides[i]; };
  for (int i = 1; i < axes.rank; ++i)
    for (int j = i; j > 0 && distance(j - 1) < distance(j); --j) {
      std::swap(axes.shape[j - 1], axes.shape[j]);
      std::swap(axes.mask_strides[j - 1], axes.mask_strides[j]);
      std::swap(axes.out_strides[j - 1], axes.out_strides[j]);
      if (steps != nullptr) std::swap(steps[j - 1], steps[j]);
    }
}

}  // namespace

std::size_t paired_axes::count() const { return element_count(rank, shape); }

distance_job check_distance_call(const const_array& mask, const mutable_array& out, const distance_options& options) {
  check_arrays(mask, out);
  distance_job job{};
  job.mask = mask;
  job.out = out;
  job.threads = options.threads;
  int measured[max_rank];
  const int count = measured_axes(mask, options.axes, measured);
  double spacing[max_rank];
  read_spacing(options.spacing, count, spacing);

  bool one_spacing = true;
  double largest = 0.0;
  for (int k = 0; k < count; ++k) {
    one_spacing &= spacing[k] == spacing[0];
    largest = std::max(largest, spacing[k]);
  }
  // In units of the spacing if there is one, else in a power of two, which rounds nothing.
  job.unit = one_spacing ? spacing[0] : std::ldexp(1.0, std::ilogb(largest));
  const auto add = [&](paired_axes& axes, int i) {
    axes.shape[axes.rank] = mask.shape[i];
    axes.mask_strides[axes.rank] = mask.strides[i];
    axes.out_strides[axes.rank++] = out.strides[i];
  };
  double furthest = 0.0, least = spacing[0];
  for (int k = 0; k < count; ++k) {
    const double relative = spacing[k] / job.unit, length = std::max(0.0, static_cast<double>(mask.shape[measured[k]]) - 1.0);
    job.steps[k] = relative * relative;
    furthest += job.steps[k] * length * length;
    least = std::min(least, spacing[k]);
    add(job.pixels, measured[k]);
  }
  job.in_float = one_spacing && furthest <= 0x1p24;
  const range held = range_of(out.type);
  if (least < held.least || std::sqrt(furthest) * job.unit > held.most)
    fail("spacing of " + number_text(least) + " gives mask of shape " + shape_text(mask.rank, mask.shape) + " distances that " +
         dtype_text(out.type) + " cannot hold");
  for (int i = 0; i < mask.rank; ++i)
    if (std::find(measured, measured + count, i) == measured + count) add(job.masks, i);
  order_by_memory(job.pixels, job.steps);
  order_by_memory(job.masks, nullptr);
  return job;
}

}  // namespace fastloss

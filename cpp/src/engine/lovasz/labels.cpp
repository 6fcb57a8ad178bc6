#include "engine/lovasz/labels.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/messages.hpp"
#include "engine/memory/layout.hpp"
#include "engine/memory/scratch.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

constexpr std::size_t block_pixels = std::size_t{1} << 16;
constexpr double count_ns = 1.5;  // of a pixel, on one thread
// Each of so few classes is counted by itself, which is done in registers.
constexpr std::size_t few_classes = 8;

template <class S>
void add_counts(const label_of_pixel<S>* labels, std::size_t classes, std::uint64_t* counts) {
  using label = label_of_pixel<S>;
  if (classes <= few_classes) {
    for (std::size_t c = 0; c < classes; ++c) {
      label found = 0;
      for (std::size_t i = 0; i < tile_pixels; ++i) found += static_cast<label>(labels[i] == static_cast<label>(c));
      counts[c] += static_cast<std::uint64_t>(found);
    }
  } else {
    for (std::size_t i = 0; i < tile_pixels; ++i)
      if (labels[i] >= 0) ++counts[labels[i]];
  }
}

bool is_masked_pixel(const lovasz_job& job, std::size_t pixel) {
  if (job.where.base == nullptr) return false;
  double kept;
  active_kernels().tiles[1].load[static_cast<int>(dtype::boolean)][0](&kept, job.where.base, job.run(job.where, pixel, 1));
  return kept == 0.0;
}

// Whether a pixel counts, and has no class.
bool is_out_of_range(const lovasz_job& job, std::size_t pixel) {
  const lovasz_view& v = job.target;
  const strided_run one = job.run(v, pixel, 1);
  std::int64_t label;
  double number;
  bool fine;
  if (job.has_indices) {
    fine = active_kernels().rows[1].load_labels[static_cast<int>(v.type)][v.byteswapped](
        &label, v.base, one, static_cast<std::int64_t>(job.classes), job.ignore_index);
  } else {
    active_kernels().tiles[1].load[static_cast<int>(v.type)][v.byteswapped](&number, v.base, one);
    fine = number == 0.0 || number == 1.0;
  }
  return !fine && !is_masked_pixel(job, pixel);
}

[[noreturn]] void fail_label(const call_plan& plan, const lovasz_job& job, std::size_t pixel) {
  const loss_info& loss = plan.loss();
  const const_array& a = plan.call().operands[1];
  std::ptrdiff_t index[max_rank];
  index_at(pixel, a.rank, a.shape, index);
  if (has_classes(loss)) fail_class_index_at(plan, 1, {job.classes, 0, plan.class_axis()}, index);
  std::string need = std::string(loss.operands[1].name) + " is a mask, of 0 and 1", got;
  const char* found = static_cast<const char*>(a.data);
  for (int axis = 0; axis < a.rank; ++axis) found += index[axis] * a.strides[axis];
  if (is_floating(a.type)) {
    double number;
    active_kernels().tiles[1].load[static_cast<int>(a.type)][a.byteswapped](&number, found, {0, nullptr, nullptr, 0, 1});
    got = number_text(number, a.type);
  } else {
    got = integer_text(found, a.type, a.byteswapped);
    need += ", or ignore_index=" + std::to_string(job.ignore_index);
  }
  fail_value(loss, need + ", got " + got + " at index " + shape_text(a.rank, index));
}

}  // namespace

template <class S>
bool load_labels(const lovasz_job& job, std::size_t first, std::size_t count, label_of_pixel<S>* labels, S* scratch) {
  using label = label_of_pixel<S>;
  const lovasz_view &target = job.target, &where = job.where;
  const strided_run run = job.run(target, first, count);
  bool fine = true;
  if (job.has_indices) {
    fine = job.rows->load_labels[static_cast<int>(target.type)][target.byteswapped](
        labels, target.base, run, static_cast<std::int64_t>(job.classes), job.ignore_index);
  } else {
    job.tiles->load[static_cast<int>(target.type)][target.byteswapped](scratch, target.base, run);
    for (std::size_t i = 0; i < count; ++i) {
      labels[i] = scratch[i] == S(1) ? label(1) : scratch[i] == S(0) ? label(0) : label(-1);
      fine = fine && labels[i] >= 0;
    }
  }
  if (where.base != nullptr) {
    job.tiles->load[static_cast<int>(dtype::boolean)][0](scratch, where.base, job.run(where, first, count));
    for (std::size_t i = 0; i < count; ++i) labels[i] = scratch[i] == S(0) ? label(-1) : labels[i];
  }
  std::fill(labels + count, labels + tile_pixels, label(-1));
  return fine;
}

template <class S>
std::vector<std::uint64_t> count_labels(const call_plan& plan, const lovasz_job& job) {
  const std::size_t blocks = (job.pixels + block_pixels - 1) / block_pixels, parts = job.units * blocks;
  constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
  std::vector<std::uint64_t> of_blocks(parts * job.classes);
  std::vector<std::size_t> first_wrong(parts, none);
  parallel_for(parts, static_cast<double>(job.units * job.pixels) * count_ns, plan.call().call.threads, [&](std::size_t part) {
    thread_local row_scratch scratch;
    S* const tile = reinterpret_cast<S*>(scratch.at_least(2 * tile_pixels * sizeof(S)));
    label_of_pixel<S>* const labels = reinterpret_cast<label_of_pixel<S>*>(tile + tile_pixels);
    const std::size_t unit = part / blocks * job.pixels, begin = part % blocks * block_pixels;
    const std::size_t end = std::min(begin + block_pixels, job.pixels);
    for (std::size_t first = unit + begin; first < unit + end; first += tile_pixels) {
      const std::size_t count = std::min(tile_pixels, unit + end - first);
      if (!load_labels(job, first, count, labels, tile) && first_wrong[part] == none)
        for (std::size_t i = first; i < first + count && first_wrong[part] == none; ++i)
          if (is_out_of_range(job, i)) first_wrong[part] = i;
      add_counts<S>(labels, job.classes, &of_blocks[part * job.classes]);
    }
  });
  for (const std::size_t pixel : first_wrong)
    if (pixel != none) fail_label(plan, job, pixel);
  std::vector<std::uint64_t> of_units(job.units * job.classes);
  for (std::size_t part = 0; part < parts; ++part)
    for (std::size_t c = 0; c < job.classes; ++c) of_units[part / blocks * job.classes + c] += of_blocks[part * job.classes + c];
  return of_units;
}

template bool load_labels<float>(const lovasz_job&, std::size_t, std::size_t, label_of_pixel<float>*, float*);
template bool load_labels<double>(const lovasz_job&, std::size_t, std::size_t, label_of_pixel<double>*, double*);
template std::vector<std::uint64_t> count_labels<float>(const call_plan&, const lovasz_job&);
template std::vector<std::uint64_t> count_labels<double>(const call_plan&, const lovasz_job&);

}  // namespace fastloss

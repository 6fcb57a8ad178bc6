#include "engine/region/job.hpp"

#include <algorithm>
#include <limits>
#include <new>

#include "engine/memory/layout.hpp"
#include "fastloss/runtime/memory.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// Numbers of a tile of all classes of a block: what softmax keeps of it is in an L2 cache at most.
constexpr std::size_t block_numbers = 16384, most_block = 4096, least_block = 128;
// Sums of so many parts are kept for each class, at least; few samples are cut into segments for it.
constexpr std::size_t enough_parts = 32;

class builder {
 public:
  builder(const call_plan& plan, const loss_outputs& outputs, const const_array& error_weights, region_job& job)
      : plan_(plan), call_(plan.call()), outputs_(outputs), error_weights_(error_weights), axes_(axes_of_regions(call_)), job_(job) {}

  void build() {
    const const_array &input = call_.operands[0], &target = call_.operands[1];
    const kernel_table& kernels = active_kernels();
    const int wide = plan_.computation() == dtype::float64;
    job_.tiles = &kernels.tiles[wide];
    job_.regions = &kernels.regions[wide];
    job_.rows = &kernels.rows[wide];
    job_.distances = &kernels.distances[wide];
    job_.item = itemsize(plan_.computation());
    job_.form = region_loss_of(plan_.loss()).form(call_.options);
    job_.has_labels = target.rank < input.rank;
    job_.activation = activation_of(call_, job_.form);
    job_.whole_pixels = takes_whole_pixels(call_);
    job_.term = term(kernels_of<region_kernels>(plan_.loss(), kernels), wide);
    job_.ignore_index = call_.call.ignore_index;
    const bool may_be_ignored = target.type != dtype::boolean || job_.ignore_index == 0 || job_.ignore_index == 1;
    job_.is_mask = !job_.has_labels && !is_floating(target.type) && plan_.loss().operands[1].is(class_index);
    job_.ignores = job_.is_mask && may_be_ignored;
    job_.every_pixel_counts = false;
    job_.samples = static_cast<std::size_t>(axes_.samples);
    job_.classes = static_cast<std::size_t>(axes_.classes);
    job_.first_class = axes_.class_axis >= 0 && !job_.form.include_background ? 1 : 0;
    job_.kept = job_.classes - job_.first_class;
    // Of arrays without pixels, or whose pixels are all the same, there may be more units than numbers of them can be counted.
    if (job_.samples > std::numeric_limits<std::size_t>::max() / (64 * enough_parts) / std::max<std::size_t>(1, job_.classes))
      throw std::bad_alloc();
    job_.accumulate = call_.call.accumulate;
    job_.check_finite = call_.call.raise_nonfinite;
    lay_out();
    const std::size_t numbers = block_numbers / std::max<std::size_t>(1, job_.classes);
    job_.block = std::clamp(numbers / least_block * least_block, least_block, most_block);
    job_.segments = std::max<std::size_t>(1, std::min(job_.blocks(), enough_parts / std::max<std::size_t>(1, job_.samples)));
    choose_streaming();
  }

 private:
  const pixel_kernels* term(const region_kernels& kernels, int wide) const {
    const pixel_kernels& of = (job_.activation == region_activation::softmax ? kernels.of_log_probability : kernels.of_logit)[wide];
    return of.value == nullptr ? nullptr : &of;
  }

  void lay_out() {
    const const_array& input = call_.operands[0];
    layout_.rank = 0;
    layout_.arrays = 0;
    for (int i = 0; i < input.rank; ++i)
      if (i != axes_.class_axis && i != axes_.sample_axis) layout_.shape[layout_.rank++] = input.shape[i];
    add(job_.input, input);
    add(job_.target, call_.operands[1]);
    if (!call_.call.where.absent()) {
      std::ptrdiff_t strides[max_rank];
      align_where(call_, axes_, strides);
      add(job_.where, call_.call.where, strides);
    }
    if (!error_weights_.absent()) add(job_.error_weights, error_weights_);
    for (std::size_t g = 0; g < static_cast<std::size_t>(call_.gradient_count); ++g)
      add(job_.gradients[call_.gradient_of[g]], view_of(outputs_.gradients[g]));
    simplify(layout_);
    job_.rank = layout_.rank;
    std::copy_n(layout_.shape, layout_.rank, job_.shape);
    job_.pixels = element_count(job_.rank, job_.shape);
    const auto whole = [&](std::ptrdiff_t bytes) { return bytes % static_cast<std::ptrdiff_t>(job_.item) == 0; };
    for (region_view* v : {&job_.input, &job_.target, &job_.where, &job_.error_weights, &job_.gradients[0], &job_.gradients[1]})
      v->direct = v->base != nullptr && v->type == plan_.computation() && !v->byteswapped &&
                  reinterpret_cast<std::uintptr_t>(v->base) % job_.item == 0 && whole(v->sample) && whole(v->of_class) &&
                  is_contiguous(job_.rank, job_.shape, v->strides, job_.item);
  }

  // Of the input's axes, or of these without that of classes.
  void add(region_view& v, const const_array& a) {
    std::ptrdiff_t strides[max_rank];
    const int rank = call_.operands[0].rank;
    for (int i = 0, own = 0; i < rank; ++i) strides[i] = i == axes_.class_axis && a.rank < rank ? 0 : a.strides[own++];
    add(v, a, strides);
  }

  void add(region_view& v, const const_array& a, const std::ptrdiff_t* strides) {
    v.base = static_cast<char*>(const_cast<void*>(a.data));
    v.type = a.type;
    v.byteswapped = a.byteswapped;
    for (int i = 0, pixel = 0; i < call_.operands[0].rank; ++i) {
      if (i == axes_.class_axis) v.of_class = strides[i];
      else if (i == axes_.sample_axis) v.sample = strides[i];
      else v.strides[pixel++] = strides[i];
    }
    layout_.strides[layout_.arrays++] = v.strides;
  }

  // As the other engines choose: more than the last-level cache holds, into pages that exist and are no operand, at places that every
  // block and class shares.
  void choose_streaming() {
    const std::size_t numbers = job_.samples * job_.classes * job_.pixels;
    std::size_t bytes = numbers * (itemsize(job_.input.type) + itemsize(job_.target.type));
    for (std::size_t g = 0; g < static_cast<std::size_t>(call_.gradient_count); ++g)
      bytes += numbers * itemsize(job_.gradients[call_.gradient_of[g]].type);
    job_.streams = bytes > streaming_bytes() && call_.gradient_count > 0 && !job_.in_place;
    for (std::size_t g = 0; g < static_cast<std::size_t>(call_.gradient_count); ++g) {
      const region_view& to = job_.gradients[call_.gradient_of[g]];
      job_.streams &= outputs_.gradients[g].recycled && reinterpret_cast<std::uintptr_t>(to.base) % 16 == 0 && to.sample % 16 == 0 &&
                      to.of_class % 16 == 0;
    }
  }

  const call_plan& plan_;
  const loss_call& call_;
  const loss_outputs& outputs_;
  const const_array& error_weights_;
  const region_axes axes_;
  region_job& job_;
  joint_layout layout_;
};

}  // namespace

void build_region_job(const call_plan& plan, const loss_outputs& outputs, const const_array& error_weights, bool in_place,
                      region_job& job) {
  job.in_place = in_place;
  builder(plan, outputs, error_weights, job).build();
}

}  // namespace fastloss

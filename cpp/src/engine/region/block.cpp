#include "engine/region/block.hpp"

#include "fastloss/engine/padding.hpp"

namespace fastloss {
namespace {

constexpr std::size_t tile_padding = 192;  // tiles do not share their low address bits

}  // namespace

region_block::region_block(const region_job& job, std::size_t sample, std::size_t first, std::size_t count, const kept_pixels& kept)
    : job_(job),
      sample_(sample),
      first_(first),
      count_(count),
      padded_(padded_to(most_pack, count)),
      kept_(kept.memory == nullptr ? pixels_kept::never
            : kept.filled          ? pixels_kept::before
                                   : pixels_kept::now) {
  tile_bytes_ = job.block * job.item + tile_padding;
  const std::size_t of_classes = has_softmax() ? (job.term != nullptr && !job.sums_by_label() ? 3 : 2) * job.classes : 0;
  memory_ = scratch().at_least((single_tiles + of_classes) * tile_bytes_);
  place_pixels(kept);
  if (job.has_labels) make_labels();
  if (has_softmax()) make_exponentials();
}

void region_block::place_pixels(const kept_pixels& kept) {
  void** const of_pixels[kept_pixels::numbers] = {&labels_, &maximum_, &tail_, &label_score_, &term_slopes_};
  const std::size_t whole = padded_to(most_pack, job_.pixels);
  for (std::size_t i = 0; i < kept_pixels::numbers; ++i)
    *of_pixels[i] = kept.memory == nullptr ? tile(kept_tiles + i) : kept.memory + (i * whole + first_) * job_.item;
}

void region_block::load(const region_view& v, std::size_t c, void* to) const {
  job_.tiles->load[static_cast<int>(v.type)][v.byteswapped](to, v.of(sample_, c), job_.run(v, first_, count_));
  clear_padding(to);
}

const void* region_block::load_or_point(const region_view& v, std::size_t c, std::size_t i) const {
  if (is_whole(v)) return in_memory(v, c);
  load(v, c, tile(i));
  return tile(i);
}

// Class indices were checked before; here what is masked loses its own, and what is to be ignored is masked.
void region_block::make_labels() {
  if (kept_ == pixels_kept::before && !job_.has_mask()) return;
  const region_view& v = job_.target;
  job_.rows->load_labels[static_cast<int>(v.type)][v.byteswapped](labels_, v.of(sample_, 0), job_.run(v, first_, count_),
                                                                  static_cast<std::int64_t>(job_.classes), job_.ignore_index);
  if (job_.mask_differs()) {  // a pixel may count for one class and not for another
    job_.tiles->fill(tile(labelled_tile), 1.0, padded_);
    job_.rows->leave_out(labels_, tile(labelled_tile), count_, padded_);
    return;
  }
  if (job_.where.base != nullptr && job_.has_mask()) load(job_.where, 0, tile(mask_tile));
  else job_.tiles->fill(tile(mask_tile), 1.0, padded_);
  job_.rows->leave_out(labels_, tile(mask_tile), count_, padded_);
}

const void* region_block::mask(std::size_t c) {
  if (!job_.has_mask()) return nullptr;
  if (job_.has_labels && !job_.mask_differs()) return tile(mask_tile);
  if (mask_class_ == c || (mask_class_ != no_class && !job_.mask_differs())) return tile(mask_tile);
  mask_class_ = c;
  const void* given = nullptr;
  if (job_.where.base != nullptr) {
    load(job_.where, c, tile(mask_tile));
    given = tile(mask_tile);
  }
  if (job_.has_labels) job_.tiles->multiply(tile(mask_tile), given, tile(labelled_tile), padded_);
  const std::size_t first = job_.whole_pixels ? 0 : c, last = job_.whole_pixels ? job_.classes : c + 1;
  for (std::size_t k = first; job_.ignores && k < last; ++k) {
    load(job_.target, k, tile(target_tile));
    job_.regions->unlike(tile(mask_tile), given, tile(target_tile), static_cast<double>(job_.ignore_index), padded_);
    given = tile(mask_tile);
  }
  clear_padding(tile(mask_tile));
  return tile(mask_tile);
}

const void* region_block::mask_of_pixels() {
  if (!job_.mask_differs()) return mask(job_.first_class);
  void* const any = tile(any_tile);
  if (has_union_) return any;
  job_.tiles->fill(any, 0.0, padded_);
  for (std::size_t c = job_.first_class; c < job_.classes; ++c) job_.tiles->axpby(any, 1.0, any, 1.0, mask(c), padded_);
  has_union_ = true;
  return any;
}

const void* region_block::counts(std::size_t c) {
  if (const void* const m = mask(c)) return m;
  job_.tiles->fill(tile(mask_tile), 1.0, padded_);
  clear_padding(tile(mask_tile));
  return tile(mask_tile);
}

void region_block::make_exponentials() {
  const region_view& v = job_.input;
  if (!is_whole(v))
    for (std::size_t c = 0; c < job_.classes; ++c) load(v, c, class_tile(c));
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(class_stride());
  shift_pass p{};
  p.extent = {padded_, job_.classes};
  p.exps = {class_tile(0), stride};
  p.scores = p.exps;
  if (is_whole(v)) {
    p.scores = {in_memory(v, 0), v.of_class / static_cast<std::ptrdiff_t>(job_.item)};
    p.copy = p.exps;
  }
  if (kept_ == pixels_kept::before) {
    scores_ = p.scores;
  } else {
    p.labels = job_.has_labels ? labels_ : nullptr;
    p.maximum = maximum_;
    p.tail = tail_;
    p.label_score = label_score_;
    job_.rows->of[static_cast<int>(arrangement::row_contiguous)].softmax(p);
  }
  job_.regions->inverse_sum(tile(inverse_tile), tail_, mask_of_pixels(), padded_);
  clear_padding(tile(inverse_tile));
}

label_region region_block::labels() const {
  return {class_tile(0), class_stride(), job_.classes, tile(inverse_tile), labels_, label_score_, tail_, job_.every_pixel_counts};
}

void region_block::normalise() {
  if (normalised_) return;
  job_.regions->normalise(class_tile(0), class_stride(), job_.classes, tile(inverse_tile), padded_);
  normalised_ = true;
}

const void* region_block::log_probability_of_label() {
  job_.rows->log1p(tail_, tile(logarithm_tile), padded_);
  job_.tiles->axpby(tile(logarithm_tile), 1.0, label_score_, -1.0, tile(logarithm_tile), padded_);
  return tile(logarithm_tile);
}

const void* region_block::log_probabilities(std::size_t c) {
  job_.rows->log1p(tail_, tile(logarithm_tile), padded_);
  const row_tile score{const_cast<void*>(logits(c)), 0}, out{tile(logarithm_tile), 0};
  job_.rows->of[static_cast<int>(arrangement::row_contiguous)].subtract({padded_, 1}, score, maximum_, tile(logarithm_tile), out);
  return tile(logarithm_tile);
}

const void* region_block::logits(std::size_t c) { return load_or_point(job_.input, c, input_tile); }

const void* region_block::probabilities(std::size_t c) {
  if (has_softmax()) {
    normalise();
    return class_tile(c);
  }
  const void* const x = logits(c);
  if (job_.activation == region_activation::none) return x;
  job_.regions->sigmoid(tile(probability_tile), tile(derivative_tile), x, padded_);
  clear_padding(tile(probability_tile));
  return tile(probability_tile);
}

const void* region_block::targets(std::size_t c) {
  if (!job_.has_labels) return load_or_point(job_.target, c, target_tile);
  job_.regions->one_class(tile(target_tile), labels_, static_cast<std::int64_t>(c), padded_);
  return tile(target_tile);
}

void* region_block::direct(int k, std::size_t c) const {
  const region_view& to = job_.gradients[k];
  return is_whole(to) && !job_.accumulate && !job_.check_finite && !job_.in_place ? in_memory(to, c) : nullptr;
}

bool region_block::store(int k, std::size_t c, const void* gradient) const {
  const region_view& to = job_.gradients[k];
  if (gradient == direct(k, c)) return false;
  job_.tiles->store[static_cast<int>(to.type)][to.byteswapped](gradient, to.of(sample_, c), job_.run(to, first_, count_), 1.0,
                                                               job_.accumulate);
  return job_.check_finite && job_.tiles->nonfinite(gradient, count_);
}

}  // namespace fastloss

#include "engine/region/terms.hpp"

#include <algorithm>

namespace fastloss {

pixel_terms::pixel_terms(const call_plan& plan, const region_job& job, std::span<const double> pixels) : plan_(plan), job_(job) {
  if (!exist()) return;
  class_weight_ = weights_of_classes(plan.call(), job.classes);
  narrow_class_weight_.assign(class_weight_.begin(), class_weight_.end());
  sample_weight_ = numbers_of_units(plan, plan.call().call.sample_weight);
  of_samples_.assign(job.samples, {});
  pixels_.assign(job.samples, 0.0);
  weighted_.assign(job.samples, 0.0);
  // Under a softmax a pixel has one term, and all classes of it count or none; its weight is that of its label, or 1.
  for (std::size_t n = 0; n < job.samples; ++n)
    for (std::size_t c = 0; c < (has_softmax() ? std::min<std::size_t>(1, job.classes) : job.classes); ++c) {
      pixels_[n] += pixels[n * job.classes + c];
      weighted_[n] += times(pixels[n * job.classes + c], has_softmax() ? 1.0 : class_weight(c));
    }
}

// Of elements the mean is over their number, whatever their weights, unless the call says otherwise.
bool pixel_terms::has_weighted_mean() const { return plan_.call().call.normalizer == normalizer::weight; }

bool pixel_terms::counts_by_label() const {
  return of_labels() && !class_weight_.empty() && choose_divisor(plan_.call()) == divisor::weights;
}

const void* pixel_terms::weights_of_labels(region_block& block) const {
  if (class_weight_.empty()) return nullptr;
  void* const to = block.of_pixels(pixel_tile::targets);
  const void* const weights = job_.item == sizeof(float) ? static_cast<const void*>(narrow_class_weight_.data()) : class_weight_.data();
  job_.rows->take(weights, block.labels().labels, to, block.padded());
  return to;
}

// What the formula is of: the logit or the logarithm of the probability, and the target, which is 1 for a label.
tile pixel_terms::arguments(region_block& block, std::size_t c) const {
  tile t{};
  t.count = block.padded();
  if (of_labels()) {
    job_.tiles->fill(block.of_pixels(pixel_tile::targets), 1.0, block.padded());
    t.operand[0] = block.log_probability_of_label();
    t.operand[1] = block.of_pixels(pixel_tile::targets);
  } else {
    t.operand[0] = has_softmax() ? block.log_probabilities(c) : block.logits(c);
    t.operand[1] = block.targets(c);
  }
  t.value = block.of_pixels(pixel_tile::values);
  t.gradient = block.of_pixels(pixel_tile::slopes);
  return t;
}

pixel_terms::sums pixel_terms::add_up(region_block& block) const {
  const void* const options = plan_.call().options;
  sums found;
  if (of_labels()) {
    tile t = arguments(block, 0);
    job_.term->value(options, t);
    t.gradient = block.term_slopes();
    if (block.makes_term_slopes()) job_.term->gradient(options, t);
    const void *const counts = block.counts(0), *const weights = weights_of_labels(block);
    found.terms = job_.rows->weighted_sum(counts, weights, block.of_pixels(pixel_tile::values), block.padded());
    if (counts_by_label()) found.weights = job_.rows->weighted_sum(counts, nullptr, weights, block.padded());
    return found;
  }
  for (std::size_t c = 0; c < job_.classes; ++c) {
    if (class_weight(c) == 0.0) continue;
    job_.term->value(options, arguments(block, c));
    void* const values = block.of_pixels(pixel_tile::values);
    if (const void* const mask = block.mask(c)) job_.tiles->multiply(values, mask, values, block.padded());
    block.clear_padding(values);
    found.terms += times(job_.tiles->sum(values, block.padded()), class_weight(c));
  }
  return found;
}

void pixel_terms::set_flow() {
  if (!exist()) return;
  unit_sums all{};
  for (std::size_t n = 0; n < job_.samples; ++n) {
    if (pixels_[n] == 0.0) continue;  // whatever its weight
    const double weights = counts_by_label() ? of_samples_[n].weights : has_weighted_mean() ? weighted_[n] : pixels_[n];
    all += {pixels_[n], times(sample_weight_[n], pixels_[n]), times(sample_weight_[n], weights)};
  }
  const region_divisor by = divisor_of(plan_, all);
  denominator_ = by.denominator;
  flow_.resize(job_.samples);
  for (std::size_t n = 0; n < job_.samples; ++n)
    flow_[n] = pixels_[n] == 0.0 ? 0.0 : times(sample_weight_[n], times(job_.form.term_weight, by.flow));
}

const void* pixel_terms::slopes_of_labels(region_block& block, void* to) const {
  if (!block.has_term_slopes()) {
    tile t = arguments(block, 0);
    t.gradient = block.term_slopes();
    job_.term->gradient(plan_.call().options, t);
  }
  job_.tiles->multiply_scaled(to, block.counts(0), block.term_slopes(), flow_[block.sample()], block.padded());
  if (const void* const weights = weights_of_labels(block)) job_.tiles->multiply(to, weights, to, block.padded());
  return to;
}

// Weighted, by what flows in, and 0 where a pixel does not count.
void pixel_terms::scale(region_block& block, std::size_t c, void* to) const {
  const double scale = times(class_weight(c), flow_[block.sample()]);
  if (scale == 0.0) job_.tiles->fill(to, 0.0, block.padded());
  else if (const void* const mask = block.mask(c)) {
    job_.tiles->multiply_scaled(to, mask, to, scale, block.padded());
    job_.tiles->blend(to, mask, to, 0.0, block.padded());  // 0 times an infinite scale
  } else job_.tiles->axpby(to, scale, to, 0.0, nullptr, block.padded());
}

void pixel_terms::slopes(region_block& block, std::size_t c, void* to) const {
  tile t = arguments(block, c);
  t.gradient = to;
  job_.term->gradient(plan_.call().options, t);
  scale(block, c, to);
}

void pixel_terms::add_slopes_in_target(region_block& block, std::size_t c, void* to) const {
  job_.term->gradient_in_target(plan_.call().options, arguments(block, c));
  void* const found = block.of_pixels(pixel_tile::slopes);
  scale(block, c, found);
  job_.tiles->axpby(to, 1.0, to, 1.0, found, block.padded());
}

loss_statistics pixel_terms::statistics() const {
  double sum = 0.0;
  for (std::size_t n = 0; n < of_samples_.size(); ++n)
    if (pixels_[n] != 0.0) sum += times(sample_weight_[n], of_samples_[n].terms);
  return {sum, denominator_};
}

}  // namespace fastloss

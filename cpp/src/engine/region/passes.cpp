#include "engine/region/passes.hpp"

namespace fastloss {
namespace {

class way_back {
 public:
  way_back(const region_job& job, region_block& block, const region_units& units, const pixel_terms& terms)
      : job_(job), block_(block), units_(units), terms_(terms), has_terms_(terms.exist() && !terms.is_silent(block.sample())) {}

  bool run() {
    if (!has_terms_ && is_silent()) by_nothing();
    else if (job_.sums_by_label()) by_label();
    else if (job_.activation == region_activation::softmax) by_softmax();
    else by_class();
    return nonfinite_;
  }

 private:
  bool wants(int k) const { return job_.gradients[k].base != nullptr; }
  bool is_silent(std::size_t c) const { return c < job_.first_class || units_.is_silent(block_.sample(), c - job_.first_class); }
  bool is_silent() const {
    for (std::size_t c = 0; c < job_.kept; ++c)
      if (!units_.is_silent(block_.sample(), c)) return false;
    return true;
  }
  void store(int k, std::size_t c, const void* gradient) { nonfinite_ |= block_.store(k, c, gradient); }

  void slope(int k, std::size_t c, void* out, bool streams) {
    if (is_silent(c)) {
      job_.tiles->fill(out, 0.0, block_.padded());
      return;
    }
    const region_slope s = units_.slope(k, block_.sample(), c - job_.first_class);
    const void* const mask = block_.mask(c);
    if (job_.error_weights.base != nullptr) {
      job_.distances->square_slope(out, block_.probabilities(c), block_.targets(c), block_.error_weights(c), mask,
                                   (k == 0 ? 2.0 : -2.0) * s.by_other, block_.padded());
      return;
    }
    const bool of_both = s.by_own != 0.0 || s.where_less != 0.0;
    const void* const p = k == 1 || of_both ? block_.probabilities(c) : nullptr;
    const void* const t = k == 0 || of_both ? block_.targets(c) : nullptr;
    job_.regions->slope(s, {out, k == 0 ? p : t, k == 0 ? t : p, mask, streams}, block_.padded());
  }

  void slope_in_target(std::size_t c, void* out) {
    slope(1, c, out, false);
    if (has_terms_) terms_.add_slopes_in_target(block_, c, out);
  }

  // Classes have nothing to do with each other. Both gradients of a class are there before one of them is written to where an operand
  // may lie.
  void by_class() {
    for (std::size_t c = 0; c < job_.classes; ++c) {
      void* const in_input = wants(0) ? gradient_in_input(c) : nullptr;
      if (wants(1)) {
        void* const out = block_.of_pixels(pixel_tile::target_slopes);
        slope_in_target(c, out);
        if (wants(0)) store(0, c, in_input);
        store(1, c, out);
      } else {
        store(0, c, in_input);
      }
    }
  }

  void* gradient_in_input(std::size_t c) {
    void* const there = block_.direct(0, c);
    const bool has_logits = job_.activation == region_activation::sigmoid, has_terms = has_terms_;
    void* const out = there != nullptr && !(has_logits || has_terms) ? there : block_.of_pixels(pixel_tile::input_slopes);
    slope(0, c, out, job_.streams && out == there);
    if (!has_logits) return out;
    const void* logit_slopes = nullptr;
    if (has_terms) {
      terms_.slopes(block_, c, block_.of_pixels(pixel_tile::target_slopes));
      logit_slopes = block_.of_pixels(pixel_tile::target_slopes);
    }
    if (is_silent(c) && !has_terms) return out;
    block_.probabilities(c);
    void* const to = there != nullptr ? there : out;
    job_.regions->through_sigmoid(to, out, block_.derivative(), logit_slopes, block_.mask(c), block_.padded(), job_.streams && to == there);
    return to;
  }

  void by_softmax() {
    if (wants(0)) {
      const bool of_labels = has_terms_ && job_.has_labels, of_classes = has_terms_ && !job_.has_labels;
      if (of_labels)
        label_gradient(block_.logit_slopes(0), static_cast<std::ptrdiff_t>(block_.class_stride()),
                       false);  // of the terms alone, from exponentials
      for (std::size_t c = 0; c < job_.classes; ++c) {
        slope(0, c, block_.slopes(c), false);
        if (of_classes) terms_.slopes(block_, c, block_.logit_slopes(c));
      }
      job_.regions->through_softmax(block_.slopes(0), block_.probabilities(0), of_classes ? block_.logit_slopes(0) : nullptr,
                                    block_.class_stride(), job_.classes, block_.padded());
      for (std::size_t c = 0; of_labels && c < job_.classes; ++c)
        job_.tiles->axpby(block_.slopes(c), 1.0, block_.slopes(c), 1.0, block_.logit_slopes(c), block_.padded());
    }
    if (wants(1))
      for (std::size_t c = 0; c < job_.classes; ++c) {
        void* const out = block_.of_pixels(pixel_tile::target_slopes);
        slope_in_target(c, out);
        store(1, c, out);
      }
    if (!wants(0)) return;
    for (std::size_t c = 0; c < job_.classes; ++c) {
      void* const g = block_.slopes(c);
      if (const void* const mask = block_.mask_of_pixels()) job_.tiles->blend(g, mask, g, 0.0, block_.padded());
      store(0, c, g);
    }
  }

  void label_gradient(void* out, std::ptrdiff_t stride, bool streams) {
    label_slopes s{};
    s.by_size = units_.label_sizes(block_.sample());
    s.by_common = units_.label_commons(block_.sample());
    if (has_terms_) s.terms = terms_.slopes_of_labels(block_, block_.of_pixels(pixel_tile::target_slopes));
    s.scores = block_.scores().data;
    s.scores_stride = block_.scores().stride;
    s.maximum = block_.maximum();
    s.common = block_.of_pixels(pixel_tile::input_slopes);
    s.own = block_.of_pixels(pixel_tile::values);
    s.out = out;
    s.stride = stride;
    s.streams = streams;
    job_.regions->label_gradient(block_.labels(), s, block_.padded());
  }

  void by_label() {
    if (void* const there = block_.direct(0, 0)) {
      label_gradient(there, job_.gradients[0].of_class / static_cast<std::ptrdiff_t>(job_.item), job_.streams);
      return;
    }
    label_gradient(block_.slopes(0), static_cast<std::ptrdiff_t>(block_.class_stride()), false);
    for (std::size_t c = 0; c < job_.classes; ++c) store(0, c, block_.slopes(c));
  }

  // 0 times what is missing is 0.
  void by_nothing() {
    void* const zeros = block_.of_pixels(pixel_tile::input_slopes);
    job_.tiles->fill(zeros, 0.0, block_.padded());
    for (int k = 0; k < 2; ++k)
      for (std::size_t c = 0; wants(k) && c < job_.classes; ++c) store(k, c, zeros);
  }

  const region_job& job_;
  region_block& block_;
  const region_units& units_;
  const pixel_terms& terms_;
  const bool has_terms_;
  bool nonfinite_ = false;
};

}  // namespace

void add_up(const region_job& job, region_block& block, region_statistics* sums) {
  if (job.sums_by_label()) {
    job.regions->add_label_sums(block.labels(), job.first_class, block.padded(), sums);
    return;
  }
  for (std::size_t k = 0; k < job.kept; ++k) {
    const std::size_t c = job.first_class + k;
    const void* const mask = block.mask(c);
    if (job.error_weights.base != nullptr) {
      job.distances->add_squares(block.probabilities(c), block.targets(c), block.error_weights(c), mask, block.padded(),
                                 &sums[k].of[region_intersection]);
      continue;
    }
    job.regions->add_sums(block.probabilities(c), block.targets(c), mask, block.padded(), job.form.l1_intersection, job.form.squared,
                          sums[k].of);
  }
}

bool store_gradients(const region_job& job, region_block& block, const region_units& units, const pixel_terms& terms) {
  return way_back(job, block, units, terms).run();
}

}  // namespace fastloss

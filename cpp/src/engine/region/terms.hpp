// What a loss has of each pixel beside its regions: the loss of the pixel's classes, summed over the pixels that count, with a reduction
// of its own.
#pragma once

#include <span>
#include <vector>

#include "engine/region/block.hpp"
#include "engine/region/units.hpp"

namespace fastloss {

class pixel_terms {
 public:
  // `pixels` has how many pixels of each sample and class count.
  pixel_terms(const call_plan&, const region_job&, std::span<const double> pixels);

  bool exist() const { return job_.term != nullptr; }
  // Whether what the sum is divided by is known before the sum.
  bool knows_denominator() const { return !exist() || !counts_by_label(); }

  // Sums of a block: of the terms, and of the weights of the labels where these are what the sum is divided by.
  struct sums {
    double terms = 0.0, weights = 0.0;
  };
  sums add_up(region_block&) const;
  void add(std::size_t sample, const sums& of_sample) { of_samples_[sample] = of_sample; }

  void set_flow();
  // Whether nothing flows back to the pixels of a sample.
  bool is_silent(std::size_t sample) const { return flow_[sample] == 0.0; }
  // Into a tile: of each pixel, in the logarithm of its label's probability.
  const void* slopes_of_labels(region_block&, void* tile) const;
  // Into a tile: in a class's logit, under a sigmoid, or in the logarithm of its probability.
  void slopes(region_block&, std::size_t c, void* tile) const;
  // Adds to a tile what the terms have of the gradient in a class's target.
  void add_slopes_in_target(region_block&, std::size_t c, void* tile) const;

  loss_statistics statistics() const;

 private:
  bool has_softmax() const { return job_.activation == region_activation::softmax; }
  bool of_labels() const { return has_softmax() && job_.has_labels; }
  bool counts_by_label() const;
  bool has_weighted_mean() const;
  double class_weight(std::size_t c) const { return class_weight_.empty() ? 1.0 : class_weight_[c]; }
  tile arguments(region_block&, std::size_t c) const;
  const void* weights_of_labels(region_block&) const;
  void scale(region_block&, std::size_t c, void* tile) const;

  const call_plan& plan_;
  const region_job& job_;
  std::vector<double> class_weight_, sample_weight_, pixels_, weighted_, flow_;
  std::vector<float> narrow_class_weight_;
  std::vector<sums> of_samples_;
  double denominator_ = 1.0;
};

}  // namespace fastloss

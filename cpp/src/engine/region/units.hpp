// The units of a call: from the sums of their cells to losses, to the value, and to what flows back into each cell.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "engine/call/reduction.hpp"
#include "engine/region/job.hpp"

namespace fastloss {

// What a sum of losses of units is divided by, and its flow: the derivative of the reduced loss in that sum.
struct region_divisor {
  double denominator, flow;
};
region_divisor divisor_of(const call_plan&, const unit_sums&);

class region_units {
 public:
  // `pixels` has how many pixels of each sample and class count.
  region_units(const call_plan&, const region_job&, std::span<const double> pixels);

  // Sums over the pixels of a class of a sample, of the classes that are kept.
  region_statistics* cells(std::size_t sample) { return cells_.data() + sample * job_.kept; }

  // Whether what the losses of the units add up to is divided by something that is known before them.
  bool knows_denominator() const { return job_.form.absent != absent_class::skip; }
  // From sums to losses: of the units of a sample or, where samples have units together, of all (0).
  void evaluate(std::size_t group);
  void evaluate_all();

  // What flows into the sum of the losses: once all units that count are known.
  void set_flow();
  // Whether nothing flows back to the pixels of a class that is kept.
  bool is_silent(std::size_t sample, std::size_t kept_class) const;
  // Of the gradient in input (k = 0) or target.
  region_slope slope(int k, std::size_t sample, std::size_t kept_class) const;

  // The same of every class of a sample, for kernels that take class indices; once its units are evaluated. Zeros where the sums are
  // not made of class indices as they are.
  void set_label_slopes(std::size_t sample);
  const double* label_sizes(std::size_t sample) const { return label_sizes_.data() + sample * job_.classes; }
  const double* label_commons(std::size_t sample) const { return label_commons_.data() + sample * job_.classes; }

  // The sum of the losses and what it is divided by, 1 where it is not.
  loss_statistics statistics() const;
  void store_values(const mutable_array& to) const;
  bool has_nonfinite_values() const;

 private:
  std::size_t groups() const { return job_.form.batch ? 1 : job_.samples; }
  std::size_t unit_of(std::size_t sample, std::size_t kept_class) const {
    return (job_.form.batch ? 0 : sample) * of_group_ + (of_group_ == 1 ? 0 : kept_class);
  }
  void weigh();
  void evaluate_unit(std::size_t unit, const region_statistics&);
  std::vector<double> values() const;

  const call_plan& plan_;
  const loss_call& call_;
  const region_job& job_;
  const region_kernels& kernels_;
  const std::size_t of_group_;  // units of a sample, or of all
  std::vector<region_statistics> cells_;
  std::vector<region_result> results_;
  std::vector<double> sample_weight_, class_weight_, cell_weight_, target_sizes_, flow_, label_sizes_, label_commons_;
  std::vector<unsigned char> counts_;  // whether a unit counts; of each its own byte, as threads write them
  region_divisor divisor_{1.0, 0.0};
};

// sum / denominator, or what a mean over nothing is.
double reduced(const call_plan&, const loss_statistics&);

// The weights of all classes; empty where they are not given.
std::vector<double> weights_of_classes(const loss_call&, std::size_t classes);

}  // namespace fastloss

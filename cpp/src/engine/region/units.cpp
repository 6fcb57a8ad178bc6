#include "engine/region/units.hpp"

#include "engine/memory/layout.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

void add(region_statistics& to, const region_statistics& from, double weight) {
  for (int k = 0; k < region_sums; ++k) to.of[k] += times(weight, from.of[k]);
}

}  // namespace

std::vector<double> weights_of_classes(const loss_call& call, std::size_t classes) {
  const const_array& w = call.operands[2];
  if (w.absent()) return {};
  std::vector<double> all(classes);
  const std::ptrdiff_t extent = static_cast<std::ptrdiff_t>(classes), broadcast = 0;
  active_kernels().tiles[1].load[static_cast<int>(w.type)][w.byteswapped](all.data(), w.data,
                                                                          {1, &extent, w.rank == 0 ? &broadcast : w.strides, 0, classes});
  return all;
}

region_divisor divisor_of(const call_plan& plan, const unit_sums& sums) {
  const double denominator = denominator_of(plan, sums), flow = scalar_flow(plan.call());
  if (!plan.reduced()) return {denominator, flow};
  return {denominator, is_over_nothing(plan, denominator) ? 0.0 : flow / denominator};
}

double reduced(const call_plan& plan, const loss_statistics& found) {
  return is_over_nothing(plan, found.denominator) ? value_over_nothing(plan) : found.sum / found.denominator;
}

region_units::region_units(const call_plan& plan, const region_job& job, std::span<const double> pixels)
    : plan_(plan),
      call_(plan.call()),
      job_(job),
      kernels_(kernels_of<region_kernels>(plan.loss(), active_kernels())),
      of_group_(job.form.merge_classes ? 1 : job.kept) {
  const std::size_t count = groups() * of_group_;
  cells_.assign(job.samples * job.kept, {});
  results_.assign(count, {});
  counts_.assign(count, false);
  cell_weight_.assign(groups() * job.kept, 1.0);
  target_sizes_.assign(kernels_.class_weights == nullptr ? 0 : groups() * job.kept, 0.0);
  for (std::size_t n = 0; n < job.samples; ++n)
    for (std::size_t c = 0; c < job.kept; ++c) {
      const double of_cell = pixels[n * job.classes + job.first_class + c];
      cells(n)[c].pixels = of_cell;
      if (of_cell > 0.0) counts_[unit_of(n, c)] = true;
    }
  weigh();
}

// Weights of samples are those of their units; where a loss has a term of each pixel beside its units, one is given for each sample.
void region_units::weigh() {
  const std::size_t count = results_.size();
  const std::vector<double> given = numbers_of_units(plan_, call_.call.sample_weight);
  sample_weight_.assign(count, 1.0);
  if (given.size() == count) sample_weight_ = given;
  else if (!job_.form.batch)
    for (std::size_t u = 0; u < count; ++u) sample_weight_[u] = given[u / of_group_];
  class_weight_.assign(count, 1.0);
  const std::vector<double> of_classes = weights_of_classes(call_, job_.classes);
  if (!of_classes.empty() && !job_.form.merge_classes)
    for (std::size_t u = 0; u < count; ++u) class_weight_[u] = of_classes[job_.first_class + u % job_.kept];
}

void region_units::evaluate_all() {
  for (std::size_t g = 0; g < groups(); ++g) evaluate(g);
}

void region_units::evaluate(std::size_t group) {
  // Of a batch, the first sample's sums become those of all.
  region_statistics* const of_classes = cells(group);
  for (std::size_t n = 1; job_.form.batch && n < job_.samples; ++n)
    for (std::size_t c = 0; c < job_.kept; ++c) {
      add(of_classes[c], cells(n)[c], 1.0);
      of_classes[c].pixels += cells(n)[c].pixels;
    }
  if (!job_.form.merge_classes) {
    for (std::size_t c = 0; c < job_.kept; ++c) evaluate_unit(group * job_.kept + c, of_classes[c]);
    return;
  }
  double* const weights = cell_weight_.data() + group * job_.kept;
  if (kernels_.class_weights != nullptr) {
    double* const sizes = target_sizes_.data() + group * job_.kept;
    for (std::size_t c = 0; c < job_.kept; ++c) sizes[c] = of_classes[c].of[region_target];
    kernels_.class_weights(call_.options, {sizes, job_.kept}, {weights, job_.kept});
  }
  region_statistics all{};
  for (std::size_t c = 0; c < job_.kept; ++c) {
    add(all, of_classes[c], weights[c]);
    all.pixels += of_classes[c].pixels;
  }
  evaluate_unit(group, all);
}

void region_units::evaluate_unit(std::size_t u, const region_statistics& s) {
  region_result& r = results_[u];
  r = {};
  if (!counts_[u]) return;
  if (s.of[region_target] == 0.0 && job_.form.absent != absent_class::count) {
    if (job_.form.absent == absent_class::skip) counts_[u] = false;
    return;
  }
  r = kernels_.head(call_.options, s);
}

void region_units::set_flow() {
  const std::size_t count = results_.size();
  unit_sums sums{};
  for (std::size_t u = 0; u < count; ++u)
    if (counts_[u]) sums += {1.0, sample_weight_[u], times(sample_weight_[u], class_weight_[u])};
  divisor_ = divisor_of(plan_, sums);
  const double flow = times(job_.form.overlap_weight, divisor_.flow);
  const bool each = !plan_.reduced() && call_.call.grad_output.rank > 0;
  const std::vector<double> flows = each ? numbers_of_units(plan_, call_.call.grad_output) : std::vector<double>(count, 1.0);
  flow_.resize(count);
  if (job_.has_labels && job_.activation == region_activation::softmax) {
    label_sizes_.assign(job_.samples * job_.classes, 0.0);
    label_commons_.assign(job_.samples * job_.classes, 0.0);
  }
  for (std::size_t u = 0; u < count; ++u) flow_[u] = times(times(sample_weight_[u], class_weight_[u]), times(flow, flows[u]));
}

bool region_units::is_silent(std::size_t sample, std::size_t kept_class) const {
  const std::size_t u = unit_of(sample, kept_class);
  const double of_cell = cell_weight_[(job_.form.batch ? 0 : sample) * job_.kept + kept_class];
  return !counts_[u] || flow_[u] == 0.0 || of_cell == 0.0;
}

region_slope region_units::slope(int k, std::size_t sample, std::size_t kept_class) const {
  const std::size_t u = unit_of(sample, kept_class);
  const double* const d1 = results_[u].d1;
  const double flow = flow_[u] * cell_weight_[(job_.form.batch ? 0 : sample) * job_.kept + kept_class];
  const double common = times(flow, d1[region_intersection]), size = times(flow, d1[k == 0 ? region_input : region_target]);
  const bool l1 = job_.form.l1_intersection, squared = job_.form.squared;
  return {l1 ? 0.0 : common, squared ? 0.0 : size, squared ? 2.0 * size : 0.0, l1 ? common : 0.0};
}

void region_units::set_label_slopes(std::size_t sample) {
  if (!job_.sums_by_label()) return;
  for (std::size_t c = job_.first_class; c < job_.classes; ++c) {
    if (is_silent(sample, c - job_.first_class)) continue;
    const region_slope s = slope(0, sample, c - job_.first_class);
    label_sizes_[sample * job_.classes + c] = s.constant;
    label_commons_[sample * job_.classes + c] = s.by_other;
  }
}

std::vector<double> region_units::values() const {
  std::vector<double> all(results_.size());
  for (std::size_t u = 0; u < all.size(); ++u)
    all[u] = counts_[u] ? times(times(sample_weight_[u], class_weight_[u]), results_[u].value) : 0.0;
  return all;
}

loss_statistics region_units::statistics() const {
  double sum = 0.0;
  for (const double x : values()) sum += x;
  return {sum, divisor_.denominator};
}

bool region_units::has_nonfinite_values() const {
  const std::vector<double> all = values();
  return active_kernels().tiles[1].nonfinite(all.data(), all.size());
}

void region_units::store_values(const mutable_array& to) const {
  const std::vector<double> all = values();
  active_kernels().tiles[1].store[static_cast<int>(to.type)][to.byteswapped](
      all.data(), to.data, {plan_.units().rank, plan_.units().shape, to.strides, 0, all.size()}, 1.0, false);
}

}  // namespace fastloss

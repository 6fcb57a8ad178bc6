// The second half of a tile of rows: gradients, and what is given beside the value.
#include "engine/rows/segments.hpp"
#include "engine/rowwise/tile.hpp"

namespace fastloss {

void tile_runner::run_kernel(tile_kernel kernel, const void* const* operands, void* value, void* gradient) const {
  struct tile t{};
  for (int k = 0; k < 3; ++k) t.operand[k] = operands[k];
  t.count = padded_elements_;
  t.value = value;
  t.gradient = t.hessian = gradient;
  kernel(job_.options, t);
}

void tile_runner::make_factors() {
  upstream_ = row(upstream_slot);
  if (pass_.d_sum == 0.0) job_.tiles->fill(upstream_, 0.0, rows_.padded);
  else job_.tiles->axpby(upstream_, pass_.d_sum, row_weights_, 0.0, nullptr, rows_.padded);
  if (job_.grad_output.base != nullptr) {
    memory_.load_rows(job_.grad_output, row(spare_slot), 0.0);
    job_.tiles->multiply(upstream_, upstream_, row(spare_slot), rows_.padded);
  }
  if (job_.has_label_term) {
    void* const factor = row(label_factor_slot);
    job_.tiles->axpby(factor, 1.0 - job_.distribution_share, upstream_, 0.0, nullptr, rows_.padded);
    if (row_weight_ != nullptr) job_.tiles->multiply(factor, factor, row_weight_, rows_.padded);
  }
  factor_ = times(upstream_, is_smoothed_label() ? label_weight_ : row_weight_, factor_slot);
  const double scale = job_.of_classes()     ? class_share() * job_.distribution_share
                       : is_smoothed_label() ? 1.0 - job_.traits.label_smoothing
                                             : 1.0;
  if (scale == 1.0) return;
  job_.tiles->axpby(row(factor_slot), scale, factor_, 0.0, nullptr, rows_.padded);
  factor_ = row(factor_slot);
}

void tile_runner::make_outputs() {
  // A gradient may take the place of the scores.
  if (job_.lse.base != nullptr) memory_.store_rows(make_shift(spare_slot), job_.lse);
  if (double* const sums = sums_of(row_gradient::kind::weight)) {
    if (is_smoothed_label()) add_weight_gradient_of_smoothing(sums);
    add_weight_gradient_of_rows(sums);
  }
  const row_gradient *of_input = nullptr, *of_distribution = nullptr;
  for (const row_gradient& g : job_.gradients) {
    if (g.of == row_gradient::kind::input) of_input = &g;
    if (g.of == row_gradient::kind::target) of_distribution = &g;
  }
  row_tile distribution_gradient{};
  if (of_distribution != nullptr) distribution_gradient = differentiate_in_distribution(of_distribution->to);
  row_tile hess{};
  if (job_.hessian) hess = make_hess();
  if (of_input != nullptr || wants(row_gradient::kind::logit_argument)) {
    static const class_view nowhere;
    const class_view& to = of_input != nullptr ? of_input->to : nowhere;
    const row_tile g = differentiate_in_input(to);
    if (of_input != nullptr) store(to, g);
  }
  if (of_distribution != nullptr) store(of_distribution->to, distribution_gradient);
  if (job_.hessian) store(job_.hessian_to, hess);
}

void tile_runner::add_weight_gradient_of_rows(double* sums) const {
  if (labels_ == nullptr) return;
  for (std::size_t i = 0; i < rows_.count; ++i) {
    const std::int64_t y = label(labels_, i);
    if (y < 0) continue;
    const double up = number(upstream_, i);
    if (job_.weights_multiply == weighting::rows && up != 0.0) sums[y] += up * number(loss_, i);
    sums[y] += number(row_weights_, i) * pass_.d_denominator;
  }
}

// l = -(1 - s) w_y u_y - s / C sum_c w_c u_c
void tile_runner::add_weight_gradient_of_smoothing(double* sums) const {
  const double s = job_.traits.label_smoothing;
  for (std::size_t i = 0; i < rows_.count; ++i) {
    const double up = number(upstream_, i);
    if (label(labels_, i) >= 0 && up != 0.0 && s != 1.0) sums[label(labels_, i)] -= up * (1.0 - s) * number(row(u_slot), i);
  }
  const row_tile u = memory_.tile_at(tile(result_slot));
  job_.arranged->subtract(memory_.extent(), scores_, row(maximum_slot), row(log_sum_slot), u);
  job_.tiles->axpby(row(spare_slot), -s / static_cast<double>(job_.classes), upstream_, 0.0, nullptr, rows_.padded);
  job_.arranged->add_to_classes(memory_.extent(), u, row(spare_slot), sums);
}

row_tile tile_runner::differentiate_in_distribution(const class_view& to) {
  if (job_.by == strategy::products) {
    const row_tile targets = slopes_;
    lay_out_classes();
    slopes_ = targets;
  }
  const row_tile slopes = memory_.tile_at(tile(value_tile_slot));
  run_kernel(job_.class_kernels->gradient[1], class_operands_, nullptr, slopes.data);
  if (job_.weights_multiply == weighting::terms) job_.arranged->scale(memory_.extent(), slopes, job_.weight_data());
  if (job_.distribution_as == distribution_kind::logits) return differentiate_in_logits_of_distribution(slopes, to);
  job_.tiles->axpby(row(other_slot), 1.0 - job_.traits.label_smoothing, factor_, 0.0, nullptr, rows_.padded);
  gradient_pass p{};
  p.extent = memory_.extent();
  p.slopes = slopes;
  p.coef_d1 = row(other_slot);
  p.out = memory_.destination(to, tile(distribution_slot));
  p.streams = memory_.streams(to);
  job_.arranged->gradient(p);
  return p.out;
}

void tile_runner::take_gradient(const gradient_pass& p) const {
  if (job_.cut_threads > 0) gradient_in_segments(*job_.arranged, p, job_.item, job_.cut_threads);
  else job_.arranged->gradient(p);
}

row_tile tile_runner::differentiate_in_input(const class_view& to) {
  gradient_pass p{};
  // What is changed once more stays in the cache.
  const bool unfinished = job_.traits.transforms || job_.has_label_term;
  p.out = unfinished ? memory_.tile_at(tile(result_slot)) : memory_.destination(to, tile(result_slot));
  p.streams = !unfinished && memory_.streams(to);
  differentiate_in_logits(p);
  const row_tile g = job_.traits.transforms ? through_logit(p.out, to) : p.out;
  return job_.has_label_term && to.base != nullptr ? add_label_gradient(g, to) : g;
}

void tile_runner::differentiate_in_logits(gradient_pass& p) {
  p.extent = memory_.extent();
  p.labels = labels_;
  job_.of_classes() ? collect_classes(p, factor_) : collect_label(p);
  const bool second_place = job_.loss->shift == row_shift::runner_up;
  p.streams &= !second_place;
  if (p.labels == nullptr || p.at_label == nullptr) p.labels = p.at_label = nullptr;
  take_gradient(p);
  if (second_place) {
    job_.tiles->axpby(row(coef_exp_slot), -1.0, row(at_label_slot), 0.0, nullptr, rows_.padded);
    job_.arranged->scatter(memory_.extent(), row(index_slot), row(coef_exp_slot), p.out);
  }
}

void tile_runner::collect_label(gradient_pass& p) {
  if (!has_probabilities()) {
    job_.tiles->multiply(row(at_label_slot), factor_, row(slope_slot), rows_.padded);
    p.at_label = row(at_label_slot);
    return;
  }
  coefficient_pass c{};
  c.count = rows_.padded;
  c.slope = row(slope_slot);
  c.tail = row(tail_slot);
  c.picked = row(picked_slot);
  if (job_.loss->shift == row_shift::sparsemax) {
    job_.arranged->gather(memory_.extent(), exps_, labels_, row(other_slot));
    c.label_exp = row(other_slot);
  }
  c.factor = factor_;
  c.row_factor = upstream_;
  c.d_shift_term = d_shift_term_;
  c.weight_sum = job_.weight_sum;
  c.label_weight = label_weight_;
  c.coef_exp = row(coef_exp_slot);
  c.at_label = row(at_label_slot);
  if (is_smoothed_label()) {
    c.smoothing = job_.traits.label_smoothing / static_cast<double>(job_.classes);
    p.constant = c.constant = row(constant_slot);
    p.weights = job_.weight_data();
  }
  job_.rows->coefficients(c);
  p.exps = exps_;
  p.coef_exp = c.coef_exp;
  p.at_label = labels_ == nullptr ? nullptr : c.at_label;
}

void tile_runner::collect_classes(gradient_pass& p, const void* factor) {
  p.slopes = slopes_;
  p.coef_d1 = factor;
  if (job_.by == strategy::products) {
    job_.tiles->axpby(row(other_slot), -1.0, factor, 0.0, nullptr, rows_.padded);
    p.coef_d1 = row(other_slot);
  }
  if (has_probabilities()) {
    job_.rows->class_coefficients(rows_.padded, row(tail_slot), factor, row(slope_sum_slot), upstream_, d_shift_term_, row(coef_exp_slot));
    p.exps = exps_;
    p.coef_exp = row(coef_exp_slot);
  } else if (job_.loss->shift == row_shift::picked && labels_ != nullptr) {
    job_.tiles->multiply(row(coef_exp_slot), factor, row(slope_sum_slot), rows_.padded);
    job_.tiles->axpby(row(at_label_slot), -1.0, row(coef_exp_slot), 0.0, nullptr, rows_.padded);
    p.at_label = row(at_label_slot);
  }
}

row_tile tile_runner::through_logit(row_tile g, const class_view& to) const {
  fill_padding(g);
  void* const spare = tile(u_tile_slot);
  if (double* const sums = sums_of(row_gradient::kind::logit_argument)) {
    run_kernel(job_.row_formulas->d_logit_argument, logit_operands_, nullptr, spare);
    job_.tiles->multiply(spare, g.data, spare, padded_elements_);
    job_.tiles->fill(row(spare_slot), 1.0, rows_.padded);
    job_.arranged->add_to_classes(memory_.extent(), memory_.tile_at(spare), row(spare_slot), sums);
  }
  if (to.base == nullptr) return g;
  return through_logit_slope(g, logit_operands_, spare, job_.has_label_term ? nullptr : &to);
}

// `to`: where the gradient is stored; null: it is not finished.
row_tile tile_runner::through_logit_slope(row_tile g, const void* const* operands, void* spare, const class_view* to) const {
  run_kernel(job_.row_formulas->d_logit, operands, nullptr, spare);
  const row_tile out = to == nullptr ? g : memory_.destination(*to, g.data);
  const bool whole = out.stride == memory_.tile_stride() && elements_ == padded_elements_;
  job_.tiles->multiply(whole ? out.data : g.data, g.data, spare, padded_elements_);
  if (whole || out.data == g.data) return out;
  job_.tiles->fill(row(spare_slot), 0.0, rows_.padded);
  job_.arranged->subtract(memory_.extent(), g, row(spare_slot), nullptr, out);
  return out;
}

void tile_runner::make_extras() {
  if (job_.probabilities.base != nullptr) store(job_.probabilities, make_probabilities());
  if (job_.log_probabilities.base != nullptr) {
    const row_tile out = memory_.destination(job_.log_probabilities, tile(result_slot));
    job_.arranged->subtract(memory_.extent(), scores_, row(maximum_slot), row(log_sum_slot), out);
    store(job_.log_probabilities, out);
  }
  if (job_.prediction.base == nullptr && job_.correct.base == nullptr) return;
  job_.arranged->largest(memory_.extent(), scores_, nullptr, row(spare_slot), row(index_slot));
  for (std::size_t i = 0; i < rows_.count; ++i) {
    const std::int64_t best = label(row(index_slot), i);
    const std::uint64_t bits = static_cast<std::uint64_t>(best), stored = job_.prediction.byteswapped ? __builtin_bswap64(bits) : bits;
    const row_memory one(job_, {rows_.first + i, 1, 1});
    if (job_.prediction.base != nullptr) __builtin_memcpy(one.first_row(job_.prediction), &stored, sizeof stored);
    const bool correct = targets_ != nullptr && best == label(targets_, i);
    if (job_.correct.base != nullptr) __builtin_memcpy(one.first_row(job_.correct), &correct, sizeof correct);
  }
}

row_tile tile_runner::make_probabilities() const {
  gradient_pass p{};
  p.extent = memory_.extent();
  p.exps = exps_;
  // (0 - 1 * -1) / sum for every row, those that count nowhere included.
  job_.tiles->fill(row(spare_slot), 1.0, rows_.padded);
  job_.tiles->fill(row(other_slot), -1.0, rows_.padded);
  job_.rows->class_coefficients(rows_.padded, row(tail_slot), row(spare_slot), row(other_slot), row(spare_slot), nullptr,
                                row(coef_exp_slot));
  p.coef_exp = row(coef_exp_slot);
  p.out = memory_.destination(job_.probabilities, tile(result_slot));
  p.streams = memory_.streams(job_.probabilities);
  job_.arranged->gradient(p);
  return p.out;
}

}  // namespace fastloss

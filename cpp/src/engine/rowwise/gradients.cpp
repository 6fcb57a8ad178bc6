// From what the forward passes found to gradients: in the scores, in a distribution, and in the weights of the classes.
#include "engine/rowwise/passes.hpp"

namespace fastloss {
namespace {

void add_weight_gradient_of_rows(const row_workspace& w, const forward_results& f, double* sums) {
  if (f.counts.labels == nullptr) return;
  for (std::size_t i = 0; i < w.rows.count; ++i) {
    const std::int64_t y = w.label(f.counts.labels, i);
    if (y < 0) continue;
    const double up = w.number(f.factors.upstream, i);
    if (w.job.weights_multiply == weighting::rows && up != 0.0) sums[y] += up * w.number(f.formula.loss, i);
    sums[y] += w.number(f.counts.weights, i) * w.pass.d_denominator;
  }
}

// l = -(1 - s) w_y u_y - s / C sum_c w_c u_c
void add_weight_gradient_of_smoothing(const row_workspace& w, const forward_results& f, double* sums) {
  const double s = w.job.traits.label_smoothing;
  for (std::size_t i = 0; i < w.rows.count; ++i) {
    const double up = w.number(f.factors.upstream, i);
    const std::int64_t y = w.label(f.counts.labels, i);
    if (y >= 0 && up != 0.0 && s != 1.0) sums[y] -= up * (1.0 - s) * w.number(f.formula.u, i);
  }
  const row_tile u = w.tile_at(result_slot);
  w.job.arranged->subtract(w.extent(), f.scores.scores, f.shifts.maximum, f.shifts.log_sum, u);
  w.scale(spare_slot, -s / static_cast<double>(w.job.classes), f.factors.upstream);
  w.job.arranged->add_to_classes(w.extent(), u, w.row(spare_slot), sums);
}

// The gradient in an argument of the logit, added up for each class. Clobbers the spare tile.
void add_logit_argument_gradient(const row_workspace& w, const forward_results& f, row_tile g, double* sums) {
  const row_tile d_argument = w.tile_at(spare_tile_slot);
  w.run_on_tile(w.job.row_formulas->d_logit_argument, f.scores.operands, nullptr, d_argument.data);
  w.multiply_tiles(d_argument.data, g.data, d_argument.data);
  w.fill(spare_slot, 1.0);
  w.job.arranged->add_to_classes(w.extent(), d_argument, w.row(spare_slot), sums);
}

}  // namespace

void add_weight_gradients(const row_workspace& w, const forward_results& f) {
  double* const sums = w.sums_of(row_gradient::kind::weight);
  if (sums == nullptr) return;
  if (w.job.evaluation == strategy::smoothed_label) add_weight_gradient_of_smoothing(w, f, sums);
  add_weight_gradient_of_rows(w, f, sums);
}

row_tile differentiate_in_distribution(const row_workspace& w, const forward_results& f, const class_view& to) {
  const row_job& job = w.job;
  class_operands c = f.formula.classes;
  // The sums of products needed neither the differences nor whole packs of targets.
  if (job.evaluation == strategy::products) c = lay_out_classes(w, f.counts, f.scores, f.shifts);
  const void* const operands[3] = {c.u.data, c.target.data, nullptr};
  const row_tile d_target = w.tile_at(spare_tile_slot);
  w.run_on_tile(job.class_kernels->gradient[1], operands, nullptr, d_target.data);
  if (job.weights_multiply == weighting::terms) job.arranged->scale(w.extent(), d_target, job.weight_data());
  if (job.distribution_as == distribution_kind::logits)
    return differentiate_in_logits_of_distribution(w, c.distribution, f.factors.formula, d_target, to);
  w.scale(other_slot, 1.0 - job.traits.label_smoothing, f.factors.formula);
  gradient_pass p{};
  p.extent = w.extent();
  p.d1 = d_target;
  p.coef_d1 = w.row(other_slot);
  p.out = w.memory.destination(to, w.tile_memory(distribution_gradient_slot));
  p.streams = w.memory.streams(to);
  job.arranged->gradient(p);
  return p.out;
}

void coefficients_of_label(const row_workspace& w, const forward_results& f, gradient_pass& p) {
  const row_job& job = w.job;
  const void* const labels = f.counts.labels;
  if (!job.has_probabilities()) {
    w.multiply(at_label_slot, f.factors.formula, f.formula.d1);
    p.at_label = w.row(at_label_slot);
    return;
  }
  coefficient_pass c{};
  c.count = w.rows.padded;
  c.d1 = f.formula.d1;
  c.tail = f.shifts.tail;
  c.label_score = f.shifts.label_score;
  if (job.loss->shift == row_shift::sparsemax) {
    job.arranged->gather(w.extent(), f.shifts.exps, labels, w.row(other_slot));
    c.label_exp = w.row(other_slot);
  }
  c.factor = f.factors.formula;
  c.row_factor = f.factors.upstream;
  c.d_shift_term = f.shift.d1;
  c.weight_sum = job.weight_sum;
  c.label_weight = f.counts.label_weight;
  c.coef_exp = w.row(coef_exp_slot);
  c.at_label = w.row(at_label_slot);
  if (job.evaluation == strategy::smoothed_label) {
    c.smoothing = job.traits.label_smoothing / static_cast<double>(job.classes);
    p.constant = c.constant = w.row(constant_slot);
    p.weights = job.weight_data();
  }
  job.rows->coefficients(c);
  p.exps = f.shifts.exps;
  p.coef_exp = c.coef_exp;
  p.at_label = labels == nullptr ? nullptr : c.at_label;
}

void coefficients_of_classes(const row_workspace& w, const forward_results& f, gradient_pass& p) {
  const row_job& job = w.job;
  const void* const factor = f.factors.formula;
  p.d1 = f.formula.d1_of_classes;
  p.coef_d1 = factor;
  if (job.evaluation == strategy::products) {
    w.scale(other_slot, -1.0, factor);
    p.coef_d1 = w.row(other_slot);
  }
  if (job.has_probabilities()) {
    job.rows->class_coefficients(w.rows.padded, f.shifts.tail, factor, f.formula.d1_sum, f.factors.upstream, f.shift.d1,
                                 w.row(coef_exp_slot));
    p.exps = f.shifts.exps;
    p.coef_exp = w.row(coef_exp_slot);
  } else if (job.loss->shift == row_shift::label_score && f.counts.labels != nullptr) {
    w.multiply(coef_exp_slot, factor, f.formula.d1_sum);
    w.scale(at_label_slot, -1.0, w.row(coef_exp_slot));
    p.at_label = w.row(at_label_slot);
  }
}

void differentiate_in_logits(const row_workspace& w, const forward_results& f, gradient_pass& p) {
  p.extent = w.extent();
  p.labels = f.counts.labels;
  w.job.of_classes() ? coefficients_of_classes(w, f, p) : coefficients_of_label(w, f, p);
  const bool of_runner_up = w.job.loss->shift == row_shift::runner_up;
  p.streams &= !of_runner_up;  // one number of each row is still to come
  if (p.labels == nullptr || p.at_label == nullptr) p.labels = p.at_label = nullptr;
  take_gradient(w, p);
  if (!of_runner_up) return;
  w.scale(coef_exp_slot, -1.0, w.row(at_label_slot));
  w.job.arranged->scatter(w.extent(), f.shifts.index, w.row(coef_exp_slot), p.out);
}

row_tile differentiate_through_logit(const row_workspace& w, row_tile g, const void* const* operands, const class_view* to) {
  void* const d_logit = w.tile_memory(spare_tile_slot);
  w.run_on_tile(w.job.row_formulas->d_logit, operands, nullptr, d_logit);
  const row_tile out = to == nullptr ? g : w.memory.destination(*to, g.data);
  const bool whole = w.is_whole_packs(out);
  w.multiply_tiles(whole ? out.data : g.data, g.data, d_logit);
  return whole || out.data == g.data ? out : w.copy(g, out);
}

row_tile differentiate_in_input(const row_workspace& w, const forward_results& f, const class_view& to) {
  const row_job& job = w.job;
  gradient_pass p{};
  // What is changed once more stays in the cache.
  const bool unfinished = job.traits.transforms || job.has_label_term;
  p.out = unfinished ? w.tile_at(result_slot) : w.memory.destination(to, w.tile_memory(result_slot));
  p.streams = !unfinished && w.memory.streams(to);
  differentiate_in_logits(w, f, p);
  row_tile g = p.out;
  if (job.traits.transforms) {
    w.fill_padding(g);
    if (double* const sums = w.sums_of(row_gradient::kind::logit_argument)) add_logit_argument_gradient(w, f, g, sums);
    if (to.base == nullptr) return g;
    g = differentiate_through_logit(w, g, f.scores.operands, job.has_label_term ? nullptr : &to);
  }
  return job.has_label_term && to.base != nullptr ? add_label_gradient(w, f, g, to) : g;
}

}  // namespace fastloss

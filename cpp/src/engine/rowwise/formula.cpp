// The formula of a loss on a tile of rows: at the label's class alone, one row to a lane, or at every class.
#include "engine/rowwise/passes.hpp"

namespace fastloss {
namespace {

// (1 - s) w_y l_y + s / C sum_c w_c (log_sum - x_c), with the weights in the terms.
void smooth_label(const row_workspace& w, const row_counts& counts, const row_shifts& shifts, void* loss) {
  const double s = w.job.traits.label_smoothing, of_each_class = s / static_cast<double>(w.job.classes);
  if (counts.label_weight != nullptr) w.multiply(loss_slot, counts.label_weight, loss);
  w.axpby(spare_slot, w.job.weight_sum * of_each_class, shifts.log_sum, -of_each_class, shifts.weighted);
  if (s == 1.0) w.scale(loss_slot, 1.0, w.row(spare_slot));
  else w.axpby(loss_slot, 1.0 - s, loss, 1.0, w.row(spare_slot));
}

void evaluate_label(const row_workspace& w, const row_counts& counts, const row_shifts& shifts, formula_results& f) {
  f.u = w.row(u_slot);
  f.d1 = w.row(d1_slot);
  w.axpby(u_slot, 1.0, shifts.label_score, -1.0, shifts.log_sum);
  const formula_kernels& kernels = *w.job.label_kernels;
  w.run_on_rows(w.pass.outputs ? kernels.value_and_gradient : kernels.value, f.u, f.loss, w.row(d1_slot));
  if (w.job.evaluation == strategy::smoothed_label) smooth_label(w, counts, shifts, f.loss);
}

row_tile smoothed_distribution(const row_workspace& w) {
  const double s = w.job.traits.label_smoothing;
  const row_tile own = w.tile_at(target_slot), t = w.whole_packs(w.memory.load(w.job.distribution, own.data), target_slot);
  if (s == 0.0) return t;
  w.axpby_tiles(own.data, 1.0 - s, t.data, s / static_cast<double>(w.job.classes), nullptr);
  return own;
}

row_tile target_of_classes(const row_workspace& w, const row_counts& counts) {
  if (w.job.distribution_as == distribution_kind::probabilities) return smoothed_distribution(w);
  if (w.job.loss->shift == row_shift::label_score) return w.tile_of_labels(target_slot, counts.labels, 0.0, 1.0);
  const double s = w.job.traits.label_smoothing, of_each_class = s / static_cast<double>(w.job.classes);
  return w.tile_of_labels(target_slot, counts.labels, 1.0 - s + of_each_class, of_each_class);
}

void evaluate_classes(const row_workspace& w, const row_counts& counts, const row_factors& factors, const row_scores& scores,
                      const row_shifts& shifts, formula_results& f) {
  const row_job& job = w.job;
  f.classes = lay_out_classes(w, counts, scores, shifts);
  f.d1_of_classes = w.tile_at(d1_of_classes_slot);
  const row_tile values = w.tile_at(spare_tile_slot);
  const void* const operands[3] = {f.classes.u.data, f.classes.target.data, nullptr};
  const auto kernel = w.pass.outputs ? job.class_kernels->value_and_gradient : job.class_kernels->value;
  w.run_on_tile(kernel, operands, values.data, f.d1_of_classes.data);
  // With the weights in the terms.
  if (w.wants(row_gradient::kind::weight) && job.weights_multiply != weighting::rows)
    job.arranged->add_to_classes(w.extent(), values, factors.formula, w.sums_of(row_gradient::kind::weight));
  const bool weighted = job.weights_multiply == weighting::terms;
  if (weighted) job.arranged->scale(w.extent(), values, job.weight_data());
  job.arranged->sum(w.extent(), values, f.loss);
  if (w.pass.outputs) {
    if (weighted) job.arranged->scale(w.extent(), f.d1_of_classes, job.weight_data());
    job.arranged->sum(w.extent(), f.d1_of_classes, w.row(d1_sum_slot));
    f.d1_sum = w.row(d1_sum_slot);
  }
  if (job.loss->mean_over_classes) w.scale(loss_slot, class_coef(w), f.loss);
}

// The formula is -t u: no term is formed, and the targets stand for the derivatives.
void evaluate_products(const row_workspace& w, const row_scores& scores, const row_shifts& shifts, formula_results& f) {
  const row_job& job = w.job;
  const bool smoothed = job.traits.label_smoothing != 0.0;
  f.d1_of_classes = smoothed ? smoothed_distribution(w) : w.memory.load(job.distribution, w.tile_memory(target_slot));
  product_pass p{};
  p.extent = w.extent();
  p.scores = scores.scores;
  p.targets = f.d1_of_classes;
  p.first = shifts.maximum;
  p.second = shifts.log_sum;
  p.sums = w.row(d1_sum_slot);
  p.products = f.loss;
  p.ahead = w.memory.ahead(job.distribution, p.targets);
  job.arranged->products(p);
  w.scale(loss_slot, -1.0, f.loss);
  w.scale(d1_sum_slot, -1.0, p.sums);
  f.d1_sum = p.sums;
}

}  // namespace

class_operands lay_out_classes(const row_workspace& w, const row_counts& counts, const row_scores& scores, const row_shifts& shifts) {
  class_operands c;
  if (w.job.distribution_as == distribution_kind::logits) {
    c.target = w.tile_at(target_slot);
    c.distribution = log_distribution(w, scores, c.target);
  } else {
    c.target = target_of_classes(w, counts);
  }
  c.u = w.tile_at(u_of_classes_slot);
  w.job.arranged->subtract(w.extent(), scores.scores, shifts.maximum, shifts.log_sum, c.u);
  w.fill_padding(c.u);
  return c;
}

formula_results evaluate_formula(const row_workspace& w, const row_counts& counts, const row_factors& factors, const row_scores& scores,
                                 const row_shifts& shifts) {
  formula_results f;
  f.loss = w.row(loss_slot);
  switch (w.job.evaluation) {
    case strategy::shift_term:
      w.fill(loss_slot, 0.0);
      w.fill(d1_slot, 0.0);
      f.d1 = w.row(d1_slot);
      break;
    case strategy::label:
    case strategy::smoothed_label:
      evaluate_label(w, counts, shifts, f);
      break;
    case strategy::classes:
      evaluate_classes(w, counts, factors, scores, shifts, f);
      break;
    case strategy::products:
      evaluate_products(w, scores, shifts, f);
      break;
    case strategy::lists:
      f.d1_of_classes = w.tile_at(d1_of_classes_slot);
      w.fill(loss_slot, 0.0);
      evaluate_lists(w, counts.lists, scores.scores, f);
  }
  return f;
}

}  // namespace fastloss

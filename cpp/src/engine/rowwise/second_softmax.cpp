// What has a softmax of its own beside that of the transformed scores: a distribution that is given as logits, and the term of the
// label's class, which is one of the scores as they are given.
#include "engine/rowwise/passes.hpp"

namespace fastloss {
namespace {

coefficient_pass label_coefficients(const row_workspace& w, const forward_results& f) {
  coefficient_pass c{};
  c.count = w.rows.padded;
  c.d1 = f.label.d1;
  c.tail = f.label.tail;
  c.label_score = f.label.label_score;
  c.factor = f.factors.label_term;
  c.row_factor = f.factors.upstream;
  c.weight_sum = w.job.weight_sum;
  c.coef_exp = w.row(coef_exp_slot);
  c.at_label = w.row(at_label_slot);
  return c;
}

}  // namespace

distribution_logits log_distribution(const row_workspace& w, const row_scores& scores, row_tile to) {
  const row_job& job = w.job;
  distribution_logits d;
  row_tile z = w.memory.load(job.distribution, w.tile_memory(distribution_scores_slot));
  if (job.classes == 0) return d;
  if (job.traits.transforms) {
    z = w.whole_packs(z, distribution_scores_slot);
    d.operands[0] = z.data;
    for (int k = 1; k < 3; ++k) d.operands[k] = scores.operands[k];
    z = w.tile_at(distribution_logit_slot);
    w.run_on_tile(job.row_formulas->logit, d.operands, z.data, nullptr);
  }
  d.exps = w.tile_at(distribution_exps_slot);
  shift_pass p{};
  p.extent = w.extent();
  p.scores = z;
  p.exps = {w.wants(row_gradient::kind::target) ? d.exps.data : nullptr, d.exps.stride};
  p.maximum = w.row(distribution_maximum_slot);
  p.tail = w.row(distribution_tail_slot);
  p.label_score = w.row(spare_slot);
  p.ahead = w.memory.ahead(job.distribution, z);
  if (w.memory.row_contiguous() && p.ahead != 0) p.copy = d.exps;
  take_softmax(w, p, w.row(distribution_log_sum_slot));
  job.arranged->subtract(w.extent(), z, p.maximum, w.row(distribution_log_sum_slot), to);
  w.fill_padding(to);
  d.tail = p.tail;
  return d;
}

row_tile differentiate_in_logits_of_distribution(const row_workspace& w, const distribution_logits& d, const void* factor,
                                                 row_tile gradient, const class_view& to) {
  gradient_pass p{};
  p.extent = w.extent();
  p.d1 = gradient;
  p.coef_d1 = factor;
  if (w.job.classes > 0) {
    w.job.arranged->sum(w.extent(), gradient, w.row(other_slot));
    w.job.rows->class_coefficients(w.rows.padded, d.tail, factor, w.row(other_slot), nullptr, nullptr, w.row(coef_exp_slot));
    p.exps = d.exps;
    p.coef_exp = w.row(coef_exp_slot);
  }
  const bool transforms = w.job.traits.transforms;
  p.out = transforms ? w.tile_at(distribution_gradient_slot) : w.memory.destination(to, w.tile_memory(distribution_gradient_slot));
  p.streams = !transforms && w.memory.streams(to);
  take_gradient(w, p);
  if (!transforms) return p.out;
  w.fill_padding(p.out);
  return differentiate_through_logit(w, p.out, d.operands, &to);
}

label_term evaluate_label_term(const row_workspace& w, const row_counts& counts, const row_scores& scores, const row_shifts& shifts,
                               const formula_results& formula) {
  label_term t{.exps = shifts.exps, .tail = shifts.tail, .label_score = shifts.label_score, .log_sum = shifts.log_sum};
  if (w.job.traits.transforms) {
    t.exps = w.tile_at(label_exps_slot);
    shift_pass p{};
    p.extent = w.extent();
    p.scores = scores.raw;
    p.exps = {w.pass.outputs ? t.exps.data : nullptr, t.exps.stride};
    p.labels = counts.labels;
    p.maximum = w.row(label_maximum_slot);
    p.tail = w.row(label_tail_slot);
    p.label_score = w.row(label_term_score_slot);
    take_softmax(w, p, w.row(label_log_sum_slot));
    t.tail = p.tail;
    t.label_score = p.label_score;
    t.log_sum = w.row(label_log_sum_slot);
  }
  t.d1 = w.row(label_d1_slot);
  w.axpby(spare_slot, 1.0, t.label_score, -1.0, t.log_sum);
  w.run_on_rows(w.job.row_formulas->label_term, w.row(spare_slot), w.row(label_loss_slot), w.row(label_d1_slot));
  const double of_distribution = w.job.mix_weight;
  if (of_distribution == 0.0) w.scale(loss_slot, 1.0, w.row(label_loss_slot));
  else w.axpby(loss_slot, of_distribution, formula.loss, 1.0 - of_distribution, w.row(label_loss_slot));
  return t;
}

row_tile add_label_gradient(const row_workspace& w, const forward_results& f, row_tile g, const class_view& to) {
  const row_operations_of_arrangement& rows = *w.job.arranged;
  const coefficient_pass c = label_coefficients(w, f);
  w.job.rows->coefficients(c);
  rows.gather(w.extent(), g, f.counts.labels, w.row(other_slot));
  w.axpby(at_label_slot, 1.0, c.at_label, 1.0, w.row(other_slot));
  w.fill(spare_slot, 1.0);
  gradient_pass p{};
  p.extent = w.extent();
  p.d1 = g;
  p.coef_d1 = w.row(spare_slot);
  p.exps = f.label.exps;
  p.coef_exp = c.coef_exp;
  p.labels = f.counts.labels;
  p.at_label = c.at_label;
  p.out = w.memory.destination(to, w.tile_memory(sum_slot));
  p.streams = w.memory.streams(to);
  take_gradient(w, p);
  return p.out;
}

void add_label_hess(const row_workspace& w, const forward_results& f, row_tile vector, row_tile hess) {
  const row_operations_of_arrangement& rows = *w.job.arranged;
  const void* const labels = f.counts.labels;
  w.axpby(spare_slot, 1.0, f.label.label_score, -1.0, f.label.log_sum);
  w.run_on_rows(w.job.row_formulas->d2_label_term, w.row(spare_slot), nullptr, nullptr, w.row(label_d2_slot));
  w.multiply(label_d2_slot, f.factors.label_term, w.row(label_d2_slot));
  w.fill(coef_square_slot, 0.0);
  rows.gather(w.extent(), f.label.exps, labels, w.row(spare_slot));
  if (vector.data != nullptr) rows.gather(w.extent(), vector, labels, w.row(other_slot));
  const coefficient_pass c = label_coefficients(w, f);
  w.job.rows->coefficients(c);
  hess_pass p{};
  p.extent = w.extent();
  p.exps = f.label.exps;
  p.vector = vector;
  p.tail = f.label.tail;
  p.coef_exp = c.coef_exp;
  p.coef_square = w.row(coef_square_slot);
  p.labels = labels;
  p.label_d2 = w.row(label_d2_slot);
  p.label_exp = w.row(spare_slot);
  p.label_vector = w.row(other_slot);
  p.out = w.tile_at(result_slot);
  rows.hess(p);
  w.fill_padding(p.out);
  w.fill_padding(hess);
  w.axpby_tiles(hess.data, 1.0, hess.data, 1.0, p.out.data);
}

}  // namespace fastloss

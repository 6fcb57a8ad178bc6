// What has a softmax of its own beside that of the transformed scores: a distribution that is given as logits, and the term of the
// label's class, which is one of the scores as they are given.
#include "engine/rowwise/tile.hpp"

namespace fastloss {

row_tile tile_runner::log_distribution() {
  row_tile z = memory_.load(job_.distribution, tile(distribution_scores_slot));
  const row_tile logarithms = memory_.tile_at(tile(target_slot));
  if (job_.classes == 0) return logarithms;
  if (job_.traits.transforms) {
    z = whole_packs(z, tile(distribution_scores_slot));
    for (int k = 1; k < 3; ++k) distribution_operands_[k] = logit_operands_[k];
    distribution_operands_[0] = z.data;
    z = memory_.tile_at(tile(distribution_logit_slot));
    run_kernel(job_.row_formulas->logit, distribution_operands_, z.data, nullptr);
  }
  distribution_exps_ = memory_.tile_at(tile(distribution_exps_slot));
  shift_pass p{};
  p.extent = memory_.extent();
  p.scores = z;
  p.exps = {wants(row_gradient::kind::target) ? distribution_exps_.data : nullptr, distribution_exps_.stride};
  p.maximum = row(distribution_maximum_slot);
  p.tail = row(distribution_tail_slot);
  p.picked = row(spare_slot);
  p.ahead = memory_.ahead(job_.distribution, z);
  if (memory_.row_contiguous() && p.ahead != 0) p.copy = distribution_exps_;
  take_softmax(p, row(distribution_log_sum_slot));
  job_.arranged->subtract(memory_.extent(), z, row(distribution_maximum_slot), row(distribution_log_sum_slot), logarithms);
  fill_padding(logarithms);
  return logarithms;
}

// `slopes` are those in the logarithms of the probabilities.
row_tile tile_runner::differentiate_in_logits_of_distribution(row_tile slopes, const class_view& to) const {
  gradient_pass p{};
  p.extent = memory_.extent();
  p.slopes = slopes;
  p.coef_d1 = factor_;
  if (job_.classes > 0) {
    job_.arranged->sum(memory_.extent(), slopes, row(other_slot));
    job_.rows->class_coefficients(rows_.padded, row(distribution_tail_slot), factor_, row(other_slot), nullptr, nullptr,
                                  row(coef_exp_slot));
    p.exps = distribution_exps_;
    p.coef_exp = row(coef_exp_slot);
  }
  const bool transforms = job_.traits.transforms;
  p.out = transforms ? memory_.tile_at(tile(distribution_slot)) : memory_.destination(to, tile(distribution_slot));
  p.streams = !transforms && memory_.streams(to);
  take_gradient(p);
  if (!transforms) return p.out;
  fill_padding(p.out);
  return through_logit_slope(p.out, distribution_operands_, slopes.data, &to);
}

void tile_runner::add_label_term() {
  label_exps_ = exps_;
  label_tail_ = row(tail_slot);
  label_picked_ = row(picked_slot);
  const void* log_sum = row(log_sum_slot);
  if (job_.traits.transforms) {
    label_exps_ = memory_.tile_at(tile(label_exps_slot));
    shift_pass p{};
    p.extent = memory_.extent();
    p.scores = raw_;
    p.exps = {pass_.outputs ? label_exps_.data : nullptr, label_exps_.stride};
    p.labels = labels_;
    p.maximum = row(label_maximum_slot);
    p.tail = row(label_tail_slot);
    p.picked = row(label_picked_slot);
    take_softmax(p, row(label_log_sum_slot));
    label_tail_ = p.tail;
    label_picked_ = p.picked;
    log_sum = row(label_log_sum_slot);
  }
  job_.tiles->axpby(row(spare_slot), 1.0, label_picked_, -1.0, log_sum, rows_.padded);
  struct tile t{};
  t.operand[0] = row(spare_slot);
  t.count = rows_.padded;
  t.value = row(label_loss_slot);
  t.gradient = row(label_slope_slot);
  job_.row_formulas->label_term(job_.options, t);
  const double share = job_.distribution_share;
  if (share == 0.0) job_.tiles->axpby(loss_, 1.0, row(label_loss_slot), 0.0, nullptr, rows_.padded);
  else job_.tiles->axpby(loss_, share, loss_, 1.0 - share, row(label_loss_slot), rows_.padded);
}

coefficient_pass tile_runner::label_coefficients() const {
  coefficient_pass c{};
  c.count = rows_.padded;
  c.slope = row(label_slope_slot);
  c.tail = label_tail_;
  c.picked = label_picked_;
  c.factor = row(label_factor_slot);
  c.row_factor = upstream_;
  c.weight_sum = job_.weight_sum;
  c.coef_exp = row(coef_exp_slot);
  c.at_label = row(at_label_slot);
  return c;
}

row_tile tile_runner::add_label_gradient(row_tile g, const class_view& to) const {
  const coefficient_pass c = label_coefficients();
  job_.rows->coefficients(c);
  job_.arranged->gather(memory_.extent(), g, labels_, row(other_slot));
  job_.tiles->axpby(row(at_label_slot), 1.0, row(at_label_slot), 1.0, row(other_slot), rows_.padded);
  job_.tiles->fill(row(spare_slot), 1.0, rows_.padded);
  gradient_pass p{};
  p.extent = memory_.extent();
  p.slopes = g;
  p.coef_d1 = row(spare_slot);
  p.exps = label_exps_;
  p.coef_exp = c.coef_exp;
  p.labels = labels_;
  p.at_label = c.at_label;
  p.out = memory_.destination(to, tile(value_tile_slot));
  p.streams = memory_.streams(to);
  take_gradient(p);
  return p.out;
}

void tile_runner::add_label_hess(row_tile hess) const {
  job_.tiles->axpby(row(spare_slot), 1.0, label_picked_, -1.0, row(job_.traits.transforms ? label_log_sum_slot : log_sum_slot),
                    rows_.padded);
  struct tile t{};
  t.operand[0] = row(spare_slot);
  t.count = rows_.padded;
  t.hessian = row(label_d2_slot);
  job_.row_formulas->d2_label_term(job_.options, t);
  job_.tiles->multiply(t.hessian, row(label_factor_slot), t.hessian, rows_.padded);
  job_.tiles->fill(row(square_slot), 0.0, rows_.padded);
  job_.arranged->gather(memory_.extent(), label_exps_, labels_, row(spare_slot));
  if (vector_.data != nullptr) job_.arranged->gather(memory_.extent(), vector_, labels_, row(other_slot));
  const coefficient_pass c = label_coefficients();
  job_.rows->coefficients(c);
  hess_pass p{};
  p.extent = memory_.extent();
  p.exps = label_exps_;
  p.vector = vector_;
  p.tail = label_tail_;
  p.coef_exp = c.coef_exp;
  p.coef_square = row(square_slot);
  p.labels = labels_;
  p.label_d2 = t.hessian;
  p.label_exp = row(spare_slot);
  p.label_vector = row(other_slot);
  p.out = memory_.tile_at(tile(result_slot));
  job_.arranged->hess(p);
  fill_padding(p.out);
  fill_padding(hess);
  job_.tiles->axpby(hess.data, 1.0, hess.data, 1.0, p.out.data, padded_elements_);
}

}  // namespace fastloss

// What a tile of rows is given: what each row counts, what multiplies its derivatives, and its scores.
#include "engine/rowwise/passes.hpp"

namespace fastloss {

row_counts load_rows(const row_workspace& w) {
  const row_job& job = w.job;
  const auto load_mask = [&](row_slot counts) {
    if (job.where.base == nullptr) w.fill(counts, 1.0);
    else w.memory.load_rows(job.where, w.row(counts), 0.0);
  };
  const auto load_labels = [&](row_slot labels, row_slot counts) {
    job.rows->load_labels[static_cast<int>(job.labels.type)][job.labels.byteswapped](
        w.row(labels), job.labels.base, w.memory.row_run(job.labels), static_cast<std::int64_t>(job.classes), job.ignore_index);
    job.rows->leave_out(w.row(labels), w.row(counts), w.rows.count, w.rows.padded);
    return w.row(labels);
  };
  row_counts counts;
  counts.weights = w.row(row_weights_slot);
  load_mask(row_weights_slot);
  if (job.sample_weight.base != nullptr) {
    w.memory.load_rows(job.sample_weight, w.row(spare_slot), 0.0);
    w.multiply(row_weights_slot, counts.weights, w.row(spare_slot));
  }
  w.memory.pad_rows(w.row(row_weights_slot), 0.0);
  if (job.has_labels) {
    counts.labels = counts.targets = load_labels(labels_slot, row_weights_slot);
    if (!job.weights.empty()) {
      job.rows->take(job.weights.data(), counts.labels, w.row(label_weight_slot), w.rows.padded);
      counts.label_weight = w.row(label_weight_slot);
    }
  }
  // A row of weight 0 has no part in the loss. What is given beside it knows its target all the same.
  if (job.has_labels && job.sample_weight.base != nullptr && w.pass.outputs && job.has_extras) {
    load_mask(spare_slot);
    counts.targets = load_labels(targets_slot, spare_slot);
  }
  if (job.weights_multiply == weighting::rows) counts.row_weight = counts.label_weight;
  if (job.evaluation == strategy::lists) counts.lists = load_lists(w, w.row(row_weights_slot));
  return counts;
}

row_factors make_factors(const row_workspace& w, const row_counts& counts) {
  const row_job& job = w.job;
  row_factors factors;
  factors.upstream = w.row(upstream_slot);
  if (w.pass.d_sum == 0.0) w.fill(upstream_slot, 0.0);
  else w.scale(upstream_slot, w.pass.d_sum, counts.weights);
  if (job.grad_output.base != nullptr) {
    w.memory.load_rows(job.grad_output, w.row(spare_slot), 0.0);
    w.multiply(upstream_slot, factors.upstream, w.row(spare_slot));
  }
  if (job.has_label_term) {
    factors.label_term = w.row(label_term_factor_slot);
    w.scale(label_term_factor_slot, 1.0 - job.mix_weight, factors.upstream);
    if (counts.row_weight != nullptr) w.multiply(label_term_factor_slot, factors.label_term, counts.row_weight);
  }
  const bool smoothed = job.evaluation == strategy::smoothed_label;
  const void* const weight = smoothed ? counts.label_weight : counts.row_weight;
  factors.formula = factors.upstream;
  if (weight != nullptr) {
    w.multiply(formula_factor_slot, factors.upstream, weight);
    factors.formula = w.row(formula_factor_slot);
  }
  const double coef = job.of_classes() ? class_coef(w) * job.mix_weight : smoothed ? 1.0 - job.traits.label_smoothing : 1.0;
  if (coef == 1.0) return factors;
  w.scale(formula_factor_slot, coef, factors.formula);
  factors.formula = w.row(formula_factor_slot);
  return factors;
}

row_scores load_scores(const row_workspace& w, const row_counts& counts) {
  const row_job& job = w.job;
  row_scores s;
  s.raw = s.scores = w.memory.load(job.input, w.tile_memory(scores_slot));
  if (!job.traits.transforms) return s;
  s.raw = w.whole_packs(s.raw, scores_slot);
  s.operands[0] = s.raw.data;
  if (!job.logit_argument.empty()) {
    const row_tile argument = w.tile_at(logit_argument_slot);
    job.arranged->broadcast(w.extent(), job.logit_argument.data(), argument);
    w.fill_padding(argument);
    s.operands[1] = argument.data;
    s.operands[2] = w.tile_of_labels(is_target_slot, counts.targets, 1.0, 0.0).data;
  }
  s.scores = w.tile_at(logit_slot);
  w.run_on_tile(job.row_formulas->logit, s.operands, s.scores.data, nullptr);
  return s;
}

}  // namespace fastloss

// What is subtracted from the scores of each row: the logarithm of the sum of their exponentials, one of them, or nothing.
#include <cmath>

#include "engine/rows/segments.hpp"
#include "engine/rowwise/passes.hpp"

namespace fastloss {

row_shifts take_shift(const row_workspace& w, const row_counts& counts, row_scores& scores) {
  const row_job& job = w.job;
  const row_operations_of_arrangement& rows = *job.arranged;
  const row_tile exps = w.tile_at(exps_slot);
  row_shifts s;
  s.exps = exps;
  s.maximum = w.row(maximum_slot);
  s.tail = w.row(tail_slot);
  s.label_score = w.row(label_score_slot);
  s.log_sum = w.row(log_sum_slot);
  const auto no_log_sum = [&] { w.fill(log_sum_slot, 0.0); };
  shift_pass p{};
  p.extent = w.extent();
  p.scores = scores.scores;
  p.exps = {w.pass.outputs ? exps.data : nullptr, exps.stride};
  p.labels = counts.labels;
  p.maximum = w.row(maximum_slot);
  p.tail = w.row(tail_slot);
  p.label_score = w.row(label_score_slot);
  p.ahead = w.memory.ahead(job.input, scores.scores);
  if (w.memory.row_contiguous() && p.ahead != 0) p.copy = job.of_classes() ? w.tile_at(scores_slot) : exps;
  const bool smoothed = job.evaluation == strategy::smoothed_label;
  if (smoothed) s.weighted = w.row(weighted_slot);
  if (job.classes == 0) {
    rows.largest(p.extent, p.scores, counts.labels, p.maximum, w.row(index_slot));  // no class
    s.index = w.row(index_slot);
    for (const row_slot slot : {maximum_slot, tail_slot, label_score_slot, weighted_slot}) w.fill(slot, -HUGE_VAL);
    no_log_sum();
  } else if (job.evaluation == strategy::lists) {  // which has several shifts
    w.fill(maximum_slot, 0.0);
    no_log_sum();
  } else {
    switch (job.loss->shift) {
      case row_shift::log_sum_exp:
        if (smoothed) {
          p.weights = job.weight_data();
          p.weighted = w.row(weighted_slot);
        }
        take_softmax(w, p, w.row(log_sum_slot));
        if (job.of_classes() && p.copy.data != nullptr) scores.scores = p.copy;
        break;
      case row_shift::sparsemax:
        p.exps = exps;
        p.shift = w.row(log_sum_slot);
        rows.sparsemax(p);
        break;
      case row_shift::runner_up:
        rows.largest(p.extent, p.scores, counts.labels, p.maximum, w.row(index_slot));
        s.index = w.row(index_slot);
        no_log_sum();
        break;
      case row_shift::label_score:
        no_log_sum();
        rows.gather(p.extent, p.scores, counts.labels, p.maximum);
        break;
      default:
        no_log_sum();
        w.fill(maximum_slot, 0.0);
    }
  }
  if (!job.has_probabilities() && !job.of_classes() && job.evaluation != strategy::shift_term) {
    rows.gather(p.extent, p.scores, counts.labels, p.label_score);
    w.axpby(label_score_slot, 1.0, s.label_score, -1.0, s.maximum);
  }
  return s;
}

void take_softmax(const row_workspace& w, const shift_pass& p, void* log_sum) {
  if (w.job.cut_threads > 0) softmax_in_segments(*w.job.arranged, p, w.job.item, w.job.cut_threads);
  else w.job.arranged->softmax(p);
  w.job.rows->log1p(p.tail, log_sum, w.rows.padded);
}

void take_gradient(const row_workspace& w, const gradient_pass& p) {
  if (w.job.cut_threads > 0) gradient_in_segments(*w.job.arranged, p, w.job.item, w.job.cut_threads);
  else w.job.arranged->gradient(p);
}

const void* add_up_shift(const row_workspace& w, const row_scores& scores, const row_shifts& s, row_slot to) {
  w.axpby(to, 1.0, s.maximum, 1.0, s.log_sum);
  if (w.job.loss->shift != row_shift::log_sum_exp || !w.job.tiles->nonfinite(s.maximum, w.rows.count)) return w.row(to);
  // No class has a probability where the largest score is infinite, but the sum of the exponentials is infinite too, or 0.
  w.job.arranged->largest(w.extent(), scores.scores, nullptr, w.row(other_slot), w.row(spare_index_slot));
  for (std::size_t i = 0; i < w.rows.count; ++i)
    if (const double most = w.number(w.row(other_slot), i); std::isinf(most)) w.set_number(w.row(to), i, most);
  return w.row(to);
}

shift_term evaluate_shift_term(const row_workspace& w, const row_scores& scores, const row_shifts& s) {
  if (!w.job.traits.regularises) return {};
  w.run_on_rows(w.job.row_formulas->shift_term, add_up_shift(w, scores, s, spare_slot), w.row(shift_term_slot), w.row(d1_shift_term_slot));
  return {w.row(shift_term_slot), w.row(d1_shift_term_slot)};
}

}  // namespace fastloss

// One tile of rows on one thread: all passes in their order.
#include "engine/rowwise/passes.hpp"

namespace fastloss {
namespace {

// The loss of each row with its weights.
void make_values(const row_workspace& w, const forward_results& f) {
  const void* loss = f.formula.loss;
  if (f.counts.row_weight != nullptr) {
    w.multiply(value_slot, f.counts.row_weight, loss);
    loss = w.row(value_slot);
  }
  if (f.shift.value != nullptr) {
    w.axpby(value_slot, 1.0, loss, 1.0, f.shift.value);
    loss = w.row(value_slot);
  }
  w.multiply(value_slot, f.counts.weights, loss);
  w.scale(value_slot, 1.0, w.row(value_slot));  // a loss of zero is +0
}

// Their sum, weighted in double: the loss of a row may be too large or too small for float32 only because of its weights.
double sum_values(const row_workspace& w, const forward_results& f) {
  const auto weighted_sum = w.job.rows->weighted_sum;
  const double sum = weighted_sum(f.counts.weights, f.counts.row_weight, f.formula.loss, w.rows.padded);
  return f.shift.value == nullptr ? sum : sum + weighted_sum(f.counts.weights, nullptr, f.shift.value, w.rows.padded);
}

// An output may lie where an operand does: all are computed before the first is stored, but for what is written in place, which is
// computed last.
void make_outputs(const row_workspace& w, const forward_results& f) {
  const row_job& job = w.job;
  if (job.lse.base != nullptr) w.memory.store_rows(add_up_shift(w, f.scores, f.shifts, spare_slot), job.lse);
  add_weight_gradients(w, f);
  const row_gradient *of_input = nullptr, *of_distribution = nullptr;
  for (const row_gradient& g : job.gradients) {
    if (g.of == row_gradient::kind::input) of_input = &g;
    if (g.of == row_gradient::kind::target) of_distribution = &g;
  }
  row_tile distribution_gradient{}, hess{};
  if (of_distribution != nullptr) distribution_gradient = differentiate_in_distribution(w, f, of_distribution->to);
  if (job.hessian) hess = make_hess(w, f);
  if (of_input != nullptr) w.store(of_input->to, differentiate_in_input(w, f, of_input->to));
  else if (w.wants(row_gradient::kind::logit_argument)) differentiate_in_input(w, f, {});
  if (of_distribution != nullptr) w.store(of_distribution->to, distribution_gradient);
  if (job.hessian) w.store(job.hessian_to, hess);
}

double run_passes(const row_workspace& w) {
  const row_job& job = w.job;
  const row_counts counts = load_rows(w);
  const row_factors factors = w.pass.outputs ? make_factors(w, counts) : row_factors{};
  row_scores scores = load_scores(w, counts);
  const row_shifts shifts = take_shift(w, counts, scores);
  const formula_results formula = evaluate_formula(w, counts, factors, scores, shifts);
  const label_term label = job.has_label_term ? evaluate_label_term(w, counts, scores, shifts, formula) : label_term{};
  const shift_term shift = evaluate_shift_term(w, scores, shifts);
  const forward_results f{counts, factors, scores, shifts, formula, label, shift};
  const bool stores = w.pass.value && job.value.base != nullptr;
  if (stores) make_values(w, f);
  const double sum = w.pass.value && !stores ? sum_values(w, f) : 0.0;
  if (w.pass.outputs) {
    make_outputs(w, f);
    make_extras(w, f);
  }
  if (stores) {
    w.check(w.row(value_slot));
    w.memory.store_rows(w.row(value_slot), job.value);
  }
  return sum;
}

}  // namespace

double run_row_tile(const row_job& job, const row_pass& pass, std::size_t t, double* const* class_sums, row_findings& findings) {
  const std::size_t run = t / job.tiles_per_run, within = t % job.tiles_per_run * job.tile_rows;
  const std::size_t left = job.run_rows - within, count = left < job.tile_rows ? left : job.tile_rows;
  const std::size_t lanes = row_workspace::line / job.item, padded = (count + lanes - 1) / lanes * lanes;
  return run_passes(row_workspace(job, pass, {run * job.run_rows + within, count, padded}, class_sums, findings));
}

}  // namespace fastloss

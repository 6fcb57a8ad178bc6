// Second derivatives of a tile of rows in the scores.
#include "engine/rowwise/passes.hpp"

namespace fastloss {
namespace {

// The vector without a derivative of the logit, which multiplies the second derivative of the label's own term, and with it.
struct hess_vectors {
  row_tile raw{}, in_logits{};
};

hess_vectors load_vector(const row_workspace& w, const forward_results& f) {
  const row_job& job = w.job;
  hess_vectors v;
  if (job.vector.base == nullptr) return v;
  v.raw = v.in_logits = w.memory.load(job.vector, w.tile_memory(vector_slot));
  if (!job.traits.transforms) return v;
  const row_tile own = w.tile_at(vector_slot);
  if (v.raw.data != own.data) v.raw = w.copy(v.raw, own);  // always its own: the gradient in the logits multiplies it at the end
  w.fill_padding(v.raw);
  v.in_logits = w.tile_at(direction_slot);
  w.run_on_tile(job.row_formulas->d_logit, f.scores.operands, nullptr, v.in_logits.data);
  w.multiply_tiles(v.in_logits.data, v.raw.data, v.in_logits.data);
  return v;
}

row_tile d2_of_classes(const row_workspace& w, const forward_results& f) {
  const class_operands c = w.job.of_classes() ? f.formula.classes : lay_out_classes(w, f.counts, f.scores, f.shifts);
  const void* const operands[3] = {c.u.data, c.target.data, nullptr};
  const row_tile d2 = w.tile_at(d2_of_classes_slot);
  w.run_on_tile(w.job.class_kernels->hessian, operands, nullptr, d2.data);
  if (w.job.weights_multiply == weighting::terms) w.job.arranged->scale(w.extent(), d2, w.job.weight_data());
  return d2;
}

// Of the label's alone, with its factor.
const void* d2_of_label(const row_workspace& w, const forward_results& f) {
  w.run_on_rows(w.job.label_kernels->hessian, f.formula.u, nullptr, nullptr, w.row(label_d2_slot));
  w.multiply(label_d2_slot, f.factors.formula, w.row(label_d2_slot));
  return w.row(label_d2_slot);
}

void hess_of_probabilities(const row_workspace& w, const forward_results& f, row_tile vector, row_tile out) {
  const row_job& job = w.job;
  gradient_pass gradient{};
  job.of_classes() ? coefficients_of_classes(w, f, gradient) : coefficients_of_label(w, f, gradient);
  hess_pass p{};
  p.extent = w.extent();
  p.exps = f.shifts.exps;
  p.vector = vector;
  p.supports = job.loss->shift == row_shift::sparsemax;
  p.tail = f.shifts.tail;
  p.coef_exp = gradient.coef_exp;
  p.coef_d2 = f.factors.formula;
  p.out = out;
  p.streams = w.memory.streams(job.hessian_to);
  p.coef_square = w.row(coef_square_slot);
  if (f.shift.d1 == nullptr) {
    w.fill(coef_square_slot, 0.0);
  } else {
    w.run_on_rows(job.row_formulas->d2_shift_term, add_up_shift(w, f.scores, f.shifts, spare_slot), nullptr, nullptr,
                  w.row(coef_square_slot));
    w.multiply(coef_square_slot, f.factors.upstream, w.row(coef_square_slot));
  }
  if (job.has_d2()) {
    if (job.of_classes() || p.supports) {
      p.d2 = d2_of_classes(w, f);
    } else {
      p.labels = f.counts.labels;
      p.label_d2 = d2_of_label(w, f);
      job.arranged->gather(p.extent, p.exps, p.labels, w.row(spare_slot));
      p.label_exp = w.row(spare_slot);
      if (vector.data != nullptr) job.arranged->gather(p.extent, vector, p.labels, w.row(other_slot));
      p.label_vector = w.row(other_slot);
    }
  }
  job.arranged->hess(p);
}

void gather_or_zero(const row_workspace& w, row_tile from, const void* classes, row_slot to) {
  if (classes == nullptr) w.fill(to, 0.0);
  else w.job.arranged->gather(w.extent(), from, classes, w.row(to));
}

// The shift is the score of one class of the row, the base, or 0: it has no second derivative, and its first is 1 at that class.
// With the differences of the vector to its entry there, each class has its own product, and the base less the sum of all. `d2`
// are used up, and the spare tile is clobbered.
void hess_from_base(const row_workspace& w, const void* base, const void* factor, row_tile d2, row_tile vector, row_tile out) {
  const row_operations_of_arrangement& rows = *w.job.arranged;
  gradient_pass p{};
  p.extent = w.extent();
  p.d1 = d2;
  p.coef_d1 = factor;
  p.out = out;
  if (vector.data != nullptr) {
    gather_or_zero(w, vector, base, other_slot);
    const row_tile away = w.tile_at(spare_tile_slot);
    rows.subtract(p.extent, vector, w.row(other_slot), nullptr, away);
    w.fill_padding(away);
    w.fill_padding(d2);
    w.multiply_tiles(d2.data, d2.data, away.data);
  }
  if (base != nullptr) {
    w.fill(spare_slot, 0.0);
    rows.scatter(p.extent, base, w.row(spare_slot), d2);
    rows.sum(p.extent, d2, w.row(other_slot));
    w.multiply(other_slot, factor, w.row(other_slot));
    if (vector.data != nullptr) w.scale(other_slot, -1.0, w.row(other_slot));
    p.labels = base;
    p.at_label = w.row(other_slot);
  }
  rows.gradient(p);
}

void hess_of_formula(const row_workspace& w, const forward_results& f, row_tile vector, row_tile out) {
  const row_job& job = w.job;
  const row_shift shift = job.loss->shift;
  const void* const base = shift == row_shift::label_score ? f.counts.labels : shift == row_shift::runner_up ? f.shifts.index : nullptr;
  if (job.has_d2() && job.of_classes()) return hess_from_base(w, base, f.factors.formula, d2_of_classes(w, f), vector, out);
  gradient_pass p{};
  p.extent = w.extent();
  p.out = out;
  if (job.has_d2()) {
    p.labels = f.counts.labels;
    p.at_label = d2_of_label(w, f);
    if (vector.data != nullptr) {
      gather_or_zero(w, vector, p.labels, other_slot);
      gather_or_zero(w, vector, base, spare_slot);
      w.axpby(other_slot, 1.0, w.row(other_slot), -1.0, w.row(spare_slot));
      w.multiply(label_d2_slot, p.at_label, w.row(other_slot));
    }
  }
  job.arranged->gradient(p);
  if (!job.has_d2() || base == nullptr) return;
  w.scale(other_slot, vector.data == nullptr ? 1.0 : -1.0, p.at_label);
  job.arranged->scatter(p.extent, base, w.row(other_slot), out);
}

// The sum over the listed classes of what each of them gives as the base of its row.
void hess_of_lists(const row_workspace& w, const forward_results& f, row_tile vector, row_tile out) {
  const row_job& job = w.job;
  const row_lists& lists = f.counts.lists;
  const row_tile u = w.tile_at(listed_u_slot), d2 = w.tile_at(d2_of_classes_slot), part = w.tile_at(result_slot);
  const row_tile others = is_not_listed(w, lists, w.tile_at(not_listed_slot));
  const void* const operands[3] = {u.data, others.data, nullptr};
  void *const listed = w.row(listed_slot), *const factor = w.row(listed_factor_slot);
  w.fill_tile(out, 0.0);
  for (std::size_t k = 0; k < longest_list(w, lists); ++k) {
    for (std::size_t i = 0; i < w.rows.padded; ++i) w.set_label(listed, i, k < lists.length(w, i) ? lists.listed(w, i, k) : -1);
    w.scale(listed_factor_slot, 1.0, f.factors.formula);
    job.rows->leave_out(listed, factor, w.rows.padded, w.rows.padded);
    job.arranged->gather(w.extent(), f.scores.scores, listed, w.row(listed_score_slot));
    job.arranged->subtract(w.extent(), f.scores.scores, w.row(listed_score_slot), nullptr, u);
    w.fill_padding(u);
    w.run_on_tile(job.class_kernels->hessian, operands, nullptr, d2.data);
    w.multiply_tiles(d2.data, others.data, d2.data);  // nothing where nothing is formed
    hess_from_base(w, listed, factor, d2, vector, part);
    w.fill_padding(part);
    w.axpby_tiles(out.data, 1.0, out.data, 1.0, part.data);
  }
}

// With J the derivatives of the logits and g the gradient in them: J H J v + J' g v, or the diagonal of that. H J v stands in
// `hess`; the spare tile is clobbered.
void hess_through_logit(const row_workspace& w, const forward_results& f, const hess_vectors& v, row_tile hess) {
  gradient_pass in_logits{};
  in_logits.out = w.tile_at(result_slot);
  differentiate_in_logits(w, f, in_logits);
  w.fill_padding(hess);
  w.fill_padding(in_logits.out);
  void* const d = w.tile_memory(spare_tile_slot);
  const bool of_vector = v.raw.data != nullptr;
  w.run_on_tile(w.job.row_formulas->d_logit, f.scores.operands, nullptr, d);
  w.multiply_tiles(hess.data, hess.data, d);
  if (!of_vector) w.multiply_tiles(hess.data, hess.data, d);
  w.run_on_tile(w.job.row_formulas->d2_logit, f.scores.operands, nullptr, d);
  w.multiply_tiles(d, in_logits.out.data, d);
  if (of_vector) w.multiply_tiles(d, d, v.raw.data);
  w.axpby_tiles(hess.data, 1.0, hess.data, 1.0, d);
}

}  // namespace

row_tile make_hess(const row_workspace& w, const forward_results& f) {
  const row_job& job = w.job;
  const hess_vectors v = load_vector(w, f);
  const row_tile out = w.memory.destination(job.hessian_to, w.tile_memory(hess_slot));
  if (job.evaluation == strategy::lists) hess_of_lists(w, f, v.in_logits, out);
  else if (job.has_probabilities()) hess_of_probabilities(w, f, v.in_logits, out);
  else hess_of_formula(w, f, v.in_logits, out);
  if (job.traits.transforms) hess_through_logit(w, f, v, out);
  if (job.has_label_term) add_label_hess(w, f, v.raw, out);
  return out;
}

}  // namespace fastloss

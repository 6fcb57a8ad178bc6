// Second derivatives of a tile of rows in the scores.
#include "engine/rowwise/tile.hpp"

namespace fastloss {

row_tile tile_runner::make_hess() {
  row_tile vector{};
  if (job_.vector.base != nullptr) {
    vector = vector_ = memory_.load(job_.vector, tile(vector_slot));
    if (job_.traits.transforms) {
      if (vector.data != tile(vector_slot)) vector = vector_ = copy(vector, tile(vector_slot));
      fill_padding(vector);
      run_kernel(job_.row_formulas->d_logit, logit_operands_, nullptr, tile(hess_slot));
      job_.tiles->multiply(tile(direction_slot), vector.data, tile(hess_slot), padded_elements_);
      vector = memory_.tile_at(tile(direction_slot));
    }
  }
  const row_tile out = memory_.destination(job_.hessian_to, tile(hess_slot));
  if (job_.by == strategy::lists) hess_of_lists(vector, out);
  else if (has_probabilities()) hess_of_probabilities(vector, out);
  else hess_of_formula(vector, out);
  if (job_.traits.transforms) hess_through_logit(out);
  if (job_.has_label_term) add_label_hess(out);
  return out;
}

row_tile tile_runner::d2_of_classes() {
  if (!job_.of_classes()) lay_out_classes();
  const row_tile d2 = memory_.tile_at(tile(d2_slot));
  run_kernel(job_.class_kernels->hessian, class_operands_, nullptr, d2.data);
  if (job_.weights_multiply == weighting::terms) job_.arranged->scale(memory_.extent(), d2, job_.weight_data());
  return d2;
}

void* tile_runner::d2_of_label() const {
  struct tile t{};
  job_.tiles->axpby(row(spare_slot), 1.0, row(picked_slot), -1.0, row(log_sum_slot), rows_.padded);
  t.operand[0] = row(spare_slot);
  t.count = rows_.padded;
  t.hessian = row(label_d2_slot);
  job_.label_kernels->hessian(job_.options, t);
  job_.tiles->multiply(t.hessian, factor_, t.hessian, rows_.padded);
  return t.hessian;
}

void tile_runner::hess_of_probabilities(row_tile vector, row_tile out) {
  gradient_pass gradient{};
  job_.of_classes() ? collect_classes(gradient, factor_) : collect_label(gradient);
  hess_pass p{};
  p.extent = memory_.extent();
  p.exps = exps_;
  p.vector = vector;
  p.supports = job_.loss->shift == row_shift::sparsemax;
  p.tail = row(tail_slot);
  p.coef_exp = gradient.coef_exp;
  p.coef_d2 = factor_;
  p.out = out;
  p.streams = memory_.streams(job_.hessian_to);
  p.coef_square = row(square_slot);
  if (d_shift_term_ == nullptr) {
    job_.tiles->fill(row(square_slot), 0.0, rows_.padded);
  } else {
    struct tile t{};
    t.operand[0] = make_shift(spare_slot);
    t.count = rows_.padded;
    t.hessian = row(square_slot);
    job_.row_formulas->d2_shift_term(job_.options, t);
    job_.tiles->multiply(row(square_slot), upstream_, row(square_slot), rows_.padded);
  }
  if (job_.has_d2()) {
    if (job_.of_classes() || p.supports) {
      p.d2 = d2_of_classes();
    } else {
      p.labels = labels_;
      p.label_d2 = d2_of_label();
      job_.arranged->gather(p.extent, exps_, labels_, row(spare_slot));
      p.label_exp = row(spare_slot);
      if (vector.data != nullptr) job_.arranged->gather(p.extent, vector, labels_, row(other_slot));
      p.label_vector = row(other_slot);
    }
  }
  job_.arranged->hess(p);
}

// The reference is the score of one class of the row, the base, or 0: it has no second derivative, and its first is 1 at that class.
// With the differences of the vector to its entry there, each class has its own product, and the base less the sum of all. `d2`
// are used up.
void tile_runner::hess_from_base(const void* base, const void* factor, row_tile d2, row_tile vector, row_tile out) {
  const row_extent extent = memory_.extent();
  gradient_pass p{};
  p.extent = extent;
  p.slopes = d2;
  p.coef_d1 = factor;
  p.out = out;
  if (vector.data != nullptr) {
    gather_or_zero(vector, base, other_slot);
    const row_tile away = memory_.tile_at(tile(value_tile_slot));
    job_.arranged->subtract(extent, vector, row(other_slot), nullptr, away);
    fill_padding(away);
    fill_padding(d2);
    job_.tiles->multiply(d2.data, d2.data, away.data, padded_elements_);
  }
  if (base != nullptr) {
    job_.tiles->fill(row(spare_slot), 0.0, rows_.padded);
    job_.arranged->scatter(extent, base, row(spare_slot), d2);
    job_.arranged->sum(extent, d2, row(other_slot));
    job_.tiles->multiply(row(other_slot), factor, row(other_slot), rows_.padded);
    if (vector.data != nullptr) job_.tiles->axpby(row(other_slot), -1.0, row(other_slot), 0.0, nullptr, rows_.padded);
    p.labels = base;
    p.at_label = row(other_slot);
  }
  job_.arranged->gradient(p);
}

void tile_runner::gather_or_zero(row_tile from, const void* classes, row_slot to) const {
  if (classes == nullptr) job_.tiles->fill(row(to), 0.0, rows_.padded);
  else job_.arranged->gather(memory_.extent(), from, classes, row(to));
}

void tile_runner::hess_of_formula(row_tile vector, row_tile out) {
  const row_shift reference = job_.loss->shift;
  const void* const base = reference == row_shift::picked ? labels_ : reference == row_shift::runner_up ? row(index_slot) : nullptr;
  if (job_.has_d2() && job_.of_classes()) return hess_from_base(base, factor_, d2_of_classes(), vector, out);
  gradient_pass p{};
  p.extent = memory_.extent();
  p.out = out;
  if (job_.has_d2()) {
    p.labels = labels_;
    p.at_label = d2_of_label();
    if (vector.data != nullptr) {
      gather_or_zero(vector, labels_, other_slot);
      gather_or_zero(vector, base, spare_slot);
      job_.tiles->axpby(row(other_slot), 1.0, row(other_slot), -1.0, row(spare_slot), rows_.padded);
      job_.tiles->multiply(row(label_d2_slot), p.at_label, row(other_slot), rows_.padded);
    }
  }
  job_.arranged->gradient(p);
  if (!job_.has_d2() || base == nullptr) return;
  job_.tiles->axpby(row(other_slot), vector.data == nullptr ? 1.0 : -1.0, p.at_label, 0.0, nullptr, rows_.padded);
  job_.arranged->scatter(memory_.extent(), base, row(other_slot), out);
}

// The sum over the listed classes of what each of them gives as the reference of its row.
void tile_runner::hess_of_lists(row_tile vector, row_tile out) {
  const row_tile u = memory_.tile_at(tile(u_tile_slot)), d2 = memory_.tile_at(tile(d2_slot));
  const row_tile part = memory_.tile_at(tile(result_slot));
  void *const labels = row(labels_slot), *const reference = row(maximum_slot), *const factor = row(slope_slot);
  job_.tiles->fill(out.data, 0.0, padded_elements_);
  job_.tiles->fill(row(slope_sum_slot), 0.0, rows_.padded);
  class_operands_[0] = u.data;
  class_operands_[1] = shares_of_lists().data;
  for (std::size_t k = 0; k < longest_list(); ++k) {
    label_lists(k, labels);
    job_.tiles->axpby(factor, 1.0, factor_, 0.0, nullptr, rows_.padded);
    job_.rows->leave_out(labels, factor, rows_.padded, rows_.padded);
    job_.arranged->gather(memory_.extent(), scores_, labels, reference);
    job_.arranged->subtract(memory_.extent(), scores_, reference, nullptr, u);
    fill_padding(u);
    run_kernel(job_.class_kernels->hessian, class_operands_, nullptr, d2.data);
    job_.tiles->multiply(d2.data, class_operands_[1], d2.data, padded_elements_);  // nothing where nothing is formed
    hess_from_base(labels, factor, d2, vector, part);
    fill_padding(part);
    job_.tiles->axpby(out.data, 1.0, out.data, 1.0, part.data, padded_elements_);
  }
}

// With J the slopes of the logits and g the gradient in them: J H J v + J' g v, or the diagonal of that.
void tile_runner::hess_through_logit(row_tile hess) {
  gradient_pass in_logits{};
  in_logits.out = memory_.tile_at(tile(result_slot));
  differentiate_in_logits(in_logits);
  fill_padding(hess);
  fill_padding(in_logits.out);
  void* const slopes = tile(u_tile_slot);
  run_kernel(job_.row_formulas->d_logit, logit_operands_, nullptr, slopes);
  job_.tiles->multiply(hess.data, hess.data, slopes, padded_elements_);
  if (job_.vector.base == nullptr) job_.tiles->multiply(hess.data, hess.data, slopes, padded_elements_);
  run_kernel(job_.row_formulas->d2_logit, logit_operands_, nullptr, slopes);
  job_.tiles->multiply(slopes, in_logits.out.data, slopes, padded_elements_);
  if (job_.vector.base != nullptr) job_.tiles->multiply(slopes, slopes, tile(vector_slot), padded_elements_);
  job_.tiles->axpby(hess.data, 1.0, hess.data, 1.0, slopes, padded_elements_);
}

}  // namespace fastloss

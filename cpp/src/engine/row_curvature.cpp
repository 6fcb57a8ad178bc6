// Second derivatives of a tile of rows in the scores.
#include "engine/row_tile.hpp"

namespace fastloss {

row_tile tile_runner::make_curvature() {
  if (job_.has_lists) return curvature_of_lists();
  if (!job_.dense || slopes_are_targets_) {  // the gradient came from the target's class alone, or from products
    lay_out_classes();
    slopes_are_targets_ = false;
    run_kernel(job_.dense_kernels->value_and_gradient, dense_operands_, values_.data, slopes_.data);
    sum_slopes();
  }
  curvature_pass p = start_curvature();
  run_kernel(job_.dense_kernels->hessian, dense_operands_, nullptr, p.bends.data);
  if (!job_.weights.empty() && !job_.row_weighted) job_.arranged->weigh(memory_.extent(), p.bends, job_.weight_data());
  p.labels = labels_;
  p.out = memory_.tile_at(tile(curvature_slot));
  job_.arranged->curvature(p);
  const row_tile curvature = job_.traits.transforms ? curvature_through_logit(p.out) : p.out;
  if (has_label_term()) add_label_curvature(curvature);
  return curvature;
}

// All but the second derivatives of the formula, the target's class and where the result goes.
curvature_pass tile_runner::start_curvature() {
  void* const factor = row(curvature_factor_slot);
  job_.tiles->combine(factor, class_share() * job_.distribution_share, upstream_, 0.0, nullptr, rows_.padded);
  if (row_weight_ != nullptr) job_.tiles->multiply(factor, factor, row_weight_, rows_.padded);
  curvature_pass p{};
  p.extent = memory_.extent();
  p.reference = job_.loss->reference;
  p.bends = memory_.tile_at(tile(bend_slot));
  p.exps = exps_;
  p.runner_up = row(index_slot);
  p.tail = row(tail_slot);
  p.slope_sum = row(slope_sum_slot);
  p.factor = factor;
  p.row_factor = upstream_;
  if (reference_slope_ != nullptr) {
    struct tile t{};
    job_.tiles->combine(row(spare_slot), 1.0, row(maximum_slot), 1.0, row(log_sum_slot), rows_.padded);
    t.operand[0] = row(spare_slot);
    t.count = rows_.padded;
    t.hessian = row(other_slot);
    job_.row_formulas->reference_curvature(job_.options, t);
    p.term_slope = reference_slope_;
    p.term_bend = row(other_slot);
  }
  if (job_.vector.base != nullptr) {
    p.vector = vector_ = memory_.load(job_.vector, tile(vector_slot));
    if (job_.traits.transforms) {
      if (p.vector.data != tile(vector_slot)) p.vector = copy(p.vector, tile(vector_slot));
      fill_padding(p.vector);
      vector_ = p.vector;
      run_kernel(job_.row_formulas->logit_slope, logit_operands_, nullptr, tile(curvature_slot));
      job_.tiles->multiply(tile(direction_slot), p.vector.data, tile(curvature_slot), padded_elements_);
      p.vector = memory_.tile_at(tile(direction_slot));
    }
  }
  return p;
}

// The sum over the listed classes of what each of them gives as the reference of its row.
row_tile tile_runner::curvature_of_lists() {
  curvature_pass p = start_curvature();
  const row_tile sum = memory_.tile_at(tile(curvature_slot)), u = memory_.tile_at(tile(u_tile_slot));
  void *const labels = row(labels_slot), *const reference = row(maximum_slot), *const factor = row(slope_slot);
  job_.tiles->fill(sum.data, 0.0, padded_elements_);
  job_.tiles->fill(row(slope_sum_slot), 0.0, rows_.padded);
  dense_operands_[0] = u.data;
  dense_operands_[1] = shares_of_lists().data;
  p.labels = labels;
  p.factor = factor;
  p.out = memory_.tile_at(tile(result_slot));
  for (std::size_t k = 0; k < longest_list(); ++k) {
    label_lists(k, labels);
    job_.tiles->combine(factor, 1.0, row(curvature_factor_slot), 0.0, nullptr, rows_.padded);
    job_.rows->leave_out(labels, factor, rows_.padded, rows_.padded);
    job_.arranged->pick(memory_.extent(), scores_, labels, reference);
    job_.arranged->subtract(memory_.extent(), scores_, reference, nullptr, u);
    fill_padding(u);
    run_kernel(job_.dense_kernels->hessian, dense_operands_, nullptr, p.bends.data);
    job_.tiles->multiply(p.bends.data, dense_operands_[1], p.bends.data, padded_elements_);  // nothing where nothing is formed
    job_.arranged->curvature(p);
    fill_padding(p.out);
    job_.tiles->combine(sum.data, 1.0, sum.data, 1.0, p.out.data, padded_elements_);
  }
  return job_.traits.transforms ? curvature_through_logit(sum) : sum;
}

// With J the slopes of the logits and g the gradient in them: J H J v + J' g v, or the diagonal of that.
row_tile tile_runner::curvature_through_logit(row_tile curvature) {
  gradient_pass in_logits{};
  in_logits.extent = memory_.extent();
  in_logits.labels = labels_;
  in_logits.out = memory_.tile_at(tile(result_slot));
  collect_classes(in_logits, row(curvature_factor_slot));
  if (in_logits.at_label == nullptr) in_logits.labels = nullptr;
  job_.arranged->gradient(in_logits);
  fill_padding(curvature);
  fill_padding(in_logits.out);
  void* const slopes = tile(u_tile_slot);
  run_kernel(job_.row_formulas->logit_slope, logit_operands_, nullptr, slopes);
  job_.tiles->multiply(curvature.data, curvature.data, slopes, padded_elements_);
  if (job_.vector.base == nullptr) job_.tiles->multiply(curvature.data, curvature.data, slopes, padded_elements_);
  run_kernel(job_.row_formulas->logit_curvature, logit_operands_, nullptr, slopes);
  job_.tiles->multiply(slopes, in_logits.out.data, slopes, padded_elements_);
  if (job_.vector.base != nullptr) job_.tiles->multiply(slopes, slopes, tile(vector_slot), padded_elements_);
  job_.tiles->combine(curvature.data, 1.0, curvature.data, 1.0, slopes, padded_elements_);
  return curvature;
}

}  // namespace fastloss

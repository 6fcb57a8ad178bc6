// The first half of a tile of rows: what counts, the scores, the reference of each row, and the formula.
#include <cmath>

#include "engine/memory/scratch.hpp"
#include "engine/rows/segments.hpp"
#include "engine/rowwise/tile.hpp"

namespace fastloss {
namespace {

thread_local row_scratch thread_scratch;

}  // namespace

double tile_runner::run() {
  scratch_ = thread_scratch.at_least(row_slot_total * row_bytes_ + static_cast<std::size_t>(tile_total()) * tile_bytes_);
  load_rows();
  if (pass_.outputs) make_factors();
  load_scores();
  refer();
  switch (job_.by) {
    case strategy::lists:
      evaluate_lists();
      break;
    case strategy::products:
      evaluate_products();
      break;
    case strategy::classes:
      evaluate_classes();
      break;
    default:
      evaluate_label();
  }
  if (job_.has_label_term) add_label_term();
  add_shift_term();
  const bool stores = pass_.value && job_.value.base != nullptr;
  if (stores) make_values();
  const double sum = pass_.value && !stores ? sum_values() : 0.0;
  if (pass_.outputs) {
    make_outputs();
    make_extras();
  }
  if (stores) {
    check(row(value_slot), rows_.count);
    memory_.store_rows(row(value_slot), job_.value);
  }
  thread_scratch.trim();
  return sum;
}

void tile_runner::load_rows() {
  const auto load_mask = [&](void* counts) {
    if (job_.where.base == nullptr) job_.tiles->fill(counts, 1.0, rows_.padded);
    else memory_.load_rows(job_.where, counts, 0.0);
  };
  const auto load_labels = [&](void* labels, void* counts) {
    job_.rows->load_labels[static_cast<int>(job_.labels.type)][job_.labels.byteswapped](
        labels, job_.labels.base, memory_.row_run(job_.labels), static_cast<std::int64_t>(job_.classes), job_.ignore_index);
    job_.rows->leave_out(labels, counts, rows_.count, rows_.padded);
  };
  row_weights_ = row(row_weights_slot);
  load_mask(row_weights_);
  if (job_.sample_weight.base != nullptr) {
    memory_.load_rows(job_.sample_weight, row(spare_slot), 0.0);
    job_.tiles->multiply(row_weights_, row_weights_, row(spare_slot), rows_.padded);
  }
  memory_.pad_rows(row_weights_, 0.0);
  labels_ = targets_ = nullptr;
  label_weight_ = nullptr;
  if (job_.has_labels) {
    labels_ = targets_ = row(labels_slot);
    load_labels(labels_, row_weights_);
    if (!job_.weights.empty()) {
      job_.rows->take(job_.weights.data(), labels_, row(label_weight_slot), rows_.padded);
      label_weight_ = row(label_weight_slot);
    }
  }
  // A row of weight 0 has no part in the loss. What is given beside it knows its target all the same.
  if (job_.has_labels && job_.sample_weight.base != nullptr && pass_.outputs && job_.has_extras) {
    targets_ = row(targets_slot);
    load_mask(row(spare_slot));
    load_labels(targets_, row(spare_slot));
  }
  row_weight_ = job_.weights_multiply == weighting::rows ? label_weight_ : nullptr;
  if (job_.by == strategy::lists) load_lists();
}

void tile_runner::load_scores() {
  raw_ = scores_ = memory_.load(job_.input, tile(scores_slot));
  if (!job_.traits.transforms) return;
  raw_ = whole_packs(raw_, tile(scores_slot));
  logit_operands_[0] = raw_.data;
  if (!job_.logit_argument.empty()) {
    const row_tile argument = memory_.tile_at(tile(argument_slot));
    job_.arranged->broadcast(memory_.extent(), job_.logit_argument.data(), argument);
    fill_padding(argument);
    logit_operands_[1] = argument.data;
    logit_operands_[2] = make_target(targets_, 1.0, 0.0).data;
  }
  scores_ = memory_.tile_at(tile(logit_slot));
  run_kernel(job_.row_formulas->logit, logit_operands_, scores_.data, nullptr);
}

row_tile tile_runner::make_target(const void* labels, double on, double off) const {
  const row_tile t = memory_.tile_at(tile(target_slot));
  job_.tiles->fill(t.data, off, padded_elements_);
  if (labels != nullptr) {
    job_.tiles->fill(row(spare_slot), on, rows_.padded);
    job_.arranged->scatter(memory_.extent(), labels, row(spare_slot), t);
  }
  return t;
}

void tile_runner::refer() {
  exps_ = memory_.tile_at(tile(exps_slot));
  const row_shift reference = job_.loss->shift;
  const bool keep = pass_.outputs;
  weighted_ = nullptr;
  shift_pass p{};
  p.extent = memory_.extent();
  p.scores = scores_;
  p.exps = {keep ? exps_.data : nullptr, exps_.stride};
  p.labels = labels_;
  p.maximum = row(maximum_slot);
  p.tail = row(tail_slot);
  p.picked = row(picked_slot);
  p.ahead = memory_.ahead(job_.input, scores_);
  if (memory_.row_contiguous() && p.ahead != 0) p.copy = job_.of_classes() ? memory_.tile_at(tile(scores_slot)) : exps_;
  if (job_.classes == 0) {
    job_.arranged->largest(memory_.extent(), scores_, labels_, row(maximum_slot), row(index_slot));  // no class
    for (const row_slot s : {maximum_slot, tail_slot, picked_slot, weighted_slot}) job_.tiles->fill(row(s), -HUGE_VAL, rows_.padded);
    refer_to(0.0);
    return;
  }
  if (job_.by == strategy::lists) {  // which has several references
    job_.tiles->fill(p.maximum, 0.0, rows_.padded);
    refer_to(0.0);
    return;
  }
  switch (reference) {
    case row_shift::log_sum_exp:
      if (is_smoothed_label()) {
        p.weights = job_.weight_data();
        p.weighted = weighted_ = row(weighted_slot);
      }
      take_softmax(p, row(log_sum_slot));
      if (job_.of_classes() && p.copy.data != nullptr) scores_ = p.copy;
      break;
    case row_shift::sparsemax:
      p.exps = exps_;
      p.reference = row(log_sum_slot);
      job_.arranged->sparsemax(p);
      break;
    case row_shift::runner_up:
      job_.arranged->largest(memory_.extent(), scores_, labels_, p.maximum, row(index_slot));
      refer_to(0.0);
      break;
    case row_shift::picked:
      refer_to(0.0);
      job_.arranged->gather(memory_.extent(), scores_, labels_, p.maximum);
      break;
    default:
      refer_to(0.0);
      job_.tiles->fill(p.maximum, 0.0, rows_.padded);
  }
}

void tile_runner::take_softmax(const shift_pass& p, void* log_sum) const {
  if (job_.cut_threads > 0) softmax_in_segments(*job_.arranged, p, job_.item, job_.cut_threads);
  else job_.arranged->softmax(p);
  job_.rows->log1p(p.tail, log_sum, rows_.padded);
}

void tile_runner::evaluate_label() {
  loss_ = row(loss_slot);
  if (job_.by == strategy::shift_term) {
    job_.tiles->fill(loss_, 0.0, rows_.padded);
    job_.tiles->fill(row(slope_slot), 0.0, rows_.padded);
    return;
  }
  if (!has_probabilities()) {
    job_.arranged->gather(memory_.extent(), scores_, labels_, row(picked_slot));
    job_.tiles->axpby(row(picked_slot), 1.0, row(picked_slot), -1.0, row(maximum_slot), rows_.padded);
  }
  job_.tiles->axpby(row(u_slot), 1.0, row(picked_slot), -1.0, row(log_sum_slot), rows_.padded);
  struct tile t{};
  t.operand[0] = row(u_slot);
  t.count = rows_.padded;
  t.value = loss_;
  t.gradient = row(slope_slot);
  (pass_.outputs ? job_.label_kernels->value_and_gradient : job_.label_kernels->value)(job_.options, t);
  if (is_smoothed_label()) smooth_label();
}

void tile_runner::smooth_label() {
  const double s = job_.traits.label_smoothing, share = s / static_cast<double>(job_.classes);
  if (label_weight_ != nullptr) job_.tiles->multiply(loss_, label_weight_, loss_, rows_.padded);
  void* const rest = row(spare_slot);
  job_.tiles->axpby(rest, job_.weight_sum * share, row(log_sum_slot), -share, weighted_, rows_.padded);
  if (s == 1.0) job_.tiles->axpby(loss_, 1.0, rest, 0.0, nullptr, rows_.padded);
  else job_.tiles->axpby(loss_, 1.0 - s, loss_, 1.0, rest, rows_.padded);
}

void tile_runner::lay_out_classes() {
  target_ = class_target_tile();
  u_ = memory_.tile_at(tile(u_tile_slot));
  job_.arranged->subtract(memory_.extent(), scores_, row(maximum_slot), row(log_sum_slot), u_);
  fill_padding(u_);
  values_ = memory_.tile_at(tile(value_tile_slot));
  slopes_ = memory_.tile_at(tile(slope_tile_slot));
  class_operands_[0] = u_.data;
  class_operands_[1] = target_.data;
}

void tile_runner::sum_slopes() {
  if (job_.weights_multiply == weighting::terms) job_.arranged->scale(memory_.extent(), slopes_, job_.weight_data());
  job_.arranged->sum(memory_.extent(), slopes_, row(slope_sum_slot));
}

void tile_runner::evaluate_classes() {
  lay_out_classes();
  const auto kernel = pass_.outputs ? job_.class_kernels->value_and_gradient : job_.class_kernels->value;
  run_kernel(kernel, class_operands_, values_.data, slopes_.data);
  loss_ = row(loss_slot);
  if (wants(row_gradient::kind::weight) && job_.weights_multiply != weighting::rows) add_weight_gradient_of_classes();
  if (job_.weights_multiply == weighting::terms) job_.arranged->scale(memory_.extent(), values_, job_.weight_data());
  job_.arranged->sum(memory_.extent(), values_, loss_);
  if (pass_.outputs) sum_slopes();
  if (job_.loss->mean_over_classes) job_.tiles->axpby(loss_, class_share(), loss_, 0.0, nullptr, rows_.padded);
}

void tile_runner::evaluate_products() {
  slopes_ = job_.traits.label_smoothing == 0.0 ? memory_.load(job_.distribution, tile(target_slot)) : class_target_tile();
  loss_ = row(loss_slot);
  product_pass p{};
  p.extent = memory_.extent();
  p.scores = scores_;
  p.targets = slopes_;
  p.first = row(maximum_slot);
  p.second = row(log_sum_slot);
  p.sums = row(slope_sum_slot);
  p.products = loss_;
  p.ahead = memory_.ahead(job_.distribution, slopes_);
  job_.arranged->products(p);
  job_.tiles->axpby(loss_, -1.0, loss_, 0.0, nullptr, rows_.padded);
  job_.tiles->axpby(p.sums, -1.0, p.sums, 0.0, nullptr, rows_.padded);
}

row_tile tile_runner::class_target_tile() {
  const double s = job_.traits.label_smoothing, share = s / static_cast<double>(job_.classes);
  if (job_.distribution_as == distribution_kind::logits) return log_distribution();
  if (job_.distribution_as == distribution_kind::none)
    return job_.loss->shift == row_shift::picked ? make_target(labels_, 0.0, 1.0) : make_target(labels_, 1.0 - s + share, share);
  const row_tile t = whole_packs(memory_.load(job_.distribution, tile(target_slot)), tile(target_slot));
  if (s == 0.0) return t;
  job_.tiles->axpby(tile(target_slot), 1.0 - s, t.data, share, nullptr, padded_elements_);
  return memory_.tile_at(tile(target_slot));
}

void* tile_runner::make_shift(row_slot to) const {
  job_.tiles->axpby(row(to), 1.0, row(maximum_slot), 1.0, row(log_sum_slot), rows_.padded);
  if (job_.loss->shift != row_shift::log_sum_exp || !job_.tiles->nonfinite(row(maximum_slot), rows_.count)) return row(to);
  // No class has a probability where the largest score is infinite, but the sum of the exponentials is infinite too, or 0.
  job_.arranged->largest(memory_.extent(), scores_, nullptr, row(term_slot), row(index_slot));
  for (std::size_t i = 0; i < rows_.count; ++i)
    if (const double most = number(row(term_slot), i); std::isinf(most)) set_number(row(to), i, most);
  return row(to);
}

void tile_runner::add_shift_term() {
  d_shift_term_ = shift_term_ = nullptr;
  if (!job_.traits.regularises) return;
  struct tile t{};
  t.operand[0] = make_shift(spare_slot);
  t.count = rows_.padded;
  t.value = row(term_slot);
  t.gradient = row(term_slope_slot);
  job_.row_formulas->shift_term(job_.options, t);
  shift_term_ = row(term_slot);
  d_shift_term_ = row(term_slope_slot);
}

void tile_runner::make_values() {
  void* const value = row(value_slot);
  const void* loss = loss_;
  if (row_weight_ != nullptr) {
    job_.tiles->multiply(value, row_weight_, loss, rows_.padded);
    loss = value;
  }
  if (shift_term_ != nullptr) {
    job_.tiles->axpby(value, 1.0, loss, 1.0, shift_term_, rows_.padded);
    loss = value;
  }
  job_.tiles->multiply(value, row_weights_, loss, rows_.padded);
  job_.tiles->axpby(value, 1.0, value, 0.0, nullptr, rows_.padded);  // a loss of zero is +0
}

// Weighted in double: the loss of a row may be too large or too small for float32 only because of its weights.
double tile_runner::sum_values() const {
  const double sum = job_.rows->weighted_sum(row_weights_, row_weight_, loss_, rows_.padded);
  return shift_term_ == nullptr ? sum : sum + job_.rows->weighted_sum(row_weights_, nullptr, shift_term_, rows_.padded);
}

double run_row_tile(const row_job& job, const row_pass& pass, std::size_t t, double* const* class_sums, row_findings& findings) {
  const std::size_t run = t / job.tiles_per_run, within = t % job.tiles_per_run * job.tile_rows;
  const std::size_t left = job.run_rows - within, count = left < job.tile_rows ? left : job.tile_rows;
  const std::size_t lanes = line / job.item, padded = (count + lanes - 1) / lanes * lanes;
  return tile_runner(job, pass, {run * job.run_rows + within, count, padded}, class_sums, findings).run();
}

}  // namespace fastloss

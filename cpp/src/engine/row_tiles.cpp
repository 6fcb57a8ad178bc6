// The inner part of the row-wise driver: one tile of rows on one thread. Statistics of the rows, the head of each, and the way
// back to the classes, all on data that is still in a cache.
#include <cmath>

#include "engine/row_job.hpp"
#include "engine/row_memory.hpp"
#include "engine/row_scratch.hpp"

namespace fastloss {
namespace {

thread_local row_scratch thread_scratch;

// Numbers for each row.
enum row_slot : int {
  labels_slot,
  counts_slot,
  upstream_slot,
  maximum_slot,
  tail_slot,
  picked_slot,
  weighted_slot,
  log_sum_slot,
  u_slot,
  loss_slot,
  slope_slot,
  label_weight_slot,
  factor_slot,
  row_factor_slot,
  term_slot,
  term_slope_slot,
  by_exp_slot,
  constant_slot,
  at_label_slot,
  slope_sum_slot,
  index_slot,
  spare_slot,
  other_slot,
  row_slot_total
};

// Tiles of scores.
enum tile_slot : int {
  scores_slot,
  exps_slot,
  target_slot,
  u_tile_slot,
  value_tile_slot,
  slope_tile_slot,
  result_slot,
  argument_slot,
  logit_slot,
  tile_slot_total
};

constexpr std::size_t line = 64;
// Tiles do not share their low address bits: a load would wait for a store to another that the processor takes for the same place.
constexpr std::size_t slot_padding = 192;

class tile_runner {
 public:
  tile_runner(const row_job& job, const row_pass& pass, const row_range& rows, double* const* class_sums, row_findings& findings)
      : job_(job), pass_(pass), rows_(rows), memory_(job, rows), class_sums_(class_sums), findings_(findings) {
    const std::size_t lanes = line / job.item;
    row_bytes_ = rows.padded * job.item + slot_padding;
    const std::size_t elements = memory_.by_rows() ? rows.padded * job.classes : rows.count * job.classes;
    padded_elements_ = (elements + lanes - 1) / lanes * lanes;
    tile_bytes_ = (padded_elements_ + lanes) * job.item + slot_padding;
    elements_ = elements;
    scratch_ =
        thread_scratch.at_least(row_slot_total * row_bytes_ + (job.dense || job.traits.transforms ? tile_slot_total : 4) * tile_bytes_);
  }

  double run() {
    load_rows();
    if (pass_.outputs) make_factors();
    load_scores();
    refer();
    job_.dense ? evaluate_classes() : evaluate_picked();
    add_reference_term();
    finish_values();
    if (pass_.outputs) {
      make_outputs();
      make_extras();
    }
    const double sum = pass_.value ? job_.tiles->sum(loss_, rows_.padded) : 0.0;
    if (pass_.value && job_.value.base != nullptr) {
      check(loss_, rows_.count);
      memory_.store_rows(loss_, job_.value);
    }
    thread_scratch.trim();
    return sum;
  }

 private:
  void* row(row_slot i) const { return scratch_ + static_cast<std::size_t>(i) * row_bytes_; }
  void* tile(tile_slot i) const {
    // The four slots that every job has come first.
    static constexpr int place[tile_slot_total] = {0, 1, 4, 5, 6, 7, 2, 8, 3};
    return scratch_ + row_slot_total * row_bytes_ + static_cast<std::size_t>(place[i]) * tile_bytes_;
  }
  void* times(const void* a, const void* b, row_slot to) const {
    if (a == nullptr) return const_cast<void*>(b);
    if (b == nullptr) return const_cast<void*>(a);
    job_.tiles->multiply(row(to), a, b, rows_.padded);
    return row(to);
  }
  void check(const void* numbers, std::size_t count) const {
    if (job_.check_finite && job_.tiles->nonfinite(numbers, count)) findings_.nonfinite.store(true, std::memory_order_relaxed);
  }

  // Class indices, and how much each row counts: 0 where it is masked or ignored. What counts nowhere is never multiplied.
  void load_rows() {
    counts_ = row(counts_slot);
    if (job_.where.base == nullptr) job_.tiles->fill(counts_, 1.0, rows_.padded);
    else memory_.load_rows(job_.where, counts_, 0.0);
    if (job_.sample_weight.base != nullptr) {
      memory_.load_rows(job_.sample_weight, row(spare_slot), 0.0);
      job_.tiles->multiply(counts_, counts_, row(spare_slot), rows_.padded);
    }
    memory_.pad_rows(counts_, 0.0);
    labels_ = nullptr;
    label_weight_ = nullptr;
    if (job_.target == target_kind::index) {
      labels_ = row(labels_slot);
      job_.rows->load_labels[static_cast<int>(job_.labels.type)][job_.labels.byteswapped](
          labels_, job_.labels.base, memory_.row_run(job_.labels), static_cast<std::int64_t>(job_.classes), job_.ignore_index);
      job_.rows->leave_out(labels_, counts_, rows_.count, rows_.padded);
      if (!job_.weights.empty()) {
        job_.rows->gather(job_.weights.data(), labels_, row(label_weight_slot), rows_.padded);
        label_weight_ = row(label_weight_slot);
      }
    }
    row_weight_ = job_.row_weighted ? label_weight_ : nullptr;
  }

  // The scores, or what the loss makes of them before anything else.
  void load_scores() {
    raw_ = scores_ = memory_.load(job_.input, tile(scores_slot));
    if (!job_.traits.transforms) return;
    if (raw_.data != tile(scores_slot) || raw_.stride != memory_.tile_stride()) raw_ = copy(raw_, tile(scores_slot));
    fill_padding(raw_);
    logit_operands_[0] = raw_.data;
    if (!job_.logit_argument.empty()) {
      const row_tile argument = memory_.tile_at(tile(argument_slot));
      job_.arranged->repeat(memory_.extent(), job_.logit_argument.data(), argument);
      fill_padding(argument);
      logit_operands_[1] = argument.data;
      logit_operands_[2] = make_target(1.0, 0.0).data;
    }
    scores_ = memory_.tile_at(tile(logit_slot));
    run_kernel(job_.row_formulas->logit, logit_operands_, scores_.data, nullptr);
  }

  row_tile copy(row_tile from, void* to) const {
    job_.tiles->fill(row(spare_slot), 0.0, rows_.padded);
    const row_tile result = memory_.tile_at(to);
    job_.arranged->subtract(memory_.extent(), from, row(spare_slot), nullptr, result);
    return result;
  }

  void fill_padding(row_tile t) const {
    if (elements_ != padded_elements_)
      job_.tiles->fill(static_cast<char*>(t.data) + elements_ * job_.item, 0.0, padded_elements_ - elements_);
  }

  // A pointwise kernel over a whole tile of classes.
  void run_kernel(tile_kernel kernel, const void* const* operands, void* value, void* gradient) const {
    struct tile t{};
    for (int k = 0; k < 3; ++k) t.operand[k] = operands[k];
    t.count = padded_elements_;
    t.value = value;
    t.gradient = t.hessian = gradient;
    kernel(job_.options, t);
  }

  // The same number at every class but the target's.
  row_tile make_target(double on, double off) const {
    const row_tile t = memory_.tile_at(tile(target_slot));
    job_.tiles->fill(t.data, off, padded_elements_);
    if (labels_ != nullptr) {
      job_.tiles->fill(row(spare_slot), on, rows_.padded);
      job_.arranged->place(memory_.extent(), labels_, row(spare_slot), t);
    }
    return t;
  }

  // The reference of each row, as maximum + log_sum, and the weights of the classes in its derivative.
  void refer() {
    exps_ = memory_.tile_at(tile(exps_slot));
    const row_reference reference = job_.loss->reference;
    const bool keep = pass_.outputs;
    weighted_ = nullptr;
    reference_pass p{};
    p.extent = memory_.extent();
    p.scores = scores_;
    p.exps = {keep ? exps_.data : nullptr, exps_.stride};
    p.labels = labels_;
    p.maximum = row(maximum_slot);
    p.tail = row(tail_slot);
    p.picked = row(picked_slot);
    switch (reference) {
      case row_reference::log_sum_exp:
        if (is_smoothed_picked()) {
          p.weights = job_.weight_data();
          p.weighted = weighted_ = row(weighted_slot);
        }
        job_.arranged->softmax(p);
        job_.rows->log1p(p.tail, row(log_sum_slot), rows_.padded);
        break;
      case row_reference::sparsemax:
        p.exps = exps_;
        p.reference = row(log_sum_slot);
        job_.arranged->sparsemax(p);
        break;
      case row_reference::runner_up:
        job_.arranged->largest(memory_.extent(), scores_, labels_, p.maximum, row(index_slot));
        refer_to(0.0);
        break;
      case row_reference::picked:
        refer_to(0.0);
        job_.arranged->pick(memory_.extent(), scores_, labels_, p.maximum);
        break;
      default:
        refer_to(0.0);
        job_.tiles->fill(p.maximum, 0.0, rows_.padded);
    }
  }

  void refer_to(double log_sum) const { job_.tiles->fill(row(log_sum_slot), log_sum, rows_.padded); }

  bool is_smoothed_picked() const { return !job_.dense && job_.traits.label_smoothing != 0.0 && labels_ != nullptr; }
  bool has_probabilities() const {
    return job_.loss->reference == row_reference::log_sum_exp || job_.loss->reference == row_reference::sparsemax;
  }

  // The formula of the target's class alone, one row to a lane.
  void evaluate_picked() {
    loss_ = row(loss_slot);
    if (job_.target == target_kind::none) {  // the loss is its reference's term alone
      job_.tiles->fill(loss_, 0.0, rows_.padded);
      job_.tiles->fill(row(slope_slot), 0.0, rows_.padded);
      return;
    }
    if (!has_probabilities()) {
      job_.arranged->pick(memory_.extent(), scores_, labels_, row(picked_slot));
      job_.tiles->combine(row(picked_slot), 1.0, row(picked_slot), -1.0, row(maximum_slot), rows_.padded);
    }
    job_.tiles->combine(row(u_slot), 1.0, row(picked_slot), -1.0, row(log_sum_slot), rows_.padded);
    struct tile t{};
    t.operand[0] = row(u_slot);
    t.count = rows_.padded;
    t.value = loss_;
    t.gradient = row(slope_slot);
    (pass_.outputs ? job_.picked_kernels->value_and_gradient : job_.picked_kernels->value)(job_.options, t);
    if (is_smoothed_picked()) smooth_picked();
  }

  // (1 - s) w_y l_y + s / C sum_c w_c (log_sum - x_c), with the weights in the terms.
  void smooth_picked() {
    const double s = job_.traits.label_smoothing, share = s / static_cast<double>(job_.classes);
    if (label_weight_ != nullptr) job_.tiles->multiply(loss_, label_weight_, loss_, rows_.padded);
    void* const rest = row(spare_slot);
    job_.tiles->combine(rest, job_.weight_sum * share, row(log_sum_slot), -share, weighted_, rows_.padded);
    if (s == 1.0) job_.tiles->combine(loss_, 1.0, rest, 0.0, nullptr, rows_.padded);
    else job_.tiles->combine(loss_, 1.0 - s, loss_, 1.0, rest, rows_.padded);
  }

  // The formula of every class, and its sum.
  void evaluate_classes() {
    target_ = dense_target();
    u_ = memory_.tile_at(tile(u_tile_slot));
    job_.arranged->subtract(memory_.extent(), scores_, row(maximum_slot), row(log_sum_slot), u_);
    fill_padding(u_);
    values_ = memory_.tile_at(tile(value_tile_slot));
    slopes_ = memory_.tile_at(tile(slope_tile_slot));
    dense_operands_[0] = u_.data;
    dense_operands_[1] = target_.data;
    const auto kernel = pass_.outputs ? job_.dense_kernels->value_and_gradient : job_.dense_kernels->value;
    run_kernel(kernel, dense_operands_, values_.data, slopes_.data);
    loss_ = row(loss_slot);
    if (wants(row_gradient::kind::weight) && !job_.row_weighted) add_weight_gradient_of_classes();
    const void* const weights = job_.row_weighted ? nullptr : job_.weight_data();
    if (weights != nullptr) job_.arranged->weigh(memory_.extent(), values_, weights);
    job_.arranged->sum(memory_.extent(), values_, loss_);
    if (pass_.outputs) {
      if (weights != nullptr) job_.arranged->weigh(memory_.extent(), slopes_, weights);
      job_.arranged->sum(memory_.extent(), slopes_, row(slope_sum_slot));
    }
    if (job_.loss->mean_over_classes) job_.tiles->combine(loss_, class_share(), loss_, 0.0, nullptr, rows_.padded);
  }

  double class_share() const { return job_.loss->mean_over_classes ? 1.0 / static_cast<double>(job_.classes) : 1.0; }

  row_tile dense_target() {
    const double s = job_.traits.label_smoothing, share = s / static_cast<double>(job_.classes);
    if (job_.target != target_kind::distribution)
      return job_.loss->reference == row_reference::picked ? make_target(0.0, 1.0) : make_target(1.0 - s + share, share);
    row_tile t = memory_.load(job_.distribution, tile(target_slot));
    if (t.data != tile(target_slot) && (t.stride != memory_.tile_stride() || elements_ != padded_elements_)) t = copy(t, tile(target_slot));
    if (t.data == tile(target_slot)) fill_padding(t);
    if (s == 0.0) return t;
    job_.tiles->combine(tile(target_slot), 1.0 - s, t.data, share, nullptr, padded_elements_);
    return memory_.tile_at(tile(target_slot));
  }

  // What the loss adds for the reference of a row itself.
  void add_reference_term() {
    reference_slope_ = nullptr;
    unweighted_ = loss_;
    if (row_weight_ != nullptr && wants(row_gradient::kind::weight)) unweighted_ = times_copy(loss_, other_slot);
    if (row_weight_ != nullptr) {
      job_.tiles->multiply(row(u_slot), row_weight_, loss_, rows_.padded);
      loss_ = row(u_slot);
    }
    if (!job_.traits.regularises) return;
    struct tile t{};
    job_.tiles->combine(row(spare_slot), 1.0, row(maximum_slot), 1.0, row(log_sum_slot), rows_.padded);
    t.operand[0] = row(spare_slot);
    t.count = rows_.padded;
    t.value = row(term_slot);
    t.gradient = row(term_slope_slot);
    job_.row_formulas->reference_term(job_.options, t);
    reference_slope_ = row(term_slope_slot);
    job_.tiles->combine(row(term_slot), 1.0, row(term_slot), 1.0, loss_, rows_.padded);
    loss_ = row(term_slot);
  }

  void* times_copy(const void* from, row_slot to) const {
    job_.tiles->combine(row(to), 1.0, from, 0.0, nullptr, rows_.padded);
    return row(to);
  }

  void finish_values() {
    job_.tiles->multiply(row(loss_slot), counts_, loss_, rows_.padded);
    loss_ = row(loss_slot);
  }

  bool wants(row_gradient::kind kind) const {
    if (!pass_.outputs) return false;
    for (const row_gradient& g : job_.gradients)
      if (g.of == kind) return true;
    return false;
  }
  double* sums_of(row_gradient::kind kind) const {
    for (std::size_t g = 0; g < job_.gradients.size(); ++g)
      if (job_.gradients[g].of == kind) return class_sums_[g];
    return nullptr;
  }
  double number(const void* numbers, std::size_t i) const {
    return job_.item == sizeof(double) ? static_cast<const double*>(numbers)[i]
                                       : static_cast<double>(static_cast<const float*>(numbers)[i]);
  }
  std::int64_t label(const void* labels, std::size_t i) const {
    return job_.item == sizeof(double) ? static_cast<const std::int64_t*>(labels)[i] : static_cast<const std::int32_t*>(labels)[i];
  }

  // What multiplies the derivatives of each row: of its own terms, and of those that the target class's weight multiplies too.
  void make_factors() {
    upstream_ = row(upstream_slot);
    if (pass_.by_sum == 0.0) job_.tiles->fill(upstream_, 0.0, rows_.padded);
    else job_.tiles->combine(upstream_, pass_.by_sum, counts_, 0.0, nullptr, rows_.padded);
    if (job_.grad_output.base != nullptr) {
      memory_.load_rows(job_.grad_output, row(spare_slot), 0.0);
      job_.tiles->multiply(upstream_, upstream_, row(spare_slot), rows_.padded);
    }
    factor_ = times(upstream_, is_smoothed_picked() ? label_weight_ : row_weight_, factor_slot);
    const double scale = job_.dense ? class_share() : is_smoothed_picked() ? 1.0 - job_.traits.label_smoothing : 1.0;
    if (scale == 1.0) return;
    job_.tiles->combine(row(factor_slot), scale, factor_, 0.0, nullptr, rows_.padded);
    factor_ = row(factor_slot);
  }

  void make_outputs() {
    if (double* const sums = sums_of(row_gradient::kind::weight)) add_weight_gradient_of_rows(sums);
    const row_gradient *of_input = nullptr, *of_distribution = nullptr;
    for (const row_gradient& g : job_.gradients) {
      if (g.of == row_gradient::kind::input) of_input = &g;
      if (g.of == row_gradient::kind::distribution) of_distribution = &g;
    }
    row_tile distribution_gradient{};
    if (of_distribution != nullptr) distribution_gradient = differentiate_in_distribution(of_distribution->to);
    if (of_input != nullptr || wants(row_gradient::kind::logit_argument)) {
      static const class_walk nowhere;
      const class_walk& to = of_input != nullptr ? of_input->to : nowhere;
      const row_tile g = differentiate_in_input(to);
      if (of_input != nullptr) store(to, g);
    }
    if (of_distribution != nullptr) store(of_distribution->to, distribution_gradient);
  }

  void store(const class_walk& to, row_tile t) const {
    if (job_.check_finite && memory_.nonfinite(t)) findings_.nonfinite.store(true, std::memory_order_relaxed);
    memory_.store(to, t);
  }

  // Each class's own term where the weights are in the terms.
  void add_weight_gradient_of_classes() const {
    job_.arranged->add_to_classes(memory_.extent(), values_, upstream_, sums_of(row_gradient::kind::weight));
  }
  void add_weight_gradient_of_rows(double* sums) const {
    if (labels_ == nullptr) return;
    for (std::size_t i = 0; i < rows_.count; ++i) {
      const std::int64_t y = label(labels_, i);
      if (y < 0) continue;
      const double up = number(upstream_, i);
      if (job_.row_weighted && up != 0.0) sums[y] += up * number(unweighted_, i);
      sums[y] += number(counts_, i) * pass_.by_denominator;
    }
  }

  row_tile differentiate_in_distribution(const class_walk& to) {
    const row_tile slopes = memory_.tile_at(tile(value_tile_slot));
    run_kernel(job_.dense_kernels->gradient[1], dense_operands_, nullptr, slopes.data);
    if (!job_.weights.empty()) job_.arranged->weigh(memory_.extent(), slopes, job_.weight_data());
    job_.tiles->combine(row(other_slot), 1.0 - job_.traits.label_smoothing, factor_, 0.0, nullptr, rows_.padded);
    gradient_pass p{};
    p.extent = memory_.extent();
    p.slopes = slopes;
    p.by_slope = row(other_slot);
    p.out = memory_.destination(to, tile(value_tile_slot));
    p.streams = memory_.streams(to);
    job_.arranged->gradient(p);
    return p.out;
  }

  row_tile differentiate_in_input(const class_walk& to) {
    gradient_pass p{};
    p.extent = memory_.extent();
    p.labels = labels_;
    p.out = job_.traits.transforms ? memory_.tile_at(tile(result_slot)) : memory_.destination(to, tile(result_slot));
    p.streams = !job_.traits.transforms && memory_.streams(to);
    job_.dense ? collect_classes(p) : collect_picked(p);
    const bool second_place = job_.loss->reference == row_reference::runner_up;
    p.streams &= !second_place;
    if (p.labels == nullptr || p.at_label == nullptr) p.labels = p.at_label = nullptr;
    job_.arranged->gradient(p);
    if (second_place) {
      job_.tiles->combine(row(by_exp_slot), -1.0, row(at_label_slot), 0.0, nullptr, rows_.padded);
      job_.arranged->place(memory_.extent(), row(index_slot), row(by_exp_slot), p.out);
    }
    return job_.traits.transforms ? through_logit(p.out, to) : p.out;
  }

  void collect_picked(gradient_pass& p) {
    if (!has_probabilities()) {
      job_.tiles->multiply(row(at_label_slot), factor_, row(slope_slot), rows_.padded);
      p.at_label = row(at_label_slot);
      return;
    }
    coefficient_pass c{};
    c.count = rows_.padded;
    c.slope = row(slope_slot);
    c.tail = row(tail_slot);
    c.picked = row(picked_slot);
    if (job_.loss->reference == row_reference::sparsemax) {
      job_.arranged->pick(memory_.extent(), exps_, labels_, row(other_slot));
      c.label_exp = row(other_slot);
    }
    c.factor = factor_;
    c.row_factor = upstream_;
    c.reference_slope = reference_slope_;
    c.weight_sum = job_.weight_sum;
    c.label_weight = label_weight_;
    c.by_exp = row(by_exp_slot);
    c.at_label = row(at_label_slot);
    if (is_smoothed_picked()) {
      c.smoothing = job_.traits.label_smoothing / static_cast<double>(job_.classes);
      p.constant = c.constant = row(constant_slot);
      p.weights = job_.weight_data();
    }
    job_.rows->coefficients(c);
    p.exps = exps_;
    p.by_exp = c.by_exp;
    p.at_label = labels_ == nullptr ? nullptr : c.at_label;
  }

  void collect_classes(gradient_pass& p) {
    p.slopes = slopes_;
    p.by_slope = factor_;
    if (has_probabilities()) {
      job_.rows->class_coefficients(rows_.padded, row(tail_slot), factor_, row(slope_sum_slot), upstream_, reference_slope_,
                                    row(by_exp_slot));
      p.exps = exps_;
      p.by_exp = row(by_exp_slot);
    } else if (job_.loss->reference == row_reference::picked) {
      job_.tiles->multiply(row(by_exp_slot), factor_, row(slope_sum_slot), rows_.padded);
      job_.tiles->combine(row(at_label_slot), -1.0, row(by_exp_slot), 0.0, nullptr, rows_.padded);
      p.at_label = row(at_label_slot);
    }
  }

  // From the gradient in the logits to that in the scores, and in what else the logits are made of.
  row_tile through_logit(row_tile g, const class_walk& to) const {
    fill_padding(g);
    void* const slope = tile(u_tile_slot);
    if (double* const sums = sums_of(row_gradient::kind::logit_argument)) {
      run_kernel(job_.row_formulas->logit_slope_of_argument, logit_operands_, nullptr, slope);
      job_.tiles->multiply(slope, g.data, slope, padded_elements_);
      job_.tiles->fill(row(spare_slot), 1.0, rows_.padded);
      job_.arranged->add_to_classes(memory_.extent(), memory_.tile_at(slope), row(spare_slot), sums);
    }
    if (to.base == nullptr) return g;
    run_kernel(job_.row_formulas->logit_slope, logit_operands_, nullptr, slope);
    job_.tiles->multiply(g.data, g.data, slope, padded_elements_);
    const row_tile out = memory_.destination(to, g.data);
    if (out.data != g.data) {
      job_.tiles->fill(row(spare_slot), 0.0, rows_.padded);
      job_.arranged->subtract(memory_.extent(), g, row(spare_slot), nullptr, out);
    }
    return out;
  }

  void make_extras() {
    if (job_.lse.base != nullptr) {
      job_.tiles->combine(row(spare_slot), 1.0, row(maximum_slot), 1.0, row(log_sum_slot), rows_.padded);
      memory_.store_rows(row(spare_slot), job_.lse);
    }
    if (job_.probabilities.base != nullptr) store(job_.probabilities, make_probabilities());
    if (job_.prediction.base == nullptr && job_.correct.base == nullptr) return;
    job_.arranged->largest(memory_.extent(), scores_, nullptr, row(spare_slot), row(index_slot));
    for (std::size_t i = 0; i < rows_.count; ++i) {
      const std::int64_t best = label(row(index_slot), i);
      const row_memory one(job_, {rows_.first + i, 1, 1});
      if (job_.prediction.base != nullptr) __builtin_memcpy(one.first_row(job_.prediction), &best, sizeof best);
      const bool correct = labels_ != nullptr && best == label(labels_, i);
      if (job_.correct.base != nullptr) __builtin_memcpy(one.first_row(job_.correct), &correct, sizeof correct);
    }
  }

  row_tile make_probabilities() const {
    gradient_pass p{};
    p.extent = memory_.extent();
    p.exps = exps_;
    // (0 - 1 * -1) / sum for every row, those that count nowhere included.
    job_.tiles->fill(row(spare_slot), 1.0, rows_.padded);
    job_.tiles->fill(row(other_slot), -1.0, rows_.padded);
    job_.rows->class_coefficients(rows_.padded, row(tail_slot), row(spare_slot), row(other_slot), row(spare_slot), nullptr,
                                  row(by_exp_slot));
    p.by_exp = row(by_exp_slot);
    p.out = memory_.destination(job_.probabilities, tile(result_slot));
    p.streams = memory_.streams(job_.probabilities);
    job_.arranged->gradient(p);
    return p.out;
  }

  const row_job& job_;
  const row_pass& pass_;
  const row_range rows_;
  const row_memory memory_;
  double* const* class_sums_;
  row_findings& findings_;
  char* scratch_ = nullptr;
  std::size_t row_bytes_ = 0, tile_bytes_ = 0, elements_ = 0, padded_elements_ = 0;
  void *labels_ = nullptr, *counts_ = nullptr, *label_weight_ = nullptr, *row_weight_ = nullptr;
  void *upstream_ = nullptr, *factor_ = nullptr, *loss_ = nullptr, *unweighted_ = nullptr, *weighted_ = nullptr;
  void* reference_slope_ = nullptr;
  row_tile raw_{}, scores_{}, exps_{}, target_{}, u_{}, values_{}, slopes_{};
  const void *dense_operands_[3] = {}, *logit_operands_[3] = {};
};

}  // namespace

double run_row_tile(const row_job& job, const row_pass& pass, std::size_t t, double* const* class_sums, row_findings& findings) {
  const std::size_t run = t / job.tiles_per_run, within = t % job.tiles_per_run * job.tile_rows;
  const std::size_t left = job.run_rows - within, count = left < job.tile_rows ? left : job.tile_rows;
  const std::size_t lanes = line / job.item, padded = (count + lanes - 1) / lanes * lanes;
  return tile_runner(job, pass, {run * job.run_rows + within, count, padded}, class_sums, findings).run();
}

}  // namespace fastloss

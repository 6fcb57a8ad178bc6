// One tile of rows on one thread: statistics of the rows, the head of each, and the way back to the classes, all on data that is
// still in a cache. statistics.cpp has the first two, gradients.cpp the third, hess.cpp second derivatives;
// second_softmax.cpp what has a softmax beside that of the input: a distribution given as logits, and a term of the label.
#pragma once

#include <cstdlib>

#include "engine/rows/memory.hpp"
#include "engine/rowwise/job.hpp"

namespace fastloss {

// Numbers for each row. A slot belongs to the pass that is named before it, which writes it; what is read of it later is what that
// pass wrote. Only `spare` and `other` belong to nobody: every pass may clobber them, and nothing that has to last is left in them.
enum row_slot : int {
  // load_rows
  labels_slot,        // class indices, -1 for rows that count nowhere; of lists, the class listed at a time (hess_of_lists)
  targets_slot,       // the same, but of rows of sample weight 0 too
  row_weights_slot,   // 0 where a row counts nowhere, else its sample weight
  label_weight_slot,  // the weight of its label's class
  length_slot,        // of its list
  // make_factors
  upstream_slot,  // the gradient flowing in, times what the row counts
  factor_slot,    // times what multiplies the formula
  label_factor_slot,
  // refer
  maximum_slot,  // the shift is maximum + log_sum
  tail_slot,     // the sum of the exponentials less 1
  picked_slot,   // the label's score less the maximum
  weighted_slot,
  log_sum_slot,
  index_slot,  // of the largest other score
  // evaluate_...
  u_slot,
  loss_slot,
  slope_slot,      // d1 at the label
  slope_sum_slot,  // of d1 over the classes
  // add_shift_term
  term_slot,
  term_slope_slot,
  // collect_label, collect_classes: coefficients of the gradient
  coef_exp_slot,
  constant_slot,
  at_label_slot,
  // hess.cpp
  square_slot,
  label_d2_slot,
  // make_values
  value_slot,
  // nobody
  spare_slot,
  other_slot,
  // log_distribution
  distribution_maximum_slot,
  distribution_tail_slot,
  distribution_log_sum_slot,
  // add_label_term
  label_maximum_slot,
  label_tail_slot,
  label_picked_slot,
  label_log_sum_slot,
  label_loss_slot,
  label_slope_slot,
  row_slot_total
};

// Tiles of scores, with their owners. The first ones are those that every strategy has; a call that needs no others has no memory
// for them, and tile() ends the process rather than hand it out.
enum tile_slot : int {
  scores_slot,  // load_scores
  exps_slot,    // refer
  result_slot,  // the output that is made last: differentiate_in_input, make_extras; until then anybody's
  logit_slot,   // load_scores
  basic_tile_total,
  target_slot = basic_tile_total,  // class_target_tile, make_target, shares_of_lists
  u_tile_slot,                     // lay_out_classes; afterwards the slopes of the logits, for as long as one product takes
  value_tile_slot,                 // evaluate_classes; afterwards slopes in the distribution, and results that others are added to
  slope_tile_slot,                 // evaluate_classes, evaluate_lists
  argument_slot,                   // load_scores
  d2_slot,                         // d2_of_classes, hess_of_lists
  vector_slot,                     // make_hess
  hess_slot,                       // make_hess
  direction_slot,                  // make_hess
  distribution_slot,               // differentiate_in_distribution
  distribution_scores_slot,        // log_distribution
  distribution_logit_slot,         // log_distribution
  distribution_exps_slot,          // log_distribution
  label_exps_slot,                 // add_label_term
  lists_slot,                      // load_lists
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
    const std::size_t elements = memory_.row_contiguous() ? rows.padded * job.classes : rows.count * job.classes;
    padded_elements_ = (elements + lanes - 1) / lanes * lanes;
    tile_bytes_ = (padded_elements_ + lanes) * job.item + slot_padding;
    elements_ = elements;
  }

  // Computes everything; returns the sum of the values.
  double run();

 private:
  // The slots that the strategy needs, and no others.
  int tile_total() const { return job_.of_classes() || job_.hessian || job_.traits.transforms ? tile_slot_total : basic_tile_total; }

  void* row(row_slot i) const { return scratch_ + static_cast<std::size_t>(i) * row_bytes_; }
  void* tile(tile_slot i) const {
    if (i >= tile_total()) [[unlikely]]
      std::abort();  // a pass that the strategy has no memory for: never write beyond the scratch
    return scratch_ + row_slot_total * row_bytes_ + static_cast<std::size_t>(i) * tile_bytes_;
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
  void load_rows();

  // The scores, or what the loss makes of them before anything else.
  void load_scores();

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

  // Rows without gaps, in whole packs, as pointwise kernels want them: where the tile is not that already, a copy in `to`.
  row_tile whole_packs(row_tile t, void* to) const {
    if (t.data != to && (t.stride != memory_.tile_stride() || elements_ != padded_elements_)) t = copy(t, to);
    if (t.data == to) fill_padding(t);
    return t;
  }

  // A pointwise kernel over a whole tile of classes.
  void run_kernel(tile_kernel kernel, const void* const* operands, void* value, void* gradient) const;

  // The same number at every class but the label's.
  row_tile make_target(const void* labels, double on, double off) const;

  // The reference of each row, as maximum + log_sum, and the weights of the classes in its derivative.
  void refer();

  // What the softmax of a tile leaves, and the logarithm of its sum less the maximum.
  void take_softmax(const shift_pass&, void* log_sum) const;
  // The map back to the classes; like the softmax, of a few very long rows by all threads.
  void take_gradient(const gradient_pass&) const;
  // The logarithms of the probabilities that a distribution of logits has.
  row_tile log_distribution();

  void refer_to(double log_sum) const { job_.tiles->fill(row(log_sum_slot), log_sum, rows_.padded); }

  bool is_smoothed_label() const { return job_.by == strategy::smoothed_label; }
  bool has_probabilities() const { return job_.loss->shift == row_shift::log_sum_exp || job_.loss->shift == row_shift::sparsemax; }

  // The formula of the target's class alone, one row to a lane.
  void evaluate_label();

  // (1 - s) w_y l_y + s / C sum_c w_c (log_sum - x_c), with the weights in the terms.
  void smooth_label();

  // The scores less their reference and the targets, class by class: what the formula of every class is evaluated on.
  void lay_out_classes();
  void sum_slopes();
  // The formula of every class, and its sum.
  void evaluate_classes();
  // The same where the formula is -t u: the slopes are the targets, with the sign turned by `collect_classes`.
  void evaluate_products();

  // Of rows that list several classes (lists.cpp): their lists, and the terms of the other classes relative to each of them.
  void load_lists();
  void evaluate_lists();
  template <class S>
  void evaluate_lists_of_rows();
  template <class S>
  void evaluate_lists_of_lines();
  std::size_t list_length(std::size_t i) const { return static_cast<std::size_t>(label(lengths_, i)); }
  std::size_t longest_list() const;
  std::ptrdiff_t listed(std::size_t i, std::size_t k) const { return label(lists_, i * job_.classes + k); }
  void label_lists(std::size_t k, void* labels) const;  // the k-th class that each row lists, or -1
  // 1 for each class of each row, and 0 for those that it lists.
  row_tile shares_of_lists() const;

  double class_share() const { return job_.loss->mean_over_classes ? 1.0 / static_cast<double>(job_.classes) : 1.0; }

  void add_label_term();
  coefficient_pass label_coefficients() const;
  row_tile add_label_gradient(row_tile g, const class_view& to) const;
  void add_label_hess(row_tile hess) const;

  row_tile class_target_tile();

  // The reference itself; uses term_slot and index_slot.
  void* make_shift(row_slot to) const;

  // What the loss adds for the reference of a row itself.
  void add_shift_term();

  // The loss of each row with its weights, or their sum.
  void make_values();
  double sum_values() const;

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
  void set_number(void* numbers, std::size_t i, double x) const {
    if (job_.item == sizeof(double)) static_cast<double*>(numbers)[i] = x;
    else static_cast<float*>(numbers)[i] = static_cast<float>(x);
  }
  std::int64_t label(const void* labels, std::size_t i) const {
    return job_.item == sizeof(double) ? static_cast<const std::int64_t*>(labels)[i] : static_cast<const std::int32_t*>(labels)[i];
  }

  void set_label(void* labels, std::size_t i, std::int64_t x) const {
    if (job_.item == sizeof(double)) static_cast<std::int64_t*>(labels)[i] = x;
    else static_cast<std::int32_t*>(labels)[i] = static_cast<std::int32_t>(x);
  }

  // What multiplies the derivatives of each row: of its own terms, and of those that the target class's weight multiplies too.
  void make_factors();

  void make_outputs();

  void store(const class_view& to, row_tile t) const {
    if (job_.check_finite && memory_.nonfinite(t)) findings_.nonfinite.store(true, std::memory_order_relaxed);
    memory_.store(to, t);
  }

  // Each class's own term where the weights are in the terms.
  void add_weight_gradient_of_classes() const {
    job_.arranged->add_to_classes(memory_.extent(), values_, factor_, sums_of(row_gradient::kind::weight));
  }
  void add_weight_gradient_of_rows(double* sums) const;
  void add_weight_gradient_of_smoothing(double* sums) const;

  row_tile differentiate_in_distribution(const class_view& to);
  row_tile differentiate_in_logits_of_distribution(row_tile slopes, const class_view& to) const;

  row_tile differentiate_in_input(const class_view& to);

  void collect_label(gradient_pass& p);

  void collect_classes(gradient_pass& p, const void* factor);

  // From the gradient in the logits to that in what else the logits are made of, and in the scores: where it is stored, if that is
  // in place, or where it was.
  row_tile through_logit(row_tile g, const class_view& to) const;
  row_tile through_logit_slope(row_tile g, const void* const* operands, void* spare, const class_view* to) const;

  // The gradient in the logits, which are the scores where they are not transformed.
  void differentiate_in_logits(gradient_pass& p);

  // Second derivatives of the formula: of every class, or of the label's alone with its factor.
  row_tile d2_of_classes();
  void* d2_of_label() const;

  // The diagonal of the second derivative, or its product with a vector.
  row_tile make_hess();
  void hess_of_probabilities(row_tile vector, row_tile out);
  void hess_of_formula(row_tile vector, row_tile out);
  void hess_of_lists(row_tile vector, row_tile out);
  void hess_from_base(const void* base, const void* factor, row_tile d2, row_tile vector, row_tile out);
  void gather_or_zero(row_tile from, const void* classes, row_slot to) const;
  void hess_through_logit(row_tile hess);

  void make_extras();

  row_tile make_probabilities() const;

  const row_job& job_;
  const row_pass& pass_;
  const row_range rows_;
  const row_memory memory_;
  double* const* class_sums_;
  row_findings& findings_;
  char* scratch_ = nullptr;
  std::size_t row_bytes_ = 0, tile_bytes_ = 0, elements_ = 0, padded_elements_ = 0;
  void *labels_ = nullptr, *targets_ = nullptr, *row_weights_ = nullptr, *label_weight_ = nullptr, *row_weight_ = nullptr;
  void *upstream_ = nullptr, *factor_ = nullptr, *loss_ = nullptr, *weighted_ = nullptr;
  void *shift_term_ = nullptr, *d_shift_term_ = nullptr, *lengths_ = nullptr, *lists_ = nullptr;
  row_tile raw_{}, scores_{}, exps_{}, target_{}, u_{}, values_{}, slopes_{}, vector_{}, distribution_exps_{}, label_exps_{};
  const void *label_tail_ = nullptr, *label_picked_ = nullptr;
  const void *class_operands_[3] = {}, *logit_operands_[3] = {}, *distribution_operands_[3] = {};
};

}  // namespace fastloss

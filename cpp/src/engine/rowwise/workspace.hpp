// The memory of one tile of rows on one thread, and what every pass over it does to rows and tiles of numbers.
#pragma once

#include <cstdlib>

#include "engine/memory/scratch.hpp"
#include "engine/rows/memory.hpp"
#include "engine/rowwise/job.hpp"

namespace fastloss {

// Numbers for each row. A slot belongs to the pass that is named before it, and only that pass writes it: others read what the pass
// returns. The last ones belong to nobody: every pass may clobber them, and nothing that has to last is left in them.
enum row_slot : int {
  // load_rows
  labels_slot,
  targets_slot,
  row_weights_slot,
  label_weight_slot,
  length_slot,
  // make_factors
  upstream_slot,
  formula_factor_slot,
  label_term_factor_slot,
  // take_shift
  maximum_slot,
  tail_slot,
  label_score_slot,
  weighted_slot,
  log_sum_slot,
  index_slot,
  // evaluate_formula
  u_slot,
  loss_slot,
  d1_slot,
  d1_sum_slot,
  // evaluate_label_term
  label_maximum_slot,
  label_tail_slot,
  label_term_score_slot,
  label_log_sum_slot,
  label_loss_slot,
  label_d1_slot,
  // evaluate_shift_term
  shift_term_slot,
  d1_shift_term_slot,
  // log_distribution
  distribution_maximum_slot,
  distribution_tail_slot,
  distribution_log_sum_slot,
  // make_values
  value_slot,
  // coefficients_of_label, coefficients_of_classes
  coef_exp_slot,
  constant_slot,
  at_label_slot,
  // make_hess
  coef_square_slot,
  label_d2_slot,
  listed_slot,  // the class of each list that is differentiated at a time
  listed_score_slot,
  listed_factor_slot,
  // nobody
  spare_slot,
  other_slot,
  spare_index_slot,
  row_slot_total
};

// Tiles of classes, with their owners. The first ones are those that every strategy has; a call that needs no others has no memory
// for them, and tile_memory() ends the process rather than hand it out.
enum tile_slot : int {
  // load_scores
  scores_slot,
  logit_slot,
  // take_shift
  exps_slot,
  // the output that is made last: differentiate_in_input, make_extras. Until then nobody's.
  result_slot,
  basic_tile_total,
  // load_scores
  logit_argument_slot = basic_tile_total,
  is_target_slot,
  // load_rows
  lists_slot,
  // evaluate_formula
  u_of_classes_slot,
  target_slot,
  d1_of_classes_slot,
  // evaluate_label_term
  label_exps_slot,
  // log_distribution
  distribution_scores_slot,
  distribution_logit_slot,
  distribution_exps_slot,
  // differentiate_in_distribution
  distribution_gradient_slot,
  // make_hess
  vector_slot,
  direction_slot,
  d2_of_classes_slot,
  hess_slot,
  listed_u_slot,
  not_listed_slot,
  // add_label_gradient: what `result` is added to
  sum_slot,
  // nobody
  spare_tile_slot,
  tile_slot_total
};

class row_workspace {
 public:
  static constexpr std::size_t line = 64;  // bytes of a line of the cache, and of the widest register

  row_workspace(const row_job& of, const row_pass& walk, const row_range& range, double* const* class_sums, row_findings& findings)
      : job(of), pass(walk), rows(range), memory(of, range), class_sums_(class_sums), findings_(findings) {
    const std::size_t lanes = line / job.item;
    row_bytes_ = rows.padded * job.item + slot_padding;
    elements_ = memory.row_contiguous() ? rows.padded * job.classes : rows.count * job.classes;
    padded_elements_ = (elements_ + lanes - 1) / lanes * lanes;
    tile_bytes_ = (padded_elements_ + lanes) * job.item + slot_padding;
    scratch_ = kept_.at_least(row_slot_total * row_bytes_ + static_cast<std::size_t>(tile_total_) * tile_bytes_);
    tiles_ = scratch_ + row_slot_total * row_bytes_;
  }
  row_workspace(const row_workspace&) = delete;
  row_workspace& operator=(const row_workspace&) = delete;
  ~row_workspace() { kept_.trim(); }

  const row_job& job;
  const row_pass& pass;
  const row_range rows;
  const row_memory memory;

  row_extent extent() const { return memory.extent(); }
  void* row(row_slot i) const { return scratch_ + static_cast<std::size_t>(i) * row_bytes_; }
  void* tile_memory(tile_slot i) const {
    if (i >= tile_total_) [[unlikely]]
      std::abort();  // a pass that the strategy has no memory for: never write beyond the scratch
    return tiles_ + static_cast<std::size_t>(i) * tile_bytes_;
  }
  row_tile tile_at(tile_slot i) const { return memory.tile_at(tile_memory(i)); }

  // One number for each row. These are written whole, padding included.
  void fill(row_slot to, double x) const { job.tiles->fill(row(to), x, rows.padded); }
  void multiply(row_slot to, const void* c, const void* a) const { job.tiles->multiply(row(to), c, a, rows.padded); }
  void axpby(row_slot to, double alpha, const void* a, double beta, const void* b) const {
    job.tiles->axpby(row(to), alpha, a, beta, b, rows.padded);
  }
  void scale(row_slot to, double alpha, const void* a) const { axpby(to, alpha, a, 0.0, nullptr); }
  // A formula of one argument: its value and its derivatives, those that the kernel computes.
  void run_on_rows(tile_kernel kernel, const void* argument, void* value, void* d1, void* d2 = nullptr) const {
    struct tile t{};
    t.operand[0] = argument;
    t.count = rows.padded;
    t.value = value;
    t.gradient = d1;
    t.hessian = d2;
    kernel(job.options, t);
  }

  // Tiles without gaps, padding included.
  void multiply_tiles(void* to, const void* c, const void* a) const { job.tiles->multiply(to, c, a, padded_elements_); }
  void axpby_tiles(void* to, double alpha, const void* a, double beta, const void* b) const {
    job.tiles->axpby(to, alpha, a, beta, b, padded_elements_);
  }
  void fill_tile(row_tile t, double x) const { job.tiles->fill(t.data, x, padded_elements_); }
  // One number at the class that each row has, another at every other class. Clobbers `spare`.
  row_tile tile_of_labels(tile_slot to, const void* labels, double on, double off) const {
    const row_tile t = tile_at(to);
    fill_tile(t, off);
    if (labels == nullptr) return t;
    fill(spare_slot, on);
    job.arranged->scatter(extent(), labels, row(spare_slot), t);
    return t;
  }
  // A formula at every class; `result` gets the one derivative that the kernel computes, if it does.
  void run_on_tile(tile_kernel kernel, const void* const* operands, void* value, void* result) const {
    struct tile t{};
    for (int k = 0; k < 3; ++k) t.operand[k] = operands[k];
    t.count = padded_elements_;
    t.value = value;
    t.gradient = t.hessian = result;
    kernel(job.options, t);
  }

  // Clobbers `spare`.
  row_tile copy(row_tile from, row_tile to) const {
    fill(spare_slot, 0.0);
    job.arranged->subtract(extent(), from, row(spare_slot), nullptr, to);
    return to;
  }
  void fill_padding(row_tile t) const {
    if (elements_ != padded_elements_)
      job.tiles->fill(static_cast<char*>(t.data) + elements_ * job.item, 0.0, padded_elements_ - elements_);
  }
  // Rows without gaps, in whole packs: what the functions of tiles above read and write.
  bool is_whole_packs(row_tile t) const { return t.stride == memory.tile_stride() && elements_ == padded_elements_; }
  // The tile itself where it is that, else a copy in `to`. Clobbers `spare`.
  row_tile whole_packs(row_tile t, tile_slot to) const {
    const row_tile own = tile_at(to);
    if (t.data != own.data && !is_whole_packs(t)) t = copy(t, own);
    if (t.data == own.data) fill_padding(t);
    return t;
  }

  void check(const void* numbers) const {
    if (job.check_finite && job.tiles->nonfinite(numbers, rows.count)) findings_.nonfinite.store(true, std::memory_order_relaxed);
  }
  void store(const class_view& to, row_tile t) const {
    if (job.check_finite && memory.nonfinite(t)) findings_.nonfinite.store(true, std::memory_order_relaxed);
    memory.store(to, t);
  }

  double number(const void* numbers, std::size_t i) const {
    return job.item == sizeof(double) ? static_cast<const double*>(numbers)[i] : static_cast<double>(static_cast<const float*>(numbers)[i]);
  }
  void set_number(void* numbers, std::size_t i, double x) const {
    if (job.item == sizeof(double)) static_cast<double*>(numbers)[i] = x;
    else static_cast<float*>(numbers)[i] = static_cast<float>(x);
  }
  std::int64_t label(const void* labels, std::size_t i) const {
    return job.item == sizeof(double) ? static_cast<const std::int64_t*>(labels)[i] : static_cast<const std::int32_t*>(labels)[i];
  }
  void set_label(void* labels, std::size_t i, std::int64_t x) const {
    if (job.item == sizeof(double)) static_cast<std::int64_t*>(labels)[i] = x;
    else static_cast<std::int32_t*>(labels)[i] = static_cast<std::int32_t>(x);
  }

  bool wants(row_gradient::kind kind) const {
    if (!pass.outputs) return false;
    for (const row_gradient& g : job.gradients)
      if (g.of == kind) return true;
    return false;
  }
  // Where a gradient that is added up for each class goes; null: not wanted.
  double* sums_of(row_gradient::kind kind) const {
    for (std::size_t g = 0; g < job.gradients.size(); ++g)
      if (job.gradients[g].of == kind) return class_sums_[g];
    return nullptr;
  }

 private:
  // Slots do not share their low address bits: a load would wait for a store to another that the processor takes for the same place.
  static constexpr std::size_t slot_padding = 192;

  static row_scratch& of_thread() {
    static thread_local row_scratch scratch;
    return scratch;
  }

  double* const* class_sums_;
  row_findings& findings_;
  row_scratch& kept_ = of_thread();
  // The slots that the strategy needs, and no others.
  const int tile_total_ = job.of_classes() || job.hessian || job.traits.transforms ? tile_slot_total : basic_tile_total;
  char *scratch_, *tiles_;
  std::size_t row_bytes_, tile_bytes_, elements_, padded_elements_;
};

}  // namespace fastloss

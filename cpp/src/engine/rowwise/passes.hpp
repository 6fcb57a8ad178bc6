// The passes over one tile of rows, on data that is still in a cache, in their order. Each reads its arguments and returns what it
// wrote, as pointers into the slots that workspace.hpp lists under its name. It may clobber what belongs to nobody, and writes
// nothing else: what a pass has returned stays as it is until the tile is done.
#pragma once

#include "engine/rowwise/workspace.hpp"

namespace fastloss {

// load.cpp: the arrays of the call.

struct row_lists {
  const void* lengths = nullptr;
  const void* classes = nullptr;  // row by row, each with room for every class

  std::size_t length(const row_workspace& w, std::size_t i) const { return static_cast<std::size_t>(w.label(lengths, i)); }
  std::int64_t listed(const row_workspace& w, std::size_t i, std::size_t k) const { return w.label(classes, i * w.job.classes + k); }
};

struct row_counts {
  const void* weights = nullptr;       // 0 where a row counts nowhere (it is masked or ignored), else its sample weight
  const void* labels = nullptr;        // class indices, -1 for rows that count nowhere; null: the call has none
  const void* targets = nullptr;       // the same, but of rows of sample weight 0 too
  const void* label_weight = nullptr;  // the weight of the label's class; null: ones
  const void* row_weight = nullptr;    // the same where it multiplies the whole row
  row_lists lists;
};
// What counts nowhere is never multiplied: a NaN there has no effect.
row_counts load_rows(const row_workspace&);
// Clears the weights of rows without a list: whatever their scores are, their loss is 0. (lists.cpp)
row_lists load_lists(const row_workspace&, void* row_weights);

// What multiplies the derivatives of each row.
struct row_factors {
  const void* upstream = nullptr;  // the gradient flowing in, times what the row counts: of the terms of the shift
  const void* formula = nullptr;   // times what multiplies the formula
  const void* label_term = nullptr;
};
row_factors make_factors(const row_workspace&, const row_counts&);

struct row_scores {
  row_tile raw{};                // as they are given
  row_tile scores{};             // what the loss makes of them before anything else
  const void* operands[3] = {};  // of that: the raw scores, an argument of each class, whether the class is the row's target
};
row_scores load_scores(const row_workspace&, const row_counts&);

// shift.cpp: what is subtracted from the scores of each row, as maximum + log_sum, and the weights of the classes in its derivative.

struct row_shifts {
  row_tile exps{};
  const void *maximum = nullptr, *log_sum = nullptr;
  const void* tail = nullptr;         // the sum of the exponentials less 1
  const void* label_score = nullptr;  // the label's score less the maximum
  const void* weighted = nullptr;     // of smoothed labels: the sum of the scores less the maximum, with the weights of the classes
  const void* index = nullptr;        // of the largest other score
};
// Moves the scores where a softmax over rows in the caller's memory has copied them: they are in a cache there.
row_shifts take_shift(const row_workspace&, const row_counts&, row_scores&);
// maximum + log_sum, in a slot of the caller's, which may be `spare`.
const void* add_up_shift(const row_workspace&, const row_scores&, const row_shifts&, row_slot to);
// The operations of their names, by all threads where a few very long rows are cut.
void take_softmax(const row_workspace&, const shift_pass&, void* log_sum);
void take_gradient(const row_workspace&, const gradient_pass&);

// The loss's own term of the shift.
struct shift_term {
  const void *value = nullptr, *d1 = nullptr;  // null: the loss has none
};
shift_term evaluate_shift_term(const row_workspace&, const row_scores&, const row_shifts&);

// second_softmax.cpp: a softmax beside that of the scores.

// A distribution that is given as logits, as the logarithms of its probabilities.
struct distribution_logits {
  row_tile exps{};
  const void* tail = nullptr;
  const void* operands[3] = {};  // as those of row_scores
};
// `to`: where the logarithms go.
distribution_logits log_distribution(const row_workspace&, const row_scores&, row_tile to);
// From the gradient in the logarithms to that in the logits.
row_tile differentiate_in_logits_of_distribution(const row_workspace&, const distribution_logits&, const void* factor, row_tile gradient,
                                                 const class_view& to);

// formula.cpp: the formula, of the label's class alone or of every class.

// The formula of every class is evaluated on the scores less their shift, and the targets.
struct class_operands {
  row_tile u{}, target{};
  distribution_logits distribution;
};
class_operands lay_out_classes(const row_workspace&, const row_counts&, const row_scores&, const row_shifts&);

struct formula_results {
  void* loss = nullptr;          // of each row; evaluate_label_term mixes the label's own term in
  const void* u = nullptr;       // of the label's class alone: its argument
  const void* d1 = nullptr;      // and its derivative
  row_tile d1_of_classes{};      // of every class; where the formula is -t u: the targets, whose sign the gradient turns
  const void* d1_sum = nullptr;  // over the classes
  class_operands classes;
};
// Adds each class's own term to the gradient in its weight, which nothing that is left could.
formula_results evaluate_formula(const row_workspace&, const row_counts&, const row_factors&, const row_scores&, const row_shifts&);
// Of rows that list several classes: the terms of the other classes relative to each of them. (lists.cpp)
void evaluate_lists(const row_workspace&, const row_lists&, row_tile scores, const formula_results&);
// 1 for each class of each row, and 0 for those that it lists.
row_tile is_not_listed(const row_workspace&, const row_lists&, row_tile to);
std::size_t longest_list(const row_workspace&, const row_lists&);
// The formula of a class is averaged over the classes, or summed.
inline double class_coef(const row_workspace& w) { return w.job.loss->mean_over_classes ? 1.0 / static_cast<double>(w.job.classes) : 1.0; }

// The label's own term beside the formula of every class. (second_softmax.cpp)
struct label_term {
  row_tile exps{};
  const void *tail = nullptr, *label_score = nullptr, *log_sum = nullptr, *d1 = nullptr;
};
label_term evaluate_label_term(const row_workspace&, const row_counts&, const row_scores&, const row_shifts&, const formula_results&);

// Everything that the backward passes read.
struct forward_results {
  const row_counts& counts;
  const row_factors& factors;
  const row_scores& scores;
  const row_shifts& shifts;
  const formula_results& formula;
  const label_term& label;
  const shift_term& shift;
};

// gradients.cpp

// Each leaves its coefficients in its own slots until the next of them runs.
void coefficients_of_label(const row_workspace&, const forward_results&, gradient_pass&);
void coefficients_of_classes(const row_workspace&, const forward_results&, gradient_pass&);
// The gradient in the scores as the loss makes them, in `p.out`.
void differentiate_in_logits(const row_workspace&, const forward_results&, gradient_pass& p);
// In what is given: g is that in the logits, and is clobbered. `to`: where the result is stored; null: it is not finished. Clobbers
// the spare tile.
row_tile differentiate_through_logit(const row_workspace&, row_tile g, const void* const* operands, const class_view* to);
row_tile differentiate_in_input(const row_workspace&, const forward_results&, const class_view& to);
row_tile differentiate_in_distribution(const row_workspace&, const forward_results&, const class_view& to);
// (second_softmax.cpp)
row_tile add_label_gradient(const row_workspace&, const forward_results&, row_tile g, const class_view& to);
void add_label_hess(const row_workspace&, const forward_results&, row_tile vector, row_tile hess);
void add_weight_gradients(const row_workspace&, const forward_results&);

// hess.cpp: the diagonal of the second derivative, or its product with a vector.
row_tile make_hess(const row_workspace&, const forward_results&);

// extras.cpp: what is given beside the value.
void make_extras(const row_workspace&, const forward_results&);

}  // namespace fastloss

// One call of a loss of similarities, in two passes over tiles of all pairs: the sums of exponentials of every anchor; then, from these,
// the losses, and the same tiles once more, whose weights are multiplied with the rows of either side. What concerns a row and its
// positives alone is no part of the tiles: it is computed in double, row by row.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "engine/memory/scratch.hpp"
#include "engine/similarity/anchors.hpp"
#include "engine/similarity/tiles.hpp"
#include "fastloss/engine/padding.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

// The largest scale for which exponentials of similarities less the scale, and quotients of two of these, are numbers, with room for
// the digits of sums. Smaller temperatures take the maximum of each row.
template <class S>
constexpr double most_bounded_scale = sizeof(S) == sizeof(double) ? 150.0 : 20.0;

// Proxies of classes that are held at a time, so that what is held does not grow with them.
inline constexpr std::size_t most_proxies_held = 4096;

template <class S>
class similarity_run {
  using label = std::conditional_t<sizeof(S) == sizeof(double), std::int64_t, std::int32_t>;

 public:
  similarity_run(const call_plan& plan, const loss_outputs& outputs)
      : plan_(plan),
        call_(plan.call()),
        outputs_(outputs),
        of_(call_),
        form_(similarity_loss_of(plan.loss()).form(call_.options)),
        wide_(active_kernels().tiles[1]) {}

  double run();

 private:
  std::size_t anchors() const { return rows_.unit.size(); }
  embedding_set<S>& second() { return form_.one_set ? first_ : second_; }
  std::size_t padded() const { return padded_to(most_pack, first_.features()); }
  // Of labels: whether each positive has a loss of its own.
  bool each_positive() const { return form_.each_positive && of_.labels >= 0; }
  bool has_pairs() const { return form_.each_pair || each_positive(); }  // with losses of their own
  const similarity_kernels& kernels() const { return kernels_of<similarity_kernels>(plan_.loss(), active_kernels()); }
  double positives_of(std::size_t row) const { return static_cast<double>(groups_.size[groups_.of_row[row]] - 1); }
  bool bounded() const { return scale_ <= most_bounded_scale<S>; }
  double share() const { return form_.both_ways || form_.unit_of_pair ? 0.5 : 1.0; }
  // What every loss is multiplied with.
  double factor() const { return form_.base_temperature > 0.0 ? number_ / form_.base_temperature : 1.0; }

  // losses.cpp: reads the call, and computes what concerns a row and its positives alone.
  void prepare();
  void pair_sets();
  // The losses of units, their denominator, and what flows back to each.
  void evaluate(anchor_sums&);

  double number_in(int operand) const;
  void read_scale();
  // All that is read of the call is read before anything is written.
  void read_rows();
  // Classes of samples. Those whose index is ignored take no part.
  void read_classes();

  enum class set_of_rows { first, second, memory, proxies };
  embedding_set<S>& rows_of(set_of_rows set) {
    embedding_set<S>* const sets[] = {&first_, &second_, &memory_, held_ ? &*held_ : nullptr};
    return *sets[static_cast<int>(set)];
  }
  // Groups, weights of positives and products are of the rows of the first set and, behind them, of those of the memory.
  std::size_t place_of(set_of_rows set, std::size_t row) const { return set == set_of_rows::memory ? first_.count() + row : row; }
  std::size_t places() const { return first_.count() + memory_.count(); }

  // Rows in double, for what concerns one row and its positives.
  struct row_numbers {
    double *own, *other, *gradient;
  };
  static constexpr double row_ns = 4.0;  // estimated, of a number on one thread
  static constexpr std::size_t rows_at_once = 32;
  template <class Body>
  void each_row(std::size_t rows, const Body& body) const {
    const std::size_t blocks = (rows + rows_at_once - 1) / rows_at_once;
    parallel_for(blocks, static_cast<double>(rows * padded()) * row_ns, call_.call.threads, [&](std::size_t b) {
      static thread_local row_scratch scratch;
      double* const numbers = reinterpret_cast<double*>(scratch.at_least(3 * padded() * sizeof(double)));
      const row_numbers x{numbers, numbers + padded(), numbers + 2 * padded()};
      for (std::size_t r = b * rows_at_once; r < std::min((b + 1) * rows_at_once, rows); ++r) body(r, x);
    });
  }

  // Of each row of the first set its mean cosine with its positives.
  void find_positives();
  // The most alike of the proxies of a row's class, of which the cosine is returned.
  double choose_positive(std::size_t row, const row_numbers& x);
  // What stands for these cosines in the loss.
  void transform_positives();

  // Calls body(tiles) for all proxies, some at a time, with what the rows of the first set have in common with them.
  template <class Body>
  void each_of_proxies(const Body& body) {
    const std::size_t count = static_cast<std::size_t>(call_.operands[static_cast<std::size_t>(of_.proxies)].shape[0]);
    const std::size_t most = most_proxies_held / form_.subcenters * form_.subcenters;
    for (std::size_t first = 0; first < count; first += most) {
      hold_proxies(first, std::min(most, count - first));
      similarity_tiles<S> tiles(sets_with_proxies(first));
      body(tiles);
    }
  }
  void hold_proxies(std::size_t first, std::size_t count);
  paired_sets<S> sets_with_proxies(std::size_t first);
  paired_sets<S> sets_with(embedding_set<S>& columns);

  // Further negatives of each row of the first set, in double: no two rows have one in common.
  bool has_own() const { return of_.further >= 0 && call_.operands[static_cast<std::size_t>(of_.further)].rank == 3; }
  std::size_t own_negatives() const { return static_cast<std::size_t>(call_.operands[static_cast<std::size_t>(of_.further)].shape[1]); }
  void add_own_negatives(anchor_sums& sums);
  // Weights of positives: those that are least like their rows have the largest.
  void weigh_by_likeness();
  double* group_sum(std::vector<double>& sums, std::size_t row) { return sums.data() + groups_.of_row[row] * padded(); }

  // The sums of the rows of each group, in the memory too, each times its weight where there are some.
  void sum_groups(const double* weights, std::vector<double>& sums);

  // Losses of anchors and their derivatives: in the logarithm, and in minus the similarity with the positive.
  void evaluate_anchors(const anchor_sums& sums);
  void allocate_pairs(bool rises);
  // The same where they are means over positives, each with a loss of its own.
  void evaluate_positives(const anchor_sums& sums);
  // The same where they are sums over all pairs; d1 is the derivative in the bias then.
  void evaluate_pairs();
  // From losses of anchors to those of units, and which units have one.
  void add_to_units();
  void weigh_units();

  // gradients.cpp
  void find_gradients(const anchor_sums& sums);
  anchor_weights<S> weights_of(const std::vector<double>& flow, const anchor_sums& sums) const;
  // What flows into the similarity of each pair, but for the derivative of its loss.
  void weigh_pairs(const std::vector<double>& flow);
  // What flows into the cosine of each row of the first set with each of its positives.
  void weigh_positives(const std::vector<double>& flow);
  // What flows into the cosines of own negatives. An anchor's logarithm is at least their similarity.
  void weigh_own_negatives(const std::vector<double>& flow, const anchor_sums& sums);
  // Adds to the gradient of a row what its positives have in it.
  void add_positives(std::size_t row, set_of_rows set, const row_numbers& x);
  // Which gradient of the call is that in an operand; -1: none.
  int gradient_in(int operand) const;
  void store_row(const double* from, int g, std::size_t row) const;
  // From gradients in directions to those in rows: what is along the row changes no direction.
  void store_rows(set_of_rows set);
  // A gradient in the direction of a row, as one in the row.
  void store_direction(const embedding_set<S>& set, std::size_t r, int g, double along, const row_numbers& x);
  void add_gradient_of_own(std::size_t row, const row_numbers& x);
  void store_own_negatives();
  // Zeros for the rows of units that take no part.
  void clear_left_out() const;
  // Every similarity is a cosine times the scale.
  void store_gradient_of_number();
  void store_gradient_of_bias(const std::vector<double>& flow);
  void store_number_at(double x, int g);

  double finish();

  const call_plan& plan_;
  const loss_call& call_;
  const loss_outputs& outputs_;
  const similarity_operands of_;
  const similarity_form form_;
  const tile_operations& wide_;                                          // in double
  std::vector<std::int64_t> classes_;                                    // of samples; -1: ignored
  std::vector<std::ptrdiff_t> column_of_positive_;                       // of rows, among the proxies that are held
  std::vector<std::pair<std::size_t, std::size_t>> anchors_of_proxies_;  // proxies and the rows that they are the positives of, in order
  double number_ = 0.0, scale_ = 0.0, bias_ = 0.0;
  std::vector<double> kept_, weight_, flow_;  // of units: whether they count; sample weights, 0 where they do not; what flows back
  double scalar_flow_ = 1.0, flow_scale_ = 1.0;
  similarity_rows rows_;
  row_groups groups_;
  embedding_set<S> first_, second_, memory_, own_;
  std::optional<embedding_set<S>> held_;   // proxies
  std::deque<similarity_tiles<S>> tiles_;  // of the batch, and of its rows with the memory
  std::vector<double> own_cosines_, own_weights_;
  std::vector<double> positive_;                         // of rows of the first set: mean cosines with positives
  std::vector<double> positive_value_, positive_slope_;  // what stands for them, and its derivative
  std::vector<double> positive_rest_;                    // what flows into the scale besides, of each
  std::vector<double> positive_weight_;                  // what flows into each, and 0 of the rows of the memory
  std::vector<double> emphasis_;                         // of these rows: the weight of the positive
  std::vector<char> has_positive_;
  std::vector<double> group_sums_, weighted_group_sums_;
  anchor_results of_anchors_;        // losses, and derivatives in the logarithm
  std::vector<double> positive_d1_;  // of anchors, in minus the similarity with the positive
  loss_of_pairs<S> pairs_;           // where pairs have losses of their own
  std::vector<label> labels_;        // of rows, where each positive has a loss of its own
  std::vector<double> losses_;       // of units
  std::vector<double> products_;     // of rows: cosines times what flows into them
  double denominator_ = 1.0;
  bool nothing_ = false;
  std::atomic<bool> nonfinite_{false};
};

}  // namespace fastloss

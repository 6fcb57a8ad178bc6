// Losses of similarities, in two passes over tiles of all pairs: the sums of exponentials of every anchor; then, from these, the losses,
// and the same tiles once more, whose weights are multiplied with the rows of either side. What concerns a row and its positives alone is
// no part of the tiles: it is computed in double, row by row.
#include "engine/similarity/run.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>
#include <vector>

#include "engine/call/checks.hpp"
#include "engine/call/reduction.hpp"
#include "engine/memory/scratch.hpp"
#include "engine/similarity/anchors.hpp"
#include "engine/similarity/tiles.hpp"
#include "fastloss/engine/padding.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

constexpr double row_ns = 4.0;  // estimated, of a number on one thread: from the gradient in a direction to that in a row
constexpr std::size_t rows_at_once = 32;

// The largest scale for which exponentials of similarities less the scale, and quotients of two of these, are numbers, with room for
// the digits of sums. Smaller temperatures take the maximum of each row.
template <class S>
constexpr double most_bounded_scale = sizeof(S) == sizeof(double) ? 150.0 : 20.0;

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

  double run() {
    read_scale();
    read_rows();
    find_positives();
    weigh_by_likeness();
    similarity_tiles<S> tiles(paired_sets<S>{
        &first_, &second(), form_.one_set, rows_.first_column, rows_.column_anchors, groups_.size.empty() ? rows_.partner.data() : nullptr,
        each_positive() ? labels_.data() : nullptr, scale_, scale_ <= most_bounded_scale<S>, call_.call.threads});
    anchor_sums sums(anchors());
    if (!form_.each_pair) tiles.sum(sums);
    add_own_negatives(sums);
    if (form_.each_pair) evaluate_pairs(tiles);
    else if (each_positive()) evaluate_positives(tiles, sums);
    else evaluate_anchors(sums);
    add_to_units();
    weigh_units();
    if (call_.gradient_count > 0) find_gradients(tiles, sums);
    const double value = finish();
    check_finite(plan_, nonfinite_.load());
    return value;
  }

 private:
  std::size_t anchors() const { return rows_.unit.size(); }
  embedding_set<S>& second() { return form_.one_set ? first_ : second_; }
  std::size_t padded() const { return padded_to(most_pack, first_.features()); }
  // Of labels: whether each positive has a loss of its own.
  bool each_positive() const { return form_.each_positive && of_.labels >= 0; }
  bool has_pairs() const { return form_.each_pair || each_positive(); }  // with losses of their own
  const similarity_kernels& kernels() const { return kernels_of<similarity_kernels>(plan_.loss(), active_kernels()); }
  double positives_of(std::size_t row) const { return static_cast<double>(groups_.size[groups_.of_row[row]] - 1); }
  double share() const { return form_.both_ways || form_.unit_of_pair ? 0.5 : 1.0; }
  // What every loss is multiplied with.
  double factor() const { return form_.base_temperature > 0.0 ? number_ / form_.base_temperature : 1.0; }

  double number_in(int operand) const {
    const const_array& a = call_.operands[static_cast<std::size_t>(operand)];
    double x;
    wide_.load[static_cast<int>(a.type)][a.byteswapped](&x, a.data, {0, nullptr, nullptr, 0, 1});
    if (!std::isnan(x)) check_operand_value(plan_.loss(), call_.options, operand, x);
    return x;
  }

  void read_scale() {
    number_ = number_in(of_.number);
    if (of_.bias >= 0) bias_ = number_in(of_.bias);
    const double scale = of_.role == as_log_scale ? std::exp(number_) : of_.role == as_temperature ? 1.0 / number_ : number_;
    scale_ = static_cast<double>(static_cast<S>(scale));  // as the tiles have it
    // Not 0, of which infinite similarities, those of what is no pair, have no product.
    if (!form_.each_pair && !std::isnan(scale)) scale_ = std::max(scale_, static_cast<double>(std::numeric_limits<S>::min()));
  }

  // All that is read of the call is read before anything is written.
  void read_rows() {
    kept_ = numbers_of_units(plan_, call_.call.where);
    weight_ = numbers_of_units(plan_, call_.call.sample_weight);
    const bool each = !plan_.reduced() && call_.call.grad_output.rank > 0;
    flow_ = numbers_of_units(plan_, each ? call_.call.grad_output : const_array{});
    scalar_flow_ = scalar_flow(call_);
    rows_ = rows_of_call(call_, of_, form_, kept_);
    if (of_.labels >= 0) groups_ = groups_of_rows(call_.operands[static_cast<std::size_t>(of_.labels)], rows_.first);
    if (each_positive()) {  // as packs read them
      labels_.assign(padded_to(most_pack, anchors()) + most_pack, -1);
      std::transform(groups_.of_row.begin(), groups_.of_row.end(), labels_.begin(), [](std::size_t g) { return static_cast<label>(g); });
    }
    first_.read(plan_, rows_.first);
    if (!form_.one_set) second_.read(plan_, rows_.second);
    if (has_own()) own_.read(plan_, rows_.own);
  }

  // Rows in double, for what concerns one row and its positives.
  struct row_numbers {
    double *own, *other, *gradient;
  };
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
  void find_positives() {
    const std::size_t rows = first_.count(), features = first_.features();
    positive_.assign(rows, 0.0);
    has_positive_.assign(rows, 0);
    if (!groups_.size.empty()) sum_groups(nullptr, group_sums_);
    each_row(rows, [&](std::size_t r, const row_numbers& x) {
      widen_row(first_.row(r), features, x.own);
      double count = 1.0;
      if (!groups_.size.empty()) {
        count = positives_of(r);
        wide_.axpby(x.other, 1.0, group_sum(group_sums_, r), -1.0, x.own, padded());
      } else if (rows_.partner[r] >= 0) {
        widen_row(second().row(static_cast<std::size_t>(rows_.partner[r])), features, x.other);
      } else {
        count = 0.0;
      }
      has_positive_[r] = count > 0.0;
      if (count > 0.0) positive_[r] = wide_.sum_of_products(x.own, x.other, padded()) / count;
    });
  }

  // Further negatives of each row of the first set, in double: no two rows have one in common.
  bool has_own() const { return of_.further >= 0 && call_.operands[static_cast<std::size_t>(of_.further)].rank == 3; }
  std::size_t own_negatives() const { return static_cast<std::size_t>(call_.operands[static_cast<std::size_t>(of_.further)].shape[1]); }
  void add_own_negatives(anchor_sums& sums) {
    if (!has_own()) return;
    own_cosines_.resize(own_.count());
    each_row(first_.count(), [&](std::size_t r, const row_numbers& x) {
      widen_row(first_.row(r), first_.features(), x.own);
      for (std::size_t i = r * own_negatives(); i < (r + 1) * own_negatives(); ++i) {
        widen_row(own_.row(i), first_.features(), x.other);
        own_cosines_[i] = wide_.sum_of_products(x.own, x.other, padded());
        sums.add(r, scale_ * own_cosines_[i], 1.0);
      }
    });
  }

  // What flows into their cosines. An anchor's logarithm is at least their similarity.
  void weigh_own_negatives(const std::vector<double>& flow, const anchor_sums& sums) {
    if (!has_own()) return;
    own_weights_.resize(own_.count());
    for (std::size_t i = 0; i < own_.count(); ++i) {
      const std::size_t r = i / own_negatives();
      own_weights_[i] = times(flow[r], of_anchors_.d1[r]) * std::exp(scale_ * own_cosines_[i] - sums.logarithm(r));
    }
  }

  // Weights of positives: those that are least like their rows have the largest.
  void weigh_by_likeness() {
    emphasis_.assign(first_.count(), 1.0);
    if (form_.sigma == 0.0) return;
    double most = -1.0, sum = 0.0, count = 0.0;
    for (std::size_t r = 0; r < first_.count(); ++r)
      if (has_positive_[r]) most = std::max(most, positive_[r]);
    for (std::size_t r = 0; r < first_.count(); ++r) {
      emphasis_[r] = std::exp((positive_[r] - most) / form_.sigma);
      sum += has_positive_[r] ? emphasis_[r] : 0.0;
      count += has_positive_[r] ? 1.0 : 0.0;
    }
    for (double& e : emphasis_) e = 2.0 - e * count / sum;
  }

  double* group_sum(std::vector<double>& sums, std::size_t row) { return sums.data() + groups_.of_row[row] * padded(); }

  // The sums of the rows of each group, each times its weight where there are some.
  void sum_groups(const double* weights, std::vector<double>& sums) {
    sums.assign(groups_.size.size() * padded(), 0.0);
    std::vector<double> own(padded());
    for (std::size_t r = 0; r < first_.count(); ++r) {
      widen_row(first_.row(r), first_.features(), own.data());
      wide_.axpby(group_sum(sums, r), weights == nullptr ? 1.0 : weights[r], own.data(), 1.0, group_sum(sums, r), padded());
    }
  }

  // Losses of anchors and their derivatives: in the logarithm, and in minus the similarity with the positive.
  void evaluate_anchors(const anchor_sums& sums) {
    const std::size_t count = padded_to(most_pack, anchors());
    std::vector<double> excess(count, 0.0);
    of_anchors_ = {std::vector<double>(count), std::vector<double>(count)};
    for (std::size_t a = 0; a < anchors(); ++a) excess[a] = sums.logarithm(a) - emphasis_[rows_.row[a]] * scale_ * positive_[rows_.row[a]];
    kernels().of_anchors(call_.options, excess.data(), of_anchors_.values.data(), of_anchors_.d1.data(), count);
    positive_d1_ = of_anchors_.d1;
    for (std::size_t a = 0; a < anchors(); ++a) positive_d1_[a] *= emphasis_[rows_.row[a]];
  }

  void allocate_pairs(bool rises) {
    pairs_ = {&kernels(), call_.options, rises, std::vector<S>(padded_to(most_pack, anchors()) + most_pack, static_cast<S>(bias_)), {}};
    of_anchors_ = {std::vector<double>(anchors(), 0.0), std::vector<double>(anchors(), 0.0)};
  }

  // The same where they are means over positives, each with a loss of its own.
  void evaluate_positives(const similarity_tiles<S>& tiles, const anchor_sums& sums) {
    allocate_pairs(false);
    for (std::size_t a = 0; a < anchors(); ++a) pairs_.logarithm[a] = static_cast<S>(sums.logarithm(a));
    tiles.sum_single(pairs_, of_anchors_);
    for (std::size_t a = 0; a < anchors(); ++a) {
      if (!has_positive_[a]) continue;
      of_anchors_.values[a] /= positives_of(a);
      of_anchors_.d1[a] /= positives_of(a);
    }
    positive_d1_.assign(anchors(), 0.0);  // the tiles have it
  }

  // The same where they are sums over all pairs; d1 is the derivative in the bias then.
  void evaluate_pairs(const similarity_tiles<S>& tiles) {
    allocate_pairs(true);
    const std::size_t count = padded_to(most_pack, anchors());
    std::vector<double> excess(count, 0.0), values(count);
    positive_d1_.assign(count, 0.0);
    for (std::size_t a = 0; a < anchors(); ++a) excess[a] = -(scale_ * positive_[a] + bias_);
    kernels().of_anchors(call_.options, excess.data(), values.data(), positive_d1_.data(), count);
    tiles.sum_single(pairs_, of_anchors_);
    for (std::size_t a = 0; a < anchors(); ++a) {
      of_anchors_.values[a] += values[a];
      of_anchors_.d1[a] -= positive_d1_[a];
    }
  }

  // From losses of anchors to those of units, and which units have one.
  void add_to_units() {
    const std::vector<double>& values = of_anchors_.values;
    losses_.assign(kept_.size(), 0.0);
    std::vector<char> counts(kept_.size(), 0);
    for (std::size_t u = 0; u < kept_.size(); ++u) counts[u] = kept_[u] != 0.0;
    for (std::size_t a = 0; a < anchors(); ++a) {
      // Without anything to compare with, one loss is 0, and another no number.
      if (!has_positive_[rows_.row[a]] || values[a] == -std::numeric_limits<double>::infinity()) counts[rows_.unit[a]] = 0;
      else losses_[rows_.unit[a]] += share() * factor() * values[a];
    }
    for (std::size_t u = 0; u < kept_.size(); ++u)
      if (counts[u] == 0) kept_[u] = losses_[u] = weight_[u] = 0.0;
  }

  void weigh_units() {
    unit_sums sums{};
    for (std::size_t u = 0; u < kept_.size(); ++u)
      if (kept_[u] != 0.0) sums += {1.0, weight_[u], weight_[u]};
    denominator_ = denominator_of(plan_, sums);
    nothing_ = is_over_nothing(plan_, denominator_);
    const double reduced = !plan_.reduced() ? scalar_flow_ : nothing_ ? 0.0 : scalar_flow_ / denominator_;
    for (std::size_t u = 0; u < kept_.size(); ++u) flow_[u] = times(weight_[u], times(reduced, flow_[u]));
  }

  void find_gradients(similarity_tiles<S>& tiles, const anchor_sums& sums) {
    bool in_first = false, in_second = false;
    for (int g = 0; g < call_.gradient_count; ++g) {
      const int k = call_.gradient_of[static_cast<std::size_t>(g)];
      if (k == of_.bias || (k == of_.further && has_own())) continue;
      (k == of_.input || k == of_.number || form_.one_set ? in_first : in_second) = true;
    }
    std::vector<double> flow(anchors());
    double most = 0.0;
    for (std::size_t a = 0; a < anchors(); ++a) {
      flow[a] = times(flow_[rows_.unit[a]], share() * factor());
      most = std::max(most, std::abs(times(flow[a], has_pairs() ? 1.0 : of_anchors_.d1[a])));
    }
    // Coefficients in the tiles are at most 1 times what does not depend on the flow, however large or small that is.
    flow_scale_ = most > 0.0 && std::isfinite(most) ? most : 1.0;
    for (double& f : flow) f /= flow_scale_;
    if (in_first) first_.allocate_gradient();
    if (in_second) second_.allocate_gradient();
    if (has_pairs()) weigh_pairs(flow);
    weigh_positives(flow);
    weigh_own_negatives(flow, sums);
    tiles.add_gradients(weights_of(flow, sums), has_pairs() ? &pairs_ : nullptr, in_first, in_second || form_.one_set);
    products_.assign(first_.count(), 0.0);
    if (in_first) store_rows(first_, true);
    if (in_second) store_rows(second_, false);
    if (has_own()) store_own_negatives();
    clear_left_out();
    store_gradient_of_number();
    store_gradient_of_bias(flow);
  }

  anchor_weights<S> weights_of(const std::vector<double>& flow, const anchor_sums& sums) const {
    anchor_weights<S> weights{std::vector<S>(anchors(), S(0)), std::vector<S>(anchors(), static_cast<S>(scale_))};
    if (form_.each_pair) return weights;
    const bool bounded = scale_ <= most_bounded_scale<S>;
    for (std::size_t a = 0; a < anchors(); ++a) {
      const double into_logarithm = times(flow[a], of_anchors_.d1[a]);
      if (into_logarithm == 0.0) continue;
      const double logarithm = sums.logarithm(a);
      weights.coefficient[a] = static_cast<S>(bounded ? into_logarithm * std::exp(scale_ - logarithm) : into_logarithm);
      if (!bounded) weights.shift[a] = static_cast<S>(logarithm);
    }
    return weights;
  }

  // What flows into the similarity of each pair, but for the derivative of its loss.
  void weigh_pairs(const std::vector<double>& flow) {
    pairs_.coefficient.assign(pairs_.logarithm.size(), S(0));
    for (std::size_t a = 0; a < anchors(); ++a) {
      if (form_.each_pair) pairs_.coefficient[a] = static_cast<S>(flow[a]);
      else if (has_positive_[a]) pairs_.coefficient[a] = static_cast<S>(-flow[a] / positives_of(a));
    }
  }

  // What flows into the cosine of each row of the first set with each of its positives.
  void weigh_positives(const std::vector<double>& flow) {
    positive_weight_.assign(first_.count(), 0.0);
    for (std::size_t a = 0; a < anchors(); ++a) positive_weight_[rows_.row[a]] -= times(flow[a], positive_d1_[a]);
    if (groups_.size.empty()) return;
    for (std::size_t r = 0; r < first_.count(); ++r) positive_weight_[r] = has_positive_[r] ? positive_weight_[r] / positives_of(r) : 0.0;
    sum_groups(positive_weight_.data(), weighted_group_sums_);
  }

  // Adds to the gradient of a row what its positives have in it.
  void add_positives(std::size_t row, bool of_first, const row_numbers& x) {
    if (each_positive()) return;  // the tiles had them
    if (!groups_.size.empty()) {
      wide_.axpby(x.other, 1.0, group_sum(group_sums_, row), -2.0, x.own, padded());
      wide_.axpby(x.other, positive_weight_[row], x.other, 1.0, group_sum(weighted_group_sums_, row), padded());
      wide_.axpby(x.gradient, 1.0, x.gradient, 1.0, x.other, padded());
      return;
    }
    if (!of_first && row >= first_.count()) return;
    const std::ptrdiff_t partner = of_first ? rows_.partner[row] : static_cast<std::ptrdiff_t>(row);
    if (partner < 0) return;
    double weight = positive_weight_[of_first ? row : static_cast<std::size_t>(partner)];
    if (form_.one_set) weight += positive_weight_[static_cast<std::size_t>(partner)];
    widen_row((of_first ? second() : first_).row(static_cast<std::size_t>(partner)), first_.features(), x.other);
    wide_.axpby(x.gradient, 1.0, x.gradient, weight, x.other, padded());
  }

  // Which gradient of the call is that in an operand; -1: none.
  int gradient_in(int operand) const {
    for (int g = 0; g < call_.gradient_count; ++g)
      if (call_.gradient_of[static_cast<std::size_t>(g)] == operand) return g;
    return -1;
  }
  void store_row(const double* from, int g, std::size_t row) const {
    const mutable_array& to = outputs_.gradients[static_cast<std::size_t>(g)];
    const std::size_t features = first_.features();
    wide_.store[static_cast<int>(to.type)][to.byteswapped](from, to.data, {to.rank, to.shape, to.strides, row * features, features}, 1.0,
                                                           call_.call.accumulate);
  }

  // From gradients in directions to those in rows: what is along the row changes no direction.
  void store_rows(const embedding_set<S>& set, bool of_first) {
    const std::size_t features = set.features();
    each_row(set.count(), [&](std::size_t r, const row_numbers& x) {
      widen_row(set.row(r), features, x.own);
      widen_row(set.gradient(r), features, x.gradient);
      add_positives(r, of_first, x);
      if (of_first && has_own()) add_gradient_of_own(r, x);
      const double along = wide_.sum_of_products(x.own, x.gradient, padded());
      if (of_first) products_[r] = along;
      const int g = gradient_in(set.source(r).operand);
      if (g < 0) return;
      store_direction(set, r, g, along, x);
    });
  }

  // A gradient in the direction of a row, as one in the row.
  void store_direction(const embedding_set<S>& set, std::size_t r, int g, double along, const row_numbers& x) {
    const double length = set.length(r), scale = flow_scale_ * scale_ / length;
    if (length == 0.0) std::fill_n(x.gradient, padded(), 0.0);
    else wide_.axpby(x.gradient, scale, x.gradient, -scale * along, x.own, padded());
    if (call_.call.raise_nonfinite && wide_.nonfinite(x.gradient, set.features())) nonfinite_.store(true, std::memory_order_relaxed);
    store_row(x.gradient, g, set.source(r).row);
  }

  void add_gradient_of_own(std::size_t row, const row_numbers& x) {
    for (std::size_t i = row * own_negatives(); i < (row + 1) * own_negatives(); ++i) {
      widen_row(own_.row(i), first_.features(), x.other);
      wide_.axpby(x.gradient, 1.0, x.gradient, own_weights_[i], x.other, padded());
    }
  }

  void store_own_negatives() {
    const int g = gradient_in(of_.further);
    if (g < 0) return;
    each_row(own_.count(), [&](std::size_t i, const row_numbers& x) {
      widen_row(own_.row(i), first_.features(), x.own);
      widen_row(first_.row(i / own_negatives()), first_.features(), x.other);
      wide_.axpby(x.gradient, own_weights_[i], x.other, 0.0, nullptr, padded());
      store_direction(own_, i, g, own_weights_[i] * own_cosines_[i], x);
    });
  }

  // Zeros for the rows of units that take no part.
  void clear_left_out() const {
    if (call_.call.accumulate || call_.call.where.absent()) return;
    const std::vector<double> zeros(padded());
    const std::size_t samples = static_cast<std::size_t>(call_.operands[0].shape[0]);
    for (const int operand : {of_.input, of_.second, has_own() ? of_.further : -1}) {
      const int g = operand < 0 ? -1 : gradient_in(operand);
      if (g < 0) continue;
      std::vector<char> there(operand == of_.further ? samples * own_negatives() : samples, 0);
      for (const std::vector<row_source>* rows : {&rows_.first, &rows_.second, &rows_.own})
        for (const row_source& r : *rows)
          if (r.operand == operand) there[r.row] = 1;
      for (std::size_t i = 0; i < there.size(); ++i)
        if (there[i] == 0) store_row(zeros.data(), g, i);
    }
  }

  // Every similarity is a cosine times the scale.
  void store_gradient_of_number() {
    const int g = gradient_in(of_.number);
    if (g < 0) return;
    double by_scale = 0.0;
    for (const double p : products_) by_scale += p;
    by_scale *= flow_scale_ * (form_.one_set ? 0.5 : 1.0);
    double gradient = of_.role == as_scale ? by_scale : of_.role == as_log_scale ? scale_ * by_scale : -scale_ * by_scale / number_;
    if (form_.base_temperature > 0.0)
      for (std::size_t u = 0; u < losses_.size(); ++u) gradient += times(flow_[u], losses_[u]) / number_;
    store_number_at(gradient, g);
  }

  void store_gradient_of_bias(const std::vector<double>& flow) {
    const int g = gradient_in(of_.bias);
    if (g < 0) return;
    double gradient = 0.0;
    for (std::size_t a = 0; a < anchors(); ++a) gradient += times(flow[a], of_anchors_.d1[a]);
    store_number_at(gradient * flow_scale_, g);
  }

  void store_number_at(double x, int g) {
    if (call_.call.raise_nonfinite && !std::isfinite(x)) nonfinite_.store(true);
    const mutable_array& to = outputs_.gradients[static_cast<std::size_t>(g)];
    wide_.store[static_cast<int>(to.type)][to.byteswapped](&x, to.data, {0, nullptr, nullptr, 0, 1}, 1.0, call_.call.accumulate);
  }

  double finish() {
    std::vector<double> values(losses_.size());
    double sum = 0.0;
    for (std::size_t u = 0; u < values.size(); ++u) sum += values[u] = times(weight_[u], losses_[u]);
    if (call_.statistics) return finished_statistics(plan_, outputs_, {sum, denominator_});
    if (!call_.value) return 0.0;
    if (plan_.reduced()) return finished_value(plan_, nothing_ ? value_over_nothing(plan_) : sum / denominator_);
    const mutable_array& to = outputs_.value;
    if (call_.call.raise_nonfinite && wide_.nonfinite(values.data(), values.size())) nonfinite_.store(true);
    wide_.store[static_cast<int>(to.type)][to.byteswapped](
        values.data(), to.data, {plan_.units().rank, plan_.units().shape, to.strides, 0, values.size()}, 1.0, false);
    return 0.0;
  }

  const call_plan& plan_;
  const loss_call& call_;
  const loss_outputs& outputs_;
  const similarity_operands of_;
  const similarity_form form_;
  const tile_operations& wide_;  // in double
  double number_ = 0.0, scale_ = 0.0, bias_ = 0.0;
  std::vector<double> kept_, weight_, flow_;  // of units: whether they count; sample weights, 0 where they do not; what flows back
  double scalar_flow_ = 1.0, flow_scale_ = 1.0;
  similarity_rows rows_;
  row_groups groups_;
  embedding_set<S> first_, second_, own_;
  std::vector<double> own_cosines_, own_weights_;
  std::vector<double> positive_, positive_weight_;  // of rows of the first set: mean cosines with positives, and what flows into each
  std::vector<double> emphasis_;                    // of these rows: the weight of the positive
  std::vector<char> has_positive_;
  std::vector<double> group_sums_, weighted_group_sums_;
  anchor_results of_anchors_;        // losses, and derivatives in the logarithm
  std::vector<double> positive_d1_;  // of anchors, in minus the similarity with the positive
  loss_of_pairs<S> pairs_;           // where pairs have losses of their own
  std::vector<label> labels_;        // of rows, where each positive has a loss of its own
  std::vector<double> losses_;       // of units
  std::vector<double> products_;     // of rows of the first set: cosines times what flows into them
  double denominator_ = 1.0;
  bool nothing_ = false;
  std::atomic<bool> nonfinite_{false};
};

}  // namespace

double run_similarity(const call_plan& plan, const loss_outputs& outputs, bool) {
  return plan.computation() == dtype::float64 ? similarity_run<double>(plan, outputs).run() : similarity_run<float>(plan, outputs).run();
}

}  // namespace fastloss

// From the operands of a call to the losses of its units.
#include <cmath>
#include <limits>

#include "engine/call/checks.hpp"
#include "engine/call/labels.hpp"
#include "engine/call/reduction.hpp"
#include "engine/similarity/job.hpp"

namespace fastloss {

template <class S>
void similarity_run<S>::prepare() {
  read_scale();
  read_rows();
  find_positives();
  transform_positives();
  weigh_by_likeness();
}

template <class S>
void similarity_run<S>::evaluate(anchor_sums& sums) {
  if (form_.each_pair) {
    evaluate_pairs();
  } else {
    for (const similarity_tiles<S>& tiles : tiles_) tiles.sum(sums);
    if (of_.proxies >= 0) each_of_proxies([&](const similarity_tiles<S>& tiles) { tiles.sum(sums); });
    if (has_own()) add_own_negatives(sums);
    if (each_positive()) evaluate_positives(sums);
    else evaluate_anchors(sums);
  }
  add_to_units();
  weigh_units();
}

template <class S>
double similarity_run<S>::number_in(int operand) const {
  const const_array& a = call_.operands[static_cast<std::size_t>(operand)];
  double x;
  wide_.load[static_cast<int>(a.type)][a.byteswapped](&x, a.data, {0, nullptr, nullptr, 0, 1});
  if (!std::isnan(x)) check_operand_value(plan_.loss(), call_.options, operand, x);
  return x;
}

template <class S>
void similarity_run<S>::read_scale() {
  number_ = number_in(of_.number);
  if (of_.bias >= 0) bias_ = number_in(of_.bias);
  const double scale = form_.scale_factor * (of_.role == as_log_scale     ? std::exp(number_)
                                             : of_.role == as_temperature ? 1.0 / number_
                                                                          : number_);
  scale_ = static_cast<double>(static_cast<S>(scale));  // as the tiles have it
  // Not 0, of which infinite similarities, those of what is no pair, have no product.
  if (!form_.each_pair && !std::isnan(scale)) scale_ = std::max(scale_, static_cast<double>(std::numeric_limits<S>::min()));
}

template <class S>
void similarity_run<S>::read_rows() {
  kept_ = numbers_of_units(plan_, call_.call.where);
  weight_ = numbers_of_units(plan_, call_.call.sample_weight);
  const bool each = !plan_.reduced() && call_.call.grad_output.rank > 0;
  flow_ = numbers_of_units(plan_, each ? call_.call.grad_output : const_array{});
  scalar_flow_ = scalar_flow(call_);
  if (of_.classes >= 0) read_classes();
  rows_ = rows_of_call(call_, of_, form_, kept_, classes_);
  if (of_.labels >= 0) groups_ = groups_of_rows(call_, of_, rows_);
  if (each_positive()) {  // as packs read them
    labels_.assign(groups_.of_row.size() + 2 * most_pack, -1);
    std::transform(groups_.of_row.begin(), groups_.of_row.end(), labels_.begin(), [](std::size_t g) { return static_cast<label>(g); });
  }
  first_.read(plan_, rows_.first);
  if (!form_.one_set) second_.read(plan_, rows_.second);
  if (of_.memory >= 0) memory_.read(plan_, rows_.memory);
  if (has_own()) own_.read(plan_, rows_.own);
}

template <class S>
void similarity_run<S>::read_classes() {
  const const_array& target = call_.operands[static_cast<std::size_t>(of_.classes)];
  const std::size_t count = static_cast<std::size_t>(call_.operands[static_cast<std::size_t>(of_.proxies)].shape[0]) / form_.subcenters;
  classes_.resize(kept_.size());
  if (classes_.empty()) return;
  const bool inside = active_kernels().rows[1].load_labels[static_cast<int>(target.type)][target.byteswapped](
      classes_.data(), target.data, {1, target.shape, target.strides, 0, classes_.size()}, static_cast<std::int64_t>(count),
      call_.call.ignore_index);
  if (!inside) check_class_indices(plan_, {count, of_.proxies, 0});
  for (std::size_t u = 0; u < kept_.size(); ++u)
    if (classes_[u] < 0) kept_[u] = 0.0;
}

template <class S>
double similarity_run<S>::choose_positive(std::size_t row, const row_numbers& x) {
  const std::size_t first = static_cast<std::size_t>(rows_.partner[row]);
  double largest = 0.0;
  for (std::size_t k = first; k < first + form_.subcenters; ++k) {
    widen_row(second_.row(k), first_.features(), x.other);
    const double cosine = wide_.sum_of_products(x.own, x.other, padded());
    if (k > first && !(cosine > largest || std::isnan(cosine))) continue;
    largest = cosine;
    rows_.partner[row] = static_cast<std::ptrdiff_t>(k);
  }
  return largest;
}

template <class S>
void similarity_run<S>::find_positives() {
  const std::size_t rows = first_.count(), features = first_.features();
  positive_.assign(rows, 0.0);
  has_positive_.assign(rows, 0);
  if (!groups_.size.empty()) sum_groups(nullptr, group_sums_);
  each_row(rows, [&](std::size_t r, const row_numbers& x) {
    widen_row(first_.row(r), features, x.own);
    double count = 1.0;
    if (of_.proxies >= 0) {
      positive_[r] = choose_positive(r, x);
      has_positive_[r] = 1;
      return;
    }
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

template <class S>
void similarity_run<S>::transform_positives() {
  const std::size_t count = padded_to(most_pack, first_.count());
  positive_.resize(count, 0.0);
  positive_value_ = positive_;
  positive_slope_.assign(count, 1.0);
  if (kernels().of_positives == nullptr) return;
  kernels().of_positives(call_.options, positive_.data(), positive_value_.data(), positive_slope_.data(), count);
}

template <class S>
void similarity_run<S>::add_own_negatives(anchor_sums& sums) {
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

template <class S>
void similarity_run<S>::weigh_by_likeness() {
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

template <class S>
void similarity_run<S>::sum_groups(const double* weights, std::vector<double>& sums) {
  sums.assign(groups_.size.size() * padded(), 0.0);
  std::vector<double> own(padded());
  for (const set_of_rows set : {set_of_rows::first, set_of_rows::memory}) {
    const embedding_set<S>& rows = rows_of(set);
    for (std::size_t r = 0; r < rows.count(); ++r) {
      const std::size_t place = place_of(set, r);
      widen_row(rows.row(r), first_.features(), own.data());
      wide_.axpby(group_sum(sums, place), weights == nullptr ? 1.0 : weights[place], own.data(), 1.0, group_sum(sums, place), padded());
    }
  }
}

template <class S>
void similarity_run<S>::evaluate_anchors(const anchor_sums& sums) {
  const std::size_t count = padded_to(most_pack, anchors());
  std::vector<double> excess(count, 0.0);
  of_anchors_ = {std::vector<double>(count), std::vector<double>(count)};
  for (std::size_t a = 0; a < anchors(); ++a)
    excess[a] = sums.logarithm(a) - emphasis_[rows_.row[a]] * scale_ * positive_value_[rows_.row[a]];
  kernels().of_anchors(call_.options, excess.data(), of_anchors_.values.data(), of_anchors_.d1.data(), count);
  positive_d1_ = of_anchors_.d1;
  for (std::size_t a = 0; a < anchors(); ++a) positive_d1_[a] *= emphasis_[rows_.row[a]];
}

template <class S>
void similarity_run<S>::allocate_pairs(bool rises) {
  pairs_ = {&kernels(), call_.options, rises, std::vector<S>(padded_to(most_pack, anchors()) + most_pack, static_cast<S>(bias_)), {}};
  of_anchors_ = {std::vector<double>(anchors(), 0.0), std::vector<double>(anchors(), 0.0)};
}

template <class S>
void similarity_run<S>::evaluate_positives(const anchor_sums& sums) {
  allocate_pairs(false);
  for (std::size_t a = 0; a < anchors(); ++a) pairs_.logarithm[a] = static_cast<S>(sums.logarithm(a));
  for (const similarity_tiles<S>& tiles : tiles_) tiles.sum_single(pairs_, of_anchors_);
  for (std::size_t a = 0; a < anchors(); ++a) {
    if (!has_positive_[a]) continue;
    of_anchors_.values[a] /= positives_of(a);
    of_anchors_.d1[a] /= positives_of(a);
  }
  positive_d1_.assign(anchors(), 0.0);  // the tiles have it
}

template <class S>
void similarity_run<S>::evaluate_pairs() {
  allocate_pairs(true);
  const std::size_t count = padded_to(most_pack, anchors());
  std::vector<double> excess(count, 0.0), values(count);
  positive_d1_.assign(count, 0.0);
  for (std::size_t a = 0; a < anchors(); ++a) excess[a] = -(scale_ * positive_[a] + bias_);
  kernels().of_anchors(call_.options, excess.data(), values.data(), positive_d1_.data(), count);
  for (const similarity_tiles<S>& tiles : tiles_) tiles.sum_single(pairs_, of_anchors_);
  for (std::size_t a = 0; a < anchors(); ++a) {
    of_anchors_.values[a] += values[a];
    of_anchors_.d1[a] -= positive_d1_[a];
  }
}

template <class S>
void similarity_run<S>::add_to_units() {
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

template <class S>
void similarity_run<S>::weigh_units() {
  unit_sums sums{};
  for (std::size_t u = 0; u < kept_.size(); ++u)
    if (kept_[u] != 0.0) sums += {1.0, weight_[u], weight_[u]};
  denominator_ = denominator_of(plan_, sums);
  nothing_ = is_over_nothing(plan_, denominator_);
  const double reduced = !plan_.reduced() ? scalar_flow_ : nothing_ ? 0.0 : scalar_flow_ / denominator_;
  for (std::size_t u = 0; u < kept_.size(); ++u) flow_[u] = times(weight_[u], times(reduced, flow_[u]));
}

template void similarity_run<float>::prepare();
template void similarity_run<double>::prepare();
template void similarity_run<float>::evaluate(anchor_sums&);
template void similarity_run<double>::evaluate(anchor_sums&);
template void similarity_run<float>::sum_groups(const double*, std::vector<double>&);
template void similarity_run<double>::sum_groups(const double*, std::vector<double>&);

}  // namespace fastloss

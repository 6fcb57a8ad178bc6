// From what flows into the losses of units to gradients in the operands.
#include <algorithm>
#include <cmath>

#include "engine/call/reduction.hpp"
#include "engine/similarity/job.hpp"

namespace fastloss {

template <class S>
void similarity_run<S>::weigh_own_negatives(const std::vector<double>& flow, const anchor_sums& sums) {
  own_weights_.resize(own_.count());
  for (std::size_t i = 0; i < own_.count(); ++i) {
    const std::size_t r = i / own_negatives();
    own_weights_[i] = times(flow[r], of_anchors_.d1[r]) * std::exp(scale_ * own_cosines_[i] - sums.logarithm(r));
  }
}

template <class S>
void similarity_run<S>::find_gradients(const anchor_sums& sums) {
  bool in_first = false, in_second = false;
  const bool in_proxies = of_.proxies >= 0 && gradient_in(of_.proxies) >= 0;
  // What the similarities with the memory have in the gradient of the number is found at either end of each pair.
  const bool in_memory = of_.memory >= 0 && (gradient_in(of_.memory) >= 0 || gradient_in(of_.number) >= 0);
  for (int g = 0; g < call_.gradient_count; ++g) {
    const int k = call_.gradient_of[static_cast<std::size_t>(g)];
    if (k == of_.bias || k == of_.memory || k == of_.proxies || (k == of_.further && has_own())) continue;
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
  if (in_memory) memory_.allocate_gradient();
  if (has_pairs()) weigh_pairs(flow);
  weigh_positives(flow);
  if (has_own()) weigh_own_negatives(flow, sums);
  const anchor_weights<S> weights = weights_of(flow, sums);
  const loss_of_pairs<S>* const single = has_pairs() ? &pairs_ : nullptr;
  products_.assign(places(), 0.0);
  if (of_.proxies >= 0) {
    each_of_proxies([&](similarity_tiles<S>& tiles) {
      if (in_proxies) held_->allocate_gradient();
      tiles.add_gradients(weights, nullptr, in_first, in_proxies);
      if (in_proxies) store_rows(set_of_rows::proxies);
    });
  } else {
    tiles_.front().add_gradients(weights, single, in_first, form_.one_set ? in_first : in_second);
    if (of_.memory >= 0) tiles_.back().add_gradients(weights, single, in_first, in_memory);
  }
  if (in_first) store_rows(set_of_rows::first);
  if (in_second) store_rows(set_of_rows::second);
  if (in_memory) store_rows(set_of_rows::memory);
  if (has_own()) store_own_negatives();
  clear_left_out();
  store_gradient_of_number();
  store_gradient_of_bias(flow);
}

template <class S>
anchor_weights<S> similarity_run<S>::weights_of(const std::vector<double>& flow, const anchor_sums& sums) const {
  anchor_weights<S> weights{std::vector<S>(anchors(), S(0)), std::vector<S>(anchors(), static_cast<S>(scale_))};
  if (form_.each_pair) return weights;
  for (std::size_t a = 0; a < anchors(); ++a) {
    const double into_logarithm = times(flow[a], of_anchors_.d1[a]);
    if (into_logarithm == 0.0) continue;
    const double logarithm = sums.logarithm(a);
    weights.coefficient[a] = static_cast<S>(bounded() ? into_logarithm * std::exp(scale_ - logarithm) : into_logarithm);
    if (!bounded()) weights.shift[a] = static_cast<S>(logarithm);
  }
  return weights;
}

template <class S>
void similarity_run<S>::weigh_pairs(const std::vector<double>& flow) {
  pairs_.coefficient.assign(pairs_.logarithm.size(), S(0));
  for (std::size_t a = 0; a < anchors(); ++a) {
    if (form_.each_pair) pairs_.coefficient[a] = static_cast<S>(flow[a]);
    else if (has_positive_[a]) pairs_.coefficient[a] = static_cast<S>(-flow[a] / positives_of(a));
  }
}

template <class S>
void similarity_run<S>::weigh_positives(const std::vector<double>& flow) {
  positive_weight_.assign(places(), 0.0);
  positive_rest_.assign(places(), 0.0);
  for (std::size_t a = 0; a < anchors(); ++a) {
    const std::size_t r = rows_.row[a];
    const double into_positive = -times(flow[a], positive_d1_[a]);
    positive_weight_[r] += times(into_positive, positive_slope_[r]);
    positive_rest_[r] += times(into_positive, positive_value_[r] - positive_slope_[r] * positive_[r]);
  }
  if (of_.proxies >= 0) {
    for (std::size_t r = 0; r < first_.count(); ++r)
      anchors_of_proxies_.emplace_back(second_.source(static_cast<std::size_t>(rows_.partner[r])).row, r);
    std::sort(anchors_of_proxies_.begin(), anchors_of_proxies_.end());
  }
  if (groups_.size.empty()) return;
  for (std::size_t r = 0; r < first_.count(); ++r) positive_weight_[r] = has_positive_[r] ? positive_weight_[r] / positives_of(r) : 0.0;
  sum_groups(positive_weight_.data(), weighted_group_sums_);
}

template <class S>
void similarity_run<S>::add_positives(std::size_t row, set_of_rows set, const row_numbers& x) {
  if (each_positive()) return;  // the tiles had them
  if (!groups_.size.empty()) {
    const std::size_t place = place_of(set, row);
    wide_.axpby(x.other, 1.0, group_sum(group_sums_, place), -2.0, x.own, padded());
    wide_.axpby(x.other, positive_weight_[place], x.other, 1.0, group_sum(weighted_group_sums_, place), padded());
    wide_.axpby(x.gradient, 1.0, x.gradient, 1.0, x.other, padded());
    return;
  }
  if (set == set_of_rows::memory) return;
  if (set == set_of_rows::proxies) {
    const std::size_t proxy = held_->source(row).row;
    const auto before = [](const auto& pair, std::size_t of) { return pair.first < of; };
    for (auto at = std::lower_bound(anchors_of_proxies_.begin(), anchors_of_proxies_.end(), proxy, before);
         at != anchors_of_proxies_.end() && at->first == proxy; ++at) {
      widen_row(first_.row(at->second), first_.features(), x.other);
      wide_.axpby(x.gradient, 1.0, x.gradient, positive_weight_[at->second], x.other, padded());
    }
    return;
  }
  const bool of_first = set == set_of_rows::first;
  if (!of_first && row >= first_.count()) return;
  const std::ptrdiff_t partner = of_first ? rows_.partner[row] : static_cast<std::ptrdiff_t>(row);
  if (partner < 0) return;
  double weight = positive_weight_[of_first ? row : static_cast<std::size_t>(partner)];
  if (form_.one_set) weight += positive_weight_[static_cast<std::size_t>(partner)];
  widen_row((of_first ? second() : first_).row(static_cast<std::size_t>(partner)), first_.features(), x.other);
  wide_.axpby(x.gradient, 1.0, x.gradient, weight, x.other, padded());
}

template <class S>
int similarity_run<S>::gradient_in(int operand) const {
  for (int g = 0; g < call_.gradient_count; ++g)
    if (call_.gradient_of[static_cast<std::size_t>(g)] == operand) return g;
  return -1;
}

template <class S>
void similarity_run<S>::store_row(const double* from, int g, std::size_t row) const {
  const mutable_array& to = outputs_.gradients[static_cast<std::size_t>(g)];
  const std::size_t features = first_.features();
  wide_.store[static_cast<int>(to.type)][to.byteswapped](from, to.data, {to.rank, to.shape, to.strides, row * features, features}, 1.0,
                                                         call_.call.accumulate);
}

template <class S>
void similarity_run<S>::store_rows(set_of_rows set) {
  const embedding_set<S>& rows = rows_of(set);
  const std::size_t features = rows.features();
  each_row(rows.count(), [&](std::size_t r, const row_numbers& x) {
    widen_row(rows.row(r), features, x.own);
    widen_row(rows.gradient(r), features, x.gradient);
    add_positives(r, set, x);
    if (set == set_of_rows::first && has_own()) add_gradient_of_own(r, x);
    const double along = wide_.sum_of_products(x.own, x.gradient, padded());
    if (set == set_of_rows::first || set == set_of_rows::memory) products_[place_of(set, r)] = along + positive_rest_[place_of(set, r)];
    const int g = gradient_in(rows.source(r).operand);
    if (g < 0) return;
    store_direction(rows, r, g, along, x);
  });
}

template <class S>
void similarity_run<S>::store_direction(const embedding_set<S>& set, std::size_t r, int g, double along, const row_numbers& x) {
  const double length = set.length(r), scale = flow_scale_ * scale_ / length;
  if (length == 0.0) std::fill_n(x.gradient, padded(), 0.0);
  else wide_.axpby(x.gradient, scale, x.gradient, -scale * along, x.own, padded());
  if (call_.call.raise_nonfinite && wide_.nonfinite(x.gradient, set.features())) nonfinite_.store(true, std::memory_order_relaxed);
  store_row(x.gradient, g, set.source(r).row);
}

template <class S>
void similarity_run<S>::add_gradient_of_own(std::size_t row, const row_numbers& x) {
  for (std::size_t i = row * own_negatives(); i < (row + 1) * own_negatives(); ++i) {
    widen_row(own_.row(i), first_.features(), x.other);
    wide_.axpby(x.gradient, 1.0, x.gradient, own_weights_[i], x.other, padded());
  }
}

template <class S>
void similarity_run<S>::store_own_negatives() {
  const int g = gradient_in(of_.further);
  if (g < 0) return;
  each_row(own_.count(), [&](std::size_t i, const row_numbers& x) {
    widen_row(own_.row(i), first_.features(), x.own);
    widen_row(first_.row(i / own_negatives()), first_.features(), x.other);
    wide_.axpby(x.gradient, own_weights_[i], x.other, 0.0, nullptr, padded());
    store_direction(own_, i, g, own_weights_[i] * own_cosines_[i], x);
  });
}

template <class S>
void similarity_run<S>::clear_left_out() const {
  if (call_.call.accumulate || (call_.call.where.absent() && of_.classes < 0)) return;
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

template <class S>
void similarity_run<S>::store_gradient_of_number() {
  const int g = gradient_in(of_.number);
  if (g < 0) return;
  double by_scale = 0.0;
  for (const double p : products_) by_scale += p;
  by_scale *= flow_scale_ * (form_.one_set ? 0.5 : 1.0);
  double gradient = of_.role == as_scale       ? form_.scale_factor * by_scale
                    : of_.role == as_log_scale ? scale_ * by_scale
                                               : -scale_ * by_scale / number_;
  if (form_.base_temperature > 0.0)
    for (std::size_t u = 0; u < losses_.size(); ++u) gradient += times(flow_[u], losses_[u]) / number_;
  store_number_at(gradient, g);
}

template <class S>
void similarity_run<S>::store_gradient_of_bias(const std::vector<double>& flow) {
  const int g = gradient_in(of_.bias);
  if (g < 0) return;
  double gradient = 0.0;
  for (std::size_t a = 0; a < anchors(); ++a) gradient += times(flow[a], of_anchors_.d1[a]);
  store_number_at(gradient * flow_scale_, g);
}

template <class S>
void similarity_run<S>::store_number_at(double x, int g) {
  if (call_.call.raise_nonfinite && !std::isfinite(x)) nonfinite_.store(true);
  const mutable_array& to = outputs_.gradients[static_cast<std::size_t>(g)];
  wide_.store[static_cast<int>(to.type)][to.byteswapped](&x, to.data, {0, nullptr, nullptr, 0, 1}, 1.0, call_.call.accumulate);
}

template void similarity_run<float>::find_gradients(const anchor_sums&);
template void similarity_run<double>::find_gradients(const anchor_sums&);

}  // namespace fastloss

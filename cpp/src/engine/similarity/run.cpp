#include "engine/similarity/run.hpp"

#include <utility>
#include <vector>

#include "engine/call/reduction.hpp"
#include "engine/similarity/job.hpp"

namespace fastloss {

template <class S>
double similarity_run<S>::run() {
  prepare();
  pair_sets();
  anchor_sums sums(anchors());
  evaluate(sums);
  if (call_.gradient_count > 0) find_gradients(sums);
  const double value = finish();
  check_finite(plan_, nonfinite_.load());
  return value;
}

template <class S>
paired_sets<S> similarity_run<S>::sets_with(embedding_set<S>& columns) {
  paired_sets<S> sets{};
  sets.rows = &first_;
  sets.columns = &columns;
  sets.scale = scale_;
  sets.bounded = bounded();
  sets.threads = call_.call.threads;
  return sets;
}

template <class S>
void similarity_run<S>::pair_sets() {
  if (of_.proxies >= 0) return;  // which are held some at a time
  paired_sets<S> sets = sets_with(second());
  sets.one_set = form_.one_set;
  sets.first_column = rows_.first_column;
  sets.column_anchors = rows_.column_anchors;
  if (groups_.size.empty()) sets.column_of = rows_.partner.data();
  if (each_positive()) sets.row_labels = sets.column_labels = labels_.data();
  tiles_.emplace_back(sets);
  if (of_.memory < 0) return;
  sets = sets_with(memory_);
  if (each_positive()) {
    sets.row_labels = labels_.data();
    sets.column_labels = labels_.data() + first_.count();
  }
  tiles_.emplace_back(sets);
}

template <class S>
void similarity_run<S>::hold_proxies(std::size_t first, std::size_t count) {
  if (held_ && held_->source(0).row == first) return;  // as all of them are held
  std::vector<row_source> sources(count);
  for (std::size_t i = 0; i < count; ++i) sources[i] = {of_.proxies, first + i};
  held_.emplace();
  held_->read(plan_, std::move(sources));
}

template <class S>
paired_sets<S> similarity_run<S>::sets_with_proxies(std::size_t first) {
  column_of_positive_.resize(first_.count());
  for (std::size_t r = 0; r < first_.count(); ++r) {
    const std::size_t proxy = static_cast<std::size_t>(classes_[rows_.first[r].row]) * form_.subcenters;
    column_of_positive_[r] = proxy >= first && proxy < first + held_->count() ? static_cast<std::ptrdiff_t>(proxy - first) : -1;
  }
  paired_sets<S> sets = sets_with(*held_);
  sets.column_of = column_of_positive_.data();
  sets.subcenters = form_.subcenters;
  return sets;
}

template <class S>
double similarity_run<S>::finish() {
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

template void similarity_run<float>::hold_proxies(std::size_t, std::size_t);
template void similarity_run<double>::hold_proxies(std::size_t, std::size_t);
template paired_sets<float> similarity_run<float>::sets_with_proxies(std::size_t);
template paired_sets<double> similarity_run<double>::sets_with_proxies(std::size_t);

double run_similarity(const call_plan& plan, const loss_outputs& outputs, bool) {
  return plan.computation() == dtype::float64 ? similarity_run<double>(plan, outputs).run() : similarity_run<float>(plan, outputs).run();
}

}  // namespace fastloss

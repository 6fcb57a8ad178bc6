#include "engine/similarity/run.hpp"

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
void similarity_run<S>::pair_sets() {
  paired_sets<S> sets{};
  sets.rows = &first_;
  sets.columns = &second();
  sets.one_set = form_.one_set;
  sets.first_column = rows_.first_column;
  sets.column_anchors = rows_.column_anchors;
  if (groups_.size.empty()) sets.column_of = rows_.partner.data();
  if (each_positive()) sets.row_labels = sets.column_labels = labels_.data();
  sets.scale = scale_;
  sets.bounded = bounded();
  sets.threads = call_.call.threads;
  tiles_.emplace_back(sets);
  if (of_.memory < 0) return;
  sets.columns = &memory_;
  sets.one_set = false;
  sets.column_of = nullptr;
  if (each_positive()) sets.column_labels = labels_.data() + first_.count();
  tiles_.emplace_back(sets);
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

double run_similarity(const call_plan& plan, const loss_outputs& outputs, bool) {
  return plan.computation() == dtype::float64 ? similarity_run<double>(plan, outputs).run() : similarity_run<float>(plan, outputs).run();
}

}  // namespace fastloss

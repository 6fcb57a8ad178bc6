// From a checked call and its outputs to results: which passes are needed, in which order, and what their sums mean.
#include <cmath>
#include <limits>
#include <vector>

#include "engine/call/reduction.hpp"
#include "engine/pointwise/domains.hpp"
#include "engine/pointwise/job.hpp"
#include "engine/pointwise/outputs.hpp"
#include "engine/pointwise/run.hpp"
#include "fastloss/runtime/memory.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// What a tile of float32 values loses to underflow is below 1e-42 in all; sums above this have every digit that float32 has.
constexpr double least_exact_sum = 1e-30;
// Slopes of a head outside of this range leave gradients that float32 cannot hold before they are scaled.
constexpr double least_float32_d1 = 1e-30, largest_float32_d1 = 1e30;

double read_number(const kernel_table& table, const const_array& a) {
  const strided_run one{0, nullptr, nullptr, 0, 1};
  double x;
  table.tiles[1].load[static_cast<int>(a.type)][a.byteswapped](&x, a.data, one);
  return x;
}

// A number that the domain contains: 1 if that is one.
double number_inside(const domain& d) {
  if (d.contains(1.0)) return 1.0;
  if (std::isfinite(d.upper) && !d.upper_open) return d.upper;
  if (std::isfinite(d.lower) && !d.lower_open) return d.lower;
  if (std::isfinite(d.lower) && std::isfinite(d.upper)) return d.lower + (d.upper - d.lower) / 2;
  return std::isfinite(d.lower) ? d.lower + 1.0 : d.upper - 1.0;
}

// Collects the arrays of a call, each with its strides over the input's axes, and lays them out together.
class job_builder {
 public:
  job_builder(const loss_call& call, const loss_outputs& outputs, dtype computation, pointwise_job& job)
      : call_(call), outputs_(outputs), input_(call.operands[0]), computation_(computation), table_(active_kernels()), job_(job) {
    job_.loss = call.loss;
    job_.options = call.options;
    job_.item = itemsize(computation_);
    job_.ops = &table_.tiles[computation_ == dtype::float64];
    job_.wide_ops = &table_.tiles[1];
    // Under a head that is no sum, such as a root, a loss may be in the range of float32 though the sum is below it.
    job_.least_sum = pointwise_loss_of(*call.loss).head != nullptr && call.call.reduction != reduction::none ? least_exact_sum : 0.0;
    job_.accumulate = call.call.accumulate;
    job_.check_finite = call.call.raise_nonfinite;
    job_.count = element_count(input_.rank, input_.shape);
  }

  void build(std::vector<double>& sums) {
    add_operands();
    add(job_.sample_weight, call_.call.sample_weight, alignment::leading);
    add(job_.where, call_.call.where, alignment::leading);
    job_.grad_output.how = walk::kind::none;
    if (call_.call.reduction == reduction::none && call_.call.grad_output.rank > 0)
      add(job_.grad_output, call_.call.grad_output, alignment::same);
    job_.value.how = walk::kind::none;
    if (call_.value && call_.call.reduction == reduction::none) add_output(job_.value, outputs_.value, input_, alignment::same);
    job_.hessian.how = walk::kind::none;
    if (call_.hessian) add_output(job_.hessian, outputs_.hessian, input_, alignment::same);
    add_gradients(sums);
    layout();
    choose_kernels();
    choose_denominator();
    choose_streaming();
  }

 private:
  void add(walk& w, const const_array& a, alignment how) {
    w.how = walk::kind::none;
    if (a.absent()) return;
    w.base = static_cast<char*>(const_cast<void*>(a.data));
    w.type = a.type;
    w.byteswapped = a.byteswapped;
    w.how = walk::kind::strided;
    align_strides(a, how, input_.rank, input_.shape, w.strides);
    layout_.strides[layout_.arrays] = w.strides;
    walks_[layout_.arrays++] = &w;
  }

  void add_output(walk& w, const mutable_array& a, const const_array& like, alignment how) {
    add(w, {a.data, like.shape, a.strides, like.rank, a.type, a.byteswapped}, how);
  }

  void add_operands() {
    layout_.arrays = 0;
    job_.operand_total = static_cast<int>(call_.loss->operands.size());
    job_.formula_total = 0;
    job_.weight_operand = -1;
    job_.checked = 0;
    bool any_optional = false;
    for (int k = 0; k < job_.operand_total; ++k) {
      const operand& o = call_.loss->operands[static_cast<std::size_t>(k)];
      const const_array& a = call_.operands[static_cast<std::size_t>(k)];
      add(job_.operands[k], a, alignment_of(o));
      job_.filler[k] = 1.0;
      if (o.is(multiplies)) {
        if (!a.absent()) job_.weight_operand = k;
        continue;
      }
      if (!a.absent()) choose_domain(k);
      any_optional |= o.is(optional) && !a.absent();
    }
    for (int k = 0; k < job_.operand_total; ++k) {
      const operand& o = call_.loss->operands[static_cast<std::size_t>(k)];
      if (o.is(multiplies) || (o.is(optional) && !any_optional)) continue;
      job_.formula[job_.formula_total++] = k;
      if (call_.operands[static_cast<std::size_t>(k)].absent()) {  // another optional operand is given: this one is 1
        job_.operands[k].how = walk::kind::constant;
        job_.operands[k].number = 1.0;
      }
    }
    optional_present_ = any_optional;
  }

  void choose_domain(int k) {
    if (call_.loss->functions.values == nullptr && !call_.call.raise_domain &&
        !call_.loss->operands[static_cast<std::size_t>(k)].values.always)
      return;
    const domain d = call_.loss->values_of(call_.options, k);
    if (d.everything() || !(d.always || call_.call.raise_domain)) return;
    job_.checked |= 1u << k;
    job_.domains[k] = d;
    job_.filler[k] = number_inside(d);
  }

  void add_gradients(std::vector<double>& sums) {
    job_.gradient_total = call_.gradient_count;
    std::size_t total = 0;
    for (int g = 0; g < call_.gradient_count; ++g) {
      gradient_target& t = job_.gradients[g];
      const std::size_t k = static_cast<std::size_t>(call_.gradient_of[static_cast<std::size_t>(g)]);
      const const_array& a = call_.operands[k];
      t.operand = static_cast<int>(k);
      t.sign = 1.0;
      t.sum_count = element_count(a.rank, a.shape);
      t.broadcast = t.sum_count != job_.count;
      t.sums = nullptr;
      if (t.broadcast) total += t.sum_count;
      else add_output(t.to, outputs_.gradients[static_cast<std::size_t>(g)], a, alignment_of(call_.loss->operands[k]));
    }
    sums.assign(total, 0.0);
    double* next = sums.data();
    for (int g = 0; g < call_.gradient_count; ++g) {
      gradient_target& t = job_.gradients[g];
      if (!t.broadcast) continue;
      const const_array& a = call_.operands[static_cast<std::size_t>(t.operand)];
      t.sums = next;
      next += t.sum_count;
      std::ptrdiff_t strides[max_rank];
      std::ptrdiff_t step = sizeof(double);
      for (int axis = a.rank - 1; axis >= 0; --axis) {
        strides[axis] = step;
        step *= a.shape[axis];
      }
      add(t.to, {t.sums, a.shape, strides, a.rank, dtype::float64},
          alignment_of(call_.loss->operands[static_cast<std::size_t>(t.operand)]));
    }
  }

  void layout() {
    layout_.rank = input_.rank;
    for (int i = 0; i < input_.rank; ++i) layout_.shape[i] = input_.shape[i];
    simplify(layout_);
    job_.rank = layout_.rank;
    for (int i = 0; i < layout_.rank; ++i) job_.shape[i] = layout_.shape[i];
    for (int a = 0; a < layout_.arrays; ++a) {
      walk& w = *walks_[a];
      bool constant = true;
      for (int i = 0; i < job_.rank && constant; ++i) constant = w.strides[i] == 0;
      const bool aligned = reinterpret_cast<std::uintptr_t>(w.base) % job_.item == 0;
      const bool tiles = aligned && w.type == computation_ && !w.byteswapped;
      if (tiles && is_contiguous(job_.rank, job_.shape, w.strides, job_.item)) w.how = walk::kind::contiguous;
      else if (constant) w.how = walk::kind::constant;
    }
    const auto read = [&](walk& w) {
      if (w.how != walk::kind::constant || job_.count == 0 || w.base == nullptr) return;
      w.number = read_number(table_, {w.base, nullptr, nullptr, 0, w.type, w.byteswapped});
    };
    for (int k = 0; k < job_.operand_total; ++k) read(job_.operands[k]);
    read(job_.sample_weight);
    read(job_.where);
    read(job_.grad_output);
  }

  void choose_kernels() {
    const pointwise_kernels& kernels = kernels_of<pointwise_kernels>(*call_.loss, table_);
    const auto& set = call_.call.reduction == reduction::none ? kernels.element : kernels.statistic;
    job_.kernels = &set[computation_ == dtype::float64][optional_present_];
    job_.wide_kernels = &set[1][optional_present_];
  }

  // What the passes have to add up for the divisor.
  void choose_denominator() {
    const bool weighted = job_.weight_operand >= 0, masked = job_.where.how != walk::kind::none;
    const bool sampled = job_.sample_weight.how != walk::kind::none;
    const summed_for_mean counted = masked ? summed_for_mean::mask : summed_for_mean::constant;
    const summed_for_mean samples = sampled ? summed_for_mean::sample_weight : counted;
    const divisor by = choose_divisor(call_);
    job_.divides = by == divisor::terms                               ? summed_for_mean::terms
                   : by == divisor::weights && weighted               ? summed_for_mean::all_weights
                   : by == divisor::count                             ? counted
                   : by == divisor::samples || by == divisor::weights ? samples
                                                                      : summed_for_mean::constant;
    for (int g = 0; g < job_.gradient_total; ++g) {
      gradient_target& t = job_.gradients[g];
      t.source = weight_source;
      for (int f = 0; f < job_.formula_total; ++f)
        if (job_.formula[f] == t.operand) t.source = f;
      t.in_denominator = t.source == weight_source ? job_.divides == summed_for_mean::all_weights
                                                   : by == divisor::terms && job_.kernels->denominator_term_gradient[t.source] != nullptr;
      if (t.source == 1 && pointwise_loss_of(*call_.loss).of_difference && !t.in_denominator) {
        t.source = 0;
        t.sign = -1.0;
      }
    }
  }

  // Streaming stores pay when the call touches more than the last-level cache holds and the output's pages exist. Not into
  // an input: its lines are in the cache already.
  void choose_streaming() {
    std::size_t traffic = 0;
    if (job_.count > block_elements)
      for (int a = 0; a < layout_.arrays; ++a)
        if (walks_[a]->how != walk::kind::constant) traffic += job_.count * itemsize(walks_[a]->type);
    const bool large = traffic > streaming_bytes() && !job_.accumulate;
    const auto apart = [&](const walk& w) {
      for (int k = 0; k < job_.operand_total; ++k)
        if (job_.operands[k].base == w.base) return false;
      return w.how == walk::kind::contiguous;
    };
    const auto streams = [&](const walk& w, const mutable_array& out) { return large && out.recycled && apart(w); };
    job_.value_streams = streams(job_.value, outputs_.value);
    job_.hessian_streams = streams(job_.hessian, outputs_.hessian);
    for (int g = 0; g < job_.gradient_total; ++g) {
      gradient_target& t = job_.gradients[g];
      t.streams = !t.broadcast && streams(t.to, outputs_.gradients[static_cast<std::size_t>(g)]);
      t.direct = job_.gradient_total == 1 && !call_.hessian && t.source == 0 && !t.broadcast && !t.in_denominator && !job_.accumulate &&
                 !job_.check_finite && apart(t.to) && !(t.streams && reinterpret_cast<std::uintptr_t>(t.to.base) % 16 != 0);
    }
  }

  const loss_call& call_;
  const loss_outputs& outputs_;
  const const_array& input_;
  dtype computation_;
  const kernel_table& table_;
  pointwise_job& job_;
  joint_layout layout_;
  walk* walks_[max_walks];
  bool optional_present_ = false;
};

// Whether the caller still sees what was written when a call fails.
bool keeps_outputs(const loss_call& call, const loss_outputs& outputs) {
  bool keeps = call.value && call.call.reduction == reduction::none && !outputs.value.unshared;
  for (int g = 0; g < call.gradient_count; ++g) keeps |= !outputs.gradients[static_cast<std::size_t>(g)].unshared;
  return keeps || (call.hessian && !outputs.hessian.unshared);
}

}  // namespace

double run_pointwise(const call_plan& plan, const loss_outputs& outputs, bool in_place) {
  const loss_call& call = plan.call();
  const call_options& options = call.call;
  const loss_info& loss = plan.loss();
  const auto head = pointwise_loss_of(loss).head;
  pointwise_job job;
  std::vector<double> sums;
  job_builder(call, outputs, plan.computation(), job).build(sums);

  pointwise_findings findings;
  const bool reduced = plan.reduced();
  const bool wants_outputs = call.gradient_count > 0 || call.hessian;
  bool needs_sum = head != nullptr;
  for (int g = 0; g < job.gradient_total; ++g) needs_sum |= job.gradients[g].in_denominator;
  const bool data_denominator = job.divides != summed_for_mean::constant;

  // A pass that writes nothing may check what it reads, and a tile is checked before it is stored. Elsewhere checks come first.
  if (job.checked != 0) {
    check_numbers(call, job);
    const bool sums_first = reduced && wants_outputs && needs_sum;
    if (job.count > tile_elements && !sums_first && keeps_outputs(call, outputs))
      check_operands(call, job, in_place || options.accumulate, options.threads);
  }
  bool check_domains = job.checked != 0;

  // The statistics come first where the gradients depend on them.
  block_sums statistics{};
  bool value_left = call.value;
  bool denominator_left = data_denominator;
  if (reduced && wants_outputs && (data_denominator || needs_sum)) {
    const pointwise_pass first{.value = needs_sum, .denominator = data_denominator, .check_domains = check_domains && needs_sum};
    statistics = run_pass(job, first, findings, options.threads);
    if (findings.outside.load()) fail_domain(call, job);
    value_left = call.value && !needs_sum;
    denominator_left = false;
    if (needs_sum) check_domains = false;
  }

  const double count = static_cast<double>(job.count);
  double denominator = data_denominator ? statistics.denominator : denominator_of(plan, {count, count, count});
  if (!denominator_left) is_over_nothing(plan, denominator);

  const auto head_at = [&](double sum) -> head_value {
    if (denominator == 0.0) return {value_over_nothing(plan), 0.0, 0.0};
    if (head != nullptr) {
      head_value h = head(loss, call.options, sum, denominator);
      // A root has an infinite derivative at 0, where every gradient of the sum is 0: the subgradient 0, not 0 * inf.
      if (sum == 0.0 && std::isinf(h.d_sum)) h.d_sum = h.d_denominator = 0.0;
      return h;
    }
    return {sum / denominator, 1.0 / denominator, -sum / (denominator * denominator)};
  };

  pointwise_pass main{.value = value_left, .denominator = denominator_left, .check_domains = check_domains};
  if (wants_outputs) {
    const double flow = scalar_flow(call);
    const head_value at_sum = reduced ? head_at(statistics.sum) : head_value{0.0, 1.0, 0.0};
    main.gradients = call.gradient_count > 0;
    main.hessian = call.hessian;
    main.d_sum = at_sum.d_sum * flow;
    main.d_denominator = at_sum.d_denominator * flow;
    const double d1 = std::abs(main.d_sum);
    if (head != nullptr && reduced && d1 != 0.0 && !(d1 >= least_float32_d1 && d1 <= largest_float32_d1))
      job_builder(call, outputs, dtype::float64, job).build(sums);
    // Before the main pass, which may overwrite an input.
    for (int g = 0; g < job.gradient_total; ++g)
      if (job.gradients[g].broadcast && job.gradients[g].sum_count > small_sum_count && job.count > 0)
        run_large_broadcast(job, {.gradients = true, .d_sum = main.d_sum, .d_denominator = main.d_denominator}, g, findings,
                            options.threads);
  }
  if (main.value || main.denominator || main.gradients || main.hessian) {
    const block_sums found = run_pass(job, main, findings, options.threads);
    if (main.value) statistics.sum = found.sum;
    if (main.denominator) denominator = found.denominator;
  }
  if (findings.outside.load()) fail_domain(call, job);
  if (denominator_left) is_over_nothing(plan, denominator);

  for (int g = 0; g < job.gradient_total; ++g)
    if (job.gradients[g].broadcast) {
      const gradient_target& t = job.gradients[g];
      const double scale = t.in_denominator ? 1.0 : t.sign * main.d_sum;
      store_sums(job, call, t, scale, outputs.gradients[static_cast<std::size_t>(g)], findings);
    }

  const double value = call.statistics         ? finished_statistics(plan, outputs, {statistics.sum, denominator})
                       : call.value && reduced ? finished_value(plan, head_at(statistics.sum).value)
                                               : 0.0;
  check_finite(plan, findings.nonfinite.load());
  return value;
}

}  // namespace fastloss

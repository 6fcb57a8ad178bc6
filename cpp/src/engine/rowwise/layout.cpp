#include "engine/rowwise/layout.hpp"

#include <algorithm>
#include <cmath>

#include "engine/rows/arrange.hpp"
#include "fastloss/runtime/memory.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

class builder {
 public:
  builder(const call_plan& plan, const loss_outputs& outputs, row_job& job)
      : call_(plan.call()), plan_(plan), outputs_(outputs), input_(call_.operands[0]), table_(active_kernels()), job_(job) {
    layout_.arrays = 0;
  }

  void build() {
    const bool wide = plan_.computation() == dtype::float64;
    const loss_info& loss = *call_.loss;
    const rowwise_kernels& kernels = kernels_of<rowwise_kernels>(loss, table_);
    job_.loss = &rowwise_loss_of(loss);
    job_.cost_ns_per_element = loss.cost_ns_per_element;
    job_.options = call_.options;
    job_.traits = job_.loss->features(loss, call_.options);
    job_.item = itemsize(plan_.computation());
    job_.rows = &table_.rows[wide];
    job_.tiles = &table_.tiles[wide];
    job_.label_kernels = &kernels.of_label[wide];
    job_.class_kernels = &kernels.of_classes[wide];
    job_.row_formulas = &kernels.row[wide];
    job_.classes = static_cast<std::size_t>(input_.shape[plan_.class_axis()]);
    job_.ignore_index = call_.call.ignore_index;
    job_.accumulate = call_.call.accumulate;
    job_.check_finite = call_.call.raise_nonfinite;
    add_classes(job_.input, input_);
    add_operands();
    add_rows(job_.sample_weight, call_.call.sample_weight);
    add_rows(job_.where, call_.call.where);
    if (call_.call.reduction == reduction::none) {
      if (call_.call.grad_output.rank > 0) add_rows(job_.grad_output, call_.call.grad_output);
      if (call_.value) add_rows(job_.value, view_of(outputs_.value));
    }
    add_outputs();
    layout();
    arrange(job_, job_.input,
            {.threads = call_.call.threads, .second_softmax = job_.distribution_as == distribution_kind::logits, .whole_rows = has_lists_});
    choose_strategy();
    choose_places();
  }

 private:
  void set(row_view& w, const const_array& a) {
    w.base = static_cast<char*>(const_cast<void*>(a.data));
    w.type = a.type;
    w.byteswapped = a.byteswapped;
    layout_.strides[layout_.arrays++] = w.strides;
  }

  void add_rows(row_view& w, const const_array& a) {
    if (a.absent()) return;
    align_strides(a, alignment::leading, plan_.units().rank, plan_.units().shape, w.strides);
    set(w, a);
  }

  void add_classes(class_view& w, const const_array& a) {
    const int axis = plan_.class_axis();
    int to = 0;
    for (int i = 0; i < a.rank; ++i)
      if (i != axis) w.strides[to++] = a.shape[i] == 1 ? 0 : a.strides[i];
    if (to < plan_.units().rank) w.strides[to] = 0;
    w.class_stride = a.shape[axis] == 1 ? static_cast<std::ptrdiff_t>(itemsize(a.type)) : a.strides[axis];
    set(w, a);
  }

  void add_operands() {
    job_.has_labels = false;
    job_.distribution_as = distribution_kind::none;
    job_.weight_sum = static_cast<double>(job_.classes);
    for (std::size_t k = 1; k < call_.loss->operands.size(); ++k) {
      const operand& o = call_.loss->operands[k];
      const const_array& a = call_.operands[k];
      if (a.absent()) continue;
      if (o.is(per_class)) {
        load_classes(o.is(in_logit) ? job_.logit_argument : job_.weights, a, o.is(over_least));
      } else if (o.is(class_index) && !is_floating(a.type)) {
        job_.has_labels = true;
        add_rows(job_.labels, a);
      } else if (o.is(class_list)) {
        has_lists_ = true;
        add_classes(job_.lists, a);
      } else {
        job_.distribution_as = o.is(as_logits) ? distribution_kind::logits : distribution_kind::probabilities;
        add_classes(job_.distribution, a);
      }
    }
    const bool both = job_.has_labels && job_.distribution_as != distribution_kind::none;
    job_.mix_weight = both ? job_.traits.mix_weight : 1.0;
    if (!call_.vector.absent()) add_classes(job_.vector, call_.vector);
  }

  // One number for each class, or one for all, in the computation dtype; whole packs, padded with ones.
  void load_classes(std::vector<char>& to, const const_array& a, bool over_the_least) {
    constexpr std::size_t most_lanes = 16;
    const std::size_t padded = (job_.classes + most_lanes - 1) / most_lanes * most_lanes;
    const std::ptrdiff_t shape[1] = {static_cast<std::ptrdiff_t>(job_.classes)};
    const std::ptrdiff_t strides[1] = {a.rank == 0 ? 0 : a.strides[0]};
    to.resize(std::max<std::size_t>(padded, most_lanes) * job_.item);
    job_.tiles->fill(to.data(), 1.0, to.size() / job_.item);
    job_.tiles->load[static_cast<int>(a.type)][a.byteswapped](to.data(), a.data, {1, shape, strides, 0, job_.classes});
    if (&to != &job_.weights && !over_the_least) return;
    std::vector<double> exact(job_.classes);
    table_.tiles[1].load[static_cast<int>(a.type)][a.byteswapped](exact.data(), a.data, {1, shape, strides, 0, job_.classes});
    if (over_the_least) {
      divide_by_least(exact);
      const std::ptrdiff_t step[1] = {sizeof(double)};
      job_.tiles->load[static_cast<int>(dtype::float64)][0](to.data(), exact.data(), {1, shape, step, 0, job_.classes});
    }
    if (&to != &job_.weights) return;
    job_.weight_sum = 0.0;
    for (const double w : exact) job_.weight_sum += w;
  }

  // All are NaN if one is NaN or not above 0: it may be what the others are measured by.
  static void divide_by_least(std::vector<double>& numbers) {
    double least = HUGE_VAL;
    for (const double x : numbers) least = !(x > 0.0) ? NAN : x < least ? x : least;
    for (double& x : numbers) x /= least;
  }

  void add_outputs() {
    job_.gradients = {job_.gradient_list, static_cast<std::size_t>(call_.gradient_count)};
    for (std::size_t g = 0; g < job_.gradients.size(); ++g) {
      row_gradient& to = job_.gradients[g];
      to.operand = call_.gradient_of[g];
      const operand& o = call_.loss->operands[static_cast<std::size_t>(to.operand)];
      if (o.is(per_class)) {
        to.of = o.is(in_logit) ? row_gradient::kind::logit_argument : row_gradient::kind::weight;
        to.sums.assign(job_.classes, 0.0);
      } else {
        to.of = to.operand == 0 ? row_gradient::kind::input : row_gradient::kind::target;
        add_classes(to.to, view_of(outputs_.gradients[g]));
      }
    }
    job_.hessian = call_.hessian;
    if (job_.hessian) add_classes(job_.hessian_to, view_of(outputs_.hessian));
    job_.has_extras = call_.extras != 0;
    const auto wanted = [&](row_extra e) { return (call_.extras >> static_cast<int>(e) & 1u) != 0; };
    const auto extra = [&](row_extra e) { return view_of(outputs_.extras[static_cast<std::size_t>(e)]); };
    if (wanted(row_extra::probabilities)) add_classes(job_.probabilities, extra(row_extra::probabilities));
    if (wanted(row_extra::log_probabilities)) add_classes(job_.log_probabilities, extra(row_extra::log_probabilities));
    if (wanted(row_extra::lse)) add_rows(job_.lse, extra(row_extra::lse));
    if (wanted(row_extra::prediction)) add_rows(job_.prediction, extra(row_extra::prediction));
    if (wanted(row_extra::correct)) add_rows(job_.correct, extra(row_extra::correct));
  }

  void layout() {
    layout_.rank = plan_.units().rank;
    std::copy(plan_.units().shape, plan_.units().shape + layout_.rank, layout_.shape);
    job_.row_count = element_count(layout_.rank, layout_.shape);
    simplify(layout_);
    job_.rank = layout_.rank;
    std::copy(layout_.shape, layout_.shape + layout_.rank, job_.shape);
    job_.shape[job_.rank] = static_cast<std::ptrdiff_t>(job_.classes);
  }

  // Streaming stores pay when the call touches more than the last-level cache holds and the output's pages exist.
  void choose_places() {
    const std::size_t elements = job_.row_count * job_.classes;
    std::size_t traffic = 0;
    const auto count = [&](const class_view& w) { traffic += w.base == nullptr ? 0 : elements * itemsize(w.type); };
    count(job_.input);
    count(job_.distribution);
    count(job_.lists);
    count(job_.vector);
    count(job_.hessian_to);
    for (const row_gradient& g : job_.gradients) count(g.to);
    const bool large = traffic > streaming_bytes() && !job_.accumulate;
    choose_place(job_, plan_.computation(), job_.input);
    choose_place(job_, plan_.computation(), job_.distribution);
    choose_place(job_, plan_.computation(), job_.vector);
    const auto choose_output = [&](class_view& w, const mutable_array& out) {
      if (w.base == nullptr) return;
      choose_place(job_, plan_.computation(), w);
      if (w.accumulates || job_.check_finite) w.in_place = w.transposes = false;
      bool aligned = reinterpret_cast<std::uintptr_t>(w.base) % 16 == 0;
      for (int i = 0; i < job_.rank; ++i)
        aligned &= w.strides[i] % 16 == 0 || (job_.how == arrangement::row_contiguous && i == job_.rank - 1);
      if (job_.how == arrangement::row_contiguous) aligned &= w.class_stride % 16 == 0;
      w.streams = large && aligned && w.in_place && out.recycled && w.base != job_.input.base && w.base != job_.distribution.base;
    };
    for (std::size_t g = 0; g < job_.gradients.size(); ++g) {
      job_.gradients[g].to.accumulates = job_.accumulate;
      choose_output(job_.gradients[g].to, outputs_.gradients[g]);
    }
    job_.hessian_to.accumulates = job_.accumulate;
    choose_output(job_.hessian_to, outputs_.hessian);
    // That of logits is changed once more, and so is what other terms are added to.
    job_.hessian_to.in_place &= !job_.traits.transforms && job_.mix_weight == 1.0 && !has_lists_;
    if (job_.hessian_to.base == job_.vector.base) job_.vector.in_place = false;
    choose_output(job_.probabilities, outputs_.extras[static_cast<std::size_t>(row_extra::probabilities)]);
    choose_output(job_.log_probabilities, outputs_.extras[static_cast<std::size_t>(row_extra::log_probabilities)]);
    copy_what_is_replaced();
  }

  // Of several results one may take the place of an operand that the next is computed from; and what is made of the scores
  // themselves reads some of them twice.
  void copy_what_is_replaced() {
    const class_view* results[max_operands + 3];
    std::size_t count = 0;
    const auto add = [&](const class_view& w) {
      if (w.base != nullptr) results[count++] = &w;
    };
    for (const row_gradient& g : job_.gradients) add(g.to);
    for (const class_view* w : {&job_.hessian_to, &job_.probabilities, &job_.log_probabilities}) add(*w);
    const bool of_scores = job_.prediction.base != nullptr || job_.correct.base != nullptr || job_.log_probabilities.base != nullptr;
    // The targets of a linear formula are read to the end of the gradient.
    if (count == 1 && !of_scores && job_.evaluation != strategy::products) return;
    for (class_view* operand : {&job_.input, &job_.distribution, &job_.vector})
      for (std::size_t i = 0; i < count; ++i)
        if (results[i]->base == operand->base) operand->in_place = false;
  }

  void choose_strategy() {
    const bool smoothed = job_.traits.label_smoothing != 0.0, linear = job_.traits.linear;
    const bool weighted = !job_.weights.empty(), targets = job_.distribution_as != distribution_kind::none;
    const bool relative_to_label = job_.loss->shift == row_shift::label_score;
    if (has_lists_) job_.evaluation = strategy::lists;
    else if (linear && job_.distribution_as == distribution_kind::probabilities && !weighted) job_.evaluation = strategy::products;
    else if (targets || relative_to_label || (smoothed && !linear)) job_.evaluation = strategy::classes;
    else if (!job_.has_labels) job_.evaluation = strategy::shift_term;
    else job_.evaluation = smoothed ? strategy::smoothed_label : strategy::label;
    job_.weights_multiply = !weighted                                             ? weighting::none
                            : job_.has_labels && (relative_to_label || !smoothed) ? weighting::rows
                                                                                  : weighting::terms;
    job_.has_label_term = job_.mix_weight != 1.0 && job_.classes > 0;
  }

  const loss_call& call_;
  const call_plan& plan_;
  const loss_outputs& outputs_;
  const const_array& input_;
  const kernel_table& table_;
  row_job& job_;
  joint_layout layout_;
  bool has_lists_ = false;
};

}  // namespace

void build_row_job(const call_plan& plan, const loss_outputs& outputs, row_job& job) { builder(plan, outputs, job).build(); }

}  // namespace fastloss

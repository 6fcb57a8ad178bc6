// Losses of linear scores, some samples at a time: their scores, the row-wise loss of these and its gradient in place, and what
// that gives for the gradients of the linear layer. Recomputing scores instead of keeping a chunk of them would cost a fourth
// matrix product.
#include <algorithm>
#include <cstring>
#include <functional>
#include <optional>

#include "engine/call/reduction.hpp"
#include "engine/linear/memory.hpp"
#include "engine/linear/rows.hpp"
#include "engine/linear/run.hpp"
#include "fastloss/engine/matrix_product.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

// Scores, samples and their gradients that are held at a time. With what the products take the whole stays below 60 MB. Longer
// chunks read linear_weight and add to its gradient less often.
constexpr std::size_t most_chunk_bytes = std::size_t{40} << 20;
constexpr std::size_t row_multiple = 8;  // whole panels of the products
constexpr std::size_t columns_at_once = 1024;
constexpr double cost_ns_to_copy = 0.5;  // estimated, a number on one thread

std::size_t round_up(std::size_t n, std::size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

class runner {
 public:
  runner(const loss_call& call, const linear_shape& shape, const linear_rows& rows, dtype computation, const loss_outputs& outputs)
      : call_(call),
        of_(*call.loss),
        shape_(shape),
        rows_(rows),
        type_(computation),
        item_(itemsize(computation)),
        tiles_(active_kernels().tiles[computation == dtype::float64]),
        threads_(call.call.threads),
        input_(call.operands[linear_operands::input]),
        weights_(call.operands[linear_operands::linear_weight], shape, computation, threads_),
        stride_(padded_stride(shape.scores())) {
    for (int g = 0; g < call.gradient_count; ++g) {
      const int operand = call.gradient_of[static_cast<std::size_t>(g)];
      const mutable_array& to = outputs.gradients[static_cast<std::size_t>(g)];
      if (operand == linear_operands::input) place_input_gradient(to);
      else if (operand == linear_operands::linear_weight) weight_gradient_.emplace(to, call, shape, computation);
      else bias_to_ = &to;
    }
    choose_chunk();
    prepare_row_loss();
  }

  // Values and gradients of all chunks; gradients are stored.
  void run() {
    const std::size_t count = rows_.computed.size();
    const bool wants_gradients = call_.gradient_count > 0 && !rows_.divides_by_zero;
    if (call_.value) values_.assign(shape_.rows() * item_, std::byte{0});
    if (bias_to_ != nullptr) bias_sums_.assign(shape_.scores(), 0.0);
    if (input_to_ != nullptr) clear_left_out(wants_gradients);
    if (call_.value || wants_gradients)
      for (std::size_t first = 0; first < count; first += chunk_) run_chunk(first, std::min(chunk_, count - first), wants_gradients);
    finish_gradients();
  }

  // The row's losses, in C order; their weights are in them where they are not reduced.
  const std::byte* values() const { return values_.data(); }
  double sum() const {
    double sum = 0.0;
    for (std::size_t i = 0; i < shape_.rows(); ++i) {
      if (rows_.counts[i] == 0) continue;
      sum += (rows_.sample_weight.empty() ? 1.0 : rows_.sample_weight[i]) * number(values_.data(), i);
    }
    return sum;
  }
  bool found_nonfinite() const { return nonfinite_; }

 private:
  const_array operand(int k) const { return k < 0 ? const_array{} : call_.operands[static_cast<std::size_t>(k)]; }
  bool reduced() const { return call_.call.reduction != reduction::none; }
  bool has_labels() const { return !is_floating(operand(of_.target).type); }
  std::size_t sample(std::size_t i) const { return rows_.computed[i]; }

  // Rows at a multiple of the page size would share few sets of the L1 cache.
  std::size_t padded_stride(std::size_t n) const {
    const std::size_t padded = round_up(std::max<std::size_t>(n, 1), 16);
    return padded * item_ % 4096 == 0 ? padded + 16 : padded;
  }

  void choose_chunk() {
    const std::size_t numbers = stride_ * (has_labels() ? 1 : 2) + shape_.features * (input_to_ == nullptr ? 1 : 2);
    const std::size_t most = std::max<std::size_t>(most_chunk_bytes / (numbers * item_), 1);
    const std::size_t count = std::max<std::size_t>(rows_.computed.size(), 1);
    const std::size_t chunks = (count + most - 1) / most, even = (count + chunks - 1) / chunks;
    chunk_ = std::min(most < row_multiple ? even : round_up(even, row_multiple), count);
    scores_.allocate(chunk_ * stride_ * item_);
    if (!has_labels()) targets_.allocate(chunk_ * stride_ * item_);
    samples_.allocate(chunk_ * shape_.features * item_);
    if (input_to_ != nullptr) input_gradient_.allocate(chunk_ * shape_.features * item_);
  }

  // The options of the row-wise loss are those of the same name.
  void prepare_row_loss() {
    const loss_info& loss = *call_.loss;
    of_.rows.construct(options_);
    for (std::size_t i = 0; i < loss.options.size(); ++i)
      for (std::size_t j = 0; j < of_.rows.options.size(); ++j)
        if (std::strcmp(loss.options[i].name, of_.rows.options[j].name) == 0)
          of_.rows.set(options_, static_cast<int>(j), loss.get(call_.options, static_cast<int>(i)));
    const const_array& weight = operand(linear_operands::linear_weight);
    row_shape_[1] = weight.shape[0];
    score_strides_[0] = static_cast<std::ptrdiff_t>(stride_ * item_);
    score_strides_[1] = static_cast<std::ptrdiff_t>(shape_.places * item_);
    row_strides_[0] = static_cast<std::ptrdiff_t>(shape_.places);
    std::ptrdiff_t step = 1;
    for (int axis = shape_.inner; axis >= 1; --axis) {
      row_shape_[1 + axis] = weight.shape[axis];
      score_strides_[1 + axis] = step * static_cast<std::ptrdiff_t>(item_);
      row_strides_[axis] = step;
      step *= weight.shape[axis];
    }
    const const_array bias = operand(of_.linear_bias);
    if (!bias.absent() && shape_.scores() > 0) {
      bias_.resize(shape_.scores() * item_);
      tiles_.load[static_cast<int>(bias.type)][bias.byteswapped](bias_.data(), bias.data,
                                                                 {bias.rank, bias.shape, bias.strides, 0, shape_.scores()});
    }
  }

  matrix gathered(std::size_t n) const {
    const std::ptrdiff_t item = static_cast<std::ptrdiff_t>(item_);
    return {samples_.data(), n, shape_.features, static_cast<std::ptrdiff_t>(shape_.features) * item, item, type_};
  }

  void gather(std::size_t first, std::size_t n) {
    const std::size_t features = shape_.features, scores = shape_.scores();
    const const_array target = operand(of_.target);
    const double numbers = static_cast<double>(n) * static_cast<double>(features + (has_labels() ? 0 : scores));
    // The target's axes are the samples' and those of the scores of one: in C order a sample's numbers follow one another.
    parallel_for(n, numbers * cost_ns_to_copy, threads_, [&](std::size_t i) {
      if (features > 0)
        tiles_.load[static_cast<int>(input_.type)][input_.byteswapped](
            samples_.data() + i * features * item_, input_.data,
            {input_.rank, input_.shape, input_.strides, sample(first + i) * features, features});
      if (has_labels() || scores == 0) return;
      tiles_.load[static_cast<int>(target.type)][target.byteswapped](
          targets_.data() + i * stride_ * item_, target.data,
          {target.rank, target.shape, target.strides, sample(first + i) * scores, scores});
    });
  }

  template <class T>
  void pick_rows(const std::vector<T>& from, std::vector<T>& to, std::size_t first, std::size_t n) const {
    to.resize(n * shape_.places);
    for (std::size_t i = 0; i < n; ++i)
      std::copy_n(from.data() + sample(first + i) * shape_.places, shape_.places, to.data() + i * shape_.places);
  }

  // An array over the rows of the chunk.
  const_array of_rows(const void* data, dtype type, std::ptrdiff_t* strides) const {
    const int rank = 1 + shape_.inner;
    for (int i = 0; i < rank; ++i) strides[i] = row_strides_[i] * static_cast<std::ptrdiff_t>(itemsize(type));
    return {data, row_axes_, strides, rank, type};
  }

  double number(const void* numbers, std::size_t i) const {
    return type_ == dtype::float64 ? static_cast<const double*>(numbers)[i] : static_cast<double>(static_cast<const float*>(numbers)[i]);
  }

  void run_row_loss(std::size_t first, std::size_t n, bool wants_gradient) {
    const int rank = 2 + shape_.inner;
    row_shape_[0] = static_cast<std::ptrdiff_t>(n);
    row_axes_[0] = row_shape_[0];
    std::copy(row_shape_ + 2, row_shape_ + rank, row_axes_ + 1);
    std::ptrdiff_t strides[5][max_rank];
    loss_call inner{};
    inner.loss = &of_.rows;
    inner.options = options_;
    inner.operands[0] = {scores_.data(), row_shape_, score_strides_, rank, type_};
    for (std::size_t k = 1; k < of_.rows.operands.size(); ++k)
      inner.operands[k] = operand(position_of(*call_.loss, of_.rows.operands[k].name));
    const std::size_t target = static_cast<std::size_t>(position_of(of_.rows, "target"));
    pick_rows(rows_.counts, counts_, first, n);
    if (has_labels()) {
      pick_rows(rows_.labels, labels_, first, n);
      for (std::size_t i = 0; i < labels_.size(); ++i)
        if (counts_[i] == 0) labels_[i] = -1;
      inner.operands[target] = of_rows(labels_.data(), dtype::int64, strides[0]);
    } else {
      inner.operands[target] = {targets_.data(), row_shape_, score_strides_, rank, type_};
      inner.call.where = of_rows(counts_.data(), dtype::boolean, strides[1]);
    }
    inner.call.reduction = reduction::none;
    inner.call.axis = 1;
    inner.call.ignore_index = -1;
    inner.call.threads = threads_;
    if (rows_.grad_output.empty()) grad_output_.assign(n * shape_.places, rows_.upstream);
    else pick_rows(rows_.grad_output, grad_output_, first, n);
    if (!rows_.sample_weight.empty()) {
      pick_rows(rows_.sample_weight, sample_weight_, first, n);
      if (reduced())
        std::transform(sample_weight_.begin(), sample_weight_.end(), grad_output_.begin(), grad_output_.begin(), std::multiplies<>());
      else inner.call.sample_weight = of_rows(sample_weight_.data(), dtype::float64, strides[2]);
    }
    if (wants_gradient) inner.call.grad_output = of_rows(grad_output_.data(), dtype::float64, strides[3]);
    inner.value = call_.value;
    inner.gradient_count = wants_gradient ? 1 : 0;

    loss_outputs to{};
    losses_.resize(n * shape_.places * item_);
    const const_array losses = of_rows(losses_.data(), type_, strides[4]);
    if (inner.value) to.value = {losses_.data(), losses.shape, losses.strides, losses.rank, type_};
    if (wants_gradient) to.gradients[0] = {scores_.data(), row_shape_, score_strides_, rank, type_};
    const call_plan plan(inner);
    plan.run(to);
    const std::size_t bytes = shape_.places * item_;
    for (std::size_t i = 0; i < n && call_.value; ++i)
      std::memcpy(values_.data() + sample(first + i) * bytes, losses_.data() + i * bytes, bytes);
  }

  // An output that is an operand which later chunks read is written at the end.
  void place_input_gradient(const mutable_array& to) {
    input_to_ = &to;
    if (!is_an_input(to, call_, linear_operands::input)) return;
    late_input_gradient_.emplace(to);
    std::ptrdiff_t step = static_cast<std::ptrdiff_t>(item_);
    for (int axis = to.rank - 1; axis >= 0; --axis) {
      late_strides_[axis] = step;
      step *= to.shape[axis];
    }
    late_memory_.allocate(static_cast<std::size_t>(step));
    late_input_gradient_->data = late_memory_.data();
    late_input_gradient_->strides = late_strides_;
    late_input_gradient_->type = type_;
    late_input_gradient_->byteswapped = false;
  }

  void store_sample(const void* from, const mutable_array& to, std::size_t i, bool accumulate) const {
    const strided_run run{to.rank, to.shape, to.strides, i * shape_.features, shape_.features};
    if (shape_.features > 0) tiles_.store[static_cast<int>(to.type)][to.byteswapped](from, to.data, run, 1.0, accumulate);
  }

  bool accumulates_now() const { return call_.call.accumulate && !late_input_gradient_; }
  const mutable_array& input_to_now() const { return late_input_gradient_ ? *late_input_gradient_ : *input_to_; }

  // Zeros for the samples that no chunk has.
  void clear_left_out(bool wants_gradients) const {
    if (accumulates_now()) return;
    const std::vector<std::byte> zeros(shape_.features * item_);
    for (std::size_t i = 0, next = 0; i < shape_.samples; ++i) {
      if (wants_gradients && next < rows_.computed.size() && rows_.computed[next] == i) ++next;
      else store_sample(zeros.data(), input_to_now(), i, false);
    }
  }

  void run_chunk(std::size_t first, std::size_t n, bool wants_gradients) {
    gather(first, n);
    const void* const bias = bias_.empty() ? nullptr : bias_.data();
    multiply_matrices({scores_.data(), stride_, false, bias}, gathered(n), weights_.view().transposed(), type_, threads_, panels_);
    run_row_loss(first, n, wants_gradients);
    if (!wants_gradients) return;
    find_idle(n);
    const std::ptrdiff_t item = static_cast<std::ptrdiff_t>(item_);
    const matrix d1_of_scores{scores_.data(), n, shape_.scores(), static_cast<std::ptrdiff_t>(stride_) * item, item, type_};
    if (bias_to_ != nullptr) add_to_bias(n);
    if (input_to_ != nullptr) {
      multiply_matrices({input_gradient_.data(), shape_.features}, d1_of_scores, weights_.view(), type_, threads_, panels_);
      const std::size_t bytes = shape_.features * item_;
      for (const std::size_t i : idle_) std::memset(input_gradient_.data() + i * bytes, 0, bytes);
      if (call_.call.raise_nonfinite) nonfinite_ |= tiles_.nonfinite(input_gradient_.data(), n * shape_.features);
      parallel_for(n, static_cast<double>(n * shape_.features) * cost_ns_to_copy, threads_, [&](std::size_t i) {
        store_sample(input_gradient_.data() + i * bytes, input_to_now(), sample(first + i), accumulates_now());
      });
    }
    if (weight_gradient_) multiply_matrices(weight_gradient_->next(), d1_of_scores.transposed(), gathered(n), type_, threads_, panels_);
  }

  // Samples with a gradient of 0, such as one whose class has no weight: what is not finite there or in linear_weight changes
  // nothing. All others are recognised by their first scores.
  void find_idle(std::size_t n) {
    idle_.clear();
    for (std::size_t i = 0; i < n; ++i) {
      const std::byte* const d1_of_scores = scores_.data() + i * stride_ * item_;
      std::size_t c = 0;
      while (c < shape_.scores() && number(d1_of_scores, c) == 0.0) ++c;
      if (c < shape_.scores()) continue;
      idle_.push_back(i);
      std::memset(samples_.data() + i * shape_.features * item_, 0, shape_.features * item_);
    }
  }

  // A sum for each score, in the order of the samples.
  void add_to_bias(std::size_t n) {
    const std::size_t scores = shape_.scores(), parts = (scores + columns_at_once - 1) / columns_at_once;
    const std::ptrdiff_t step = sizeof(double);
    parallel_for(parts, static_cast<double>(n * scores) * cost_ns_to_copy, threads_, [&](std::size_t part) {
      const std::size_t column = part * columns_at_once, count = std::min(columns_at_once, scores - column);
      const std::ptrdiff_t extent = static_cast<std::ptrdiff_t>(count);
      for (std::size_t i = 0; i < n; ++i)
        tiles_.scatter_add(scores_.data() + (i * stride_ + column) * item_, bias_sums_.data() + column, {1, &extent, &step, 0, count});
    });
  }

  void finish_gradients() {
    if (late_input_gradient_)
      for (std::size_t i = 0; i < shape_.samples; ++i)
        store_sample(late_memory_.data() + i * shape_.features * item_, *input_to_, i, call_.call.accumulate);
    if (weight_gradient_) nonfinite_ |= weight_gradient_->finish();
    if (bias_to_ != nullptr && !bias_sums_.empty()) {
      const tile_operations& wide = active_kernels().tiles[1];
      const mutable_array& to = *bias_to_;
      if (call_.call.raise_nonfinite) nonfinite_ |= wide.nonfinite(bias_sums_.data(), bias_sums_.size());
      wide.store[static_cast<int>(to.type)][to.byteswapped](
          bias_sums_.data(), to.data, {to.rank, to.shape, to.strides, 0, bias_sums_.size()}, 1.0, call_.call.accumulate);
    }
  }

  const loss_call& call_;
  const linear_operands of_;
  const linear_shape& shape_;
  const linear_rows& rows_;
  const dtype type_;
  const std::size_t item_;
  const tile_operations& tiles_;
  const int threads_;
  const const_array& input_;
  const score_weights weights_;
  const std::size_t stride_;  // of the scores of a sample, in numbers
  std::size_t chunk_ = 0;     // samples at a time

  scratch_block scores_, targets_, samples_, input_gradient_;
  product_workspace panels_;
  std::vector<std::byte> bias_;  // empty: none
  std::vector<std::byte> values_, losses_;

  alignas(double) unsigned char options_[max_loss_bytes];  // of the row-wise loss
  std::ptrdiff_t row_shape_[max_rank], score_strides_[max_rank];
  std::ptrdiff_t row_axes_[max_rank], row_strides_[max_rank];  // without the classes
  std::vector<std::int64_t> labels_;
  std::vector<double> sample_weight_, grad_output_;
  std::vector<char> counts_;
  std::vector<std::size_t> idle_;

  const mutable_array* input_to_ = nullptr;
  const mutable_array* bias_to_ = nullptr;
  std::optional<weight_gradient> weight_gradient_;
  std::optional<mutable_array> late_input_gradient_;
  scratch_block late_memory_;
  std::ptrdiff_t late_strides_[max_rank];
  std::vector<double> bias_sums_;
  bool nonfinite_ = false;
};

}  // namespace

double run_linear(const call_plan& plan, const loss_outputs& outputs, bool) {
  const loss_call& call = plan.call();
  const linear_shape shape = shape_of(plan);
  const linear_rows rows = read_rows(plan, linear_operands(plan.loss()), shape);
  runner all(call, shape, rows, plan.computation(), outputs);
  all.run();
  bool nonfinite = all.found_nonfinite();
  double value = 0.0;
  if (call.value && !plan.reduced()) {
    const tile_operations& tiles = active_kernels().tiles[plan.computation() == dtype::float64];
    const mutable_array& to = outputs.value;
    if (call.call.raise_nonfinite) nonfinite |= tiles.nonfinite(all.values(), shape.rows());
    if (shape.rows() > 0)
      tiles.store[static_cast<int>(to.type)][to.byteswapped](all.values(), to.data, {to.rank, to.shape, to.strides, 0, shape.rows()}, 1.0,
                                                             false);
  } else if (call.statistics) {
    value = finished_statistics(plan, outputs, {all.sum(), rows.denominator});
  } else if (call.value) {
    value = finished_value(plan, rows.divides_by_zero ? value_over_nothing(plan) : all.sum() / rows.denominator);
  }
  check_finite(plan, nonfinite);
  return value;
}

}  // namespace fastloss

#include "fastloss/engine/row_ufunc_loop.hpp"

#include <cstdint>
#include <limits>

#include "engine/call/ufunc_parts.hpp"
#include "engine/rowwise/lists.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/rowwise.hpp"

namespace fastloss {
namespace {

// One argument: how far it is from row to row, and from class to class if it has that axis.
struct walk_of_rows {
  char* data;
  std::ptrdiff_t strides[2];
  bool by_class;

  char* at(std::ptrdiff_t row) const { return data + row * strides[0]; }
};

template <class S>
class row_loop {
 public:
  row_loop(const ufunc_loop& loop, char* const* data, std::ptrdiff_t rows, std::ptrdiff_t classes, const std::ptrdiff_t* steps)
      : loss_(*loop.loss),
        gradient_(loop.gradient),
        rows_(rows),
        classes_(classes),
        options_(loss_, data + ufunc_operand_count(loss_), steps + ufunc_operand_count(loss_)) {
    const int operands = ufunc_operand_count(loss_), output = operands + static_cast<int>(loss_.options.size());
    const std::ptrdiff_t* class_step = steps + output + 1;
    int i = 0;
    for (std::size_t k = 0; k < loss_.operands.size(); ++k) {
      if (loss_.operands[k].is(multiplies)) continue;
      const bool by_class = has_class_axis(loss_.operands[k]);
      operands_[k] = {data[i], {steps[i], by_class ? *class_step++ : 0}, by_class};
      if (is_class_indices(loss_.operands[k])) index_ = k;
      if (loss_.operands[k].is(per_class)) classes_vary_ |= steps[i] != 0;
      ++i;
    }
    output_ = {data[output], {steps[output], gradient_ ? *class_step : 0}, gradient_};
    loss_.construct(loss_struct_);
  }

  void run() {
    for (std::ptrdiff_t first = 0; first < rows_;) {
      const bool allowed = options_.read(first, loss_struct_);
      std::ptrdiff_t end = options_.end_of_equal(first, classes_vary_ ? first + 1 : rows_);
      if (allowed) run_with_these_options(first, end);
      else write_nan(first, end);
      first = end;
    }
  }

 private:
  static constexpr std::size_t no_index = max_operands;

  const loss_info& loss_;
  bool gradient_;
  std::ptrdiff_t rows_, classes_;
  loop_options<S> options_;
  walk_of_rows operands_[max_operands], output_;
  std::size_t index_ = no_index;  // the operand that is class indices, or lists of them
  bool classes_vary_ = false;     // numbers for each class differ from row to row
  alignas(double) unsigned char loss_struct_[max_loss_bytes];

  // Whether the row's class index is one, or whatever is in its list.
  bool has_classes(std::ptrdiff_t row) const {
    if (index_ == no_index) return true;
    const walk_of_rows& w = operands_[index_];
    const std::int64_t least = w.by_class ? end_of_list : 0;
    for (std::ptrdiff_t i = 0; i < (w.by_class ? classes_ : 1); ++i) {
      const std::int64_t c = read_element<std::int64_t>(w.at(row) + i * w.strides[1]);
      if (c < least || c >= classes_) return false;
    }
    return true;
  }

  void run_with_these_options(std::ptrdiff_t first, std::ptrdiff_t end) {
    while (first < end) {
      const bool valid = has_classes(first);
      std::ptrdiff_t stop = first + 1;
      while (stop < end && has_classes(stop) == valid) ++stop;
      if (valid) compute(first, stop);
      else write_nan(first, stop);
      first = stop;
    }
  }

  void compute(std::ptrdiff_t first, std::ptrdiff_t end) {
    constexpr dtype own = sizeof(S) == sizeof(double) ? dtype::float64 : dtype::float32;
    const std::ptrdiff_t shape[2] = {end - first, classes_};
    loss_call call{};
    call.loss = &loss_;
    call.options = loss_struct_;
    for (std::size_t k = 0; k < loss_.operands.size(); ++k) {
      if (loss_.operands[k].is(multiplies)) continue;
      const walk_of_rows& w = operands_[k];
      const bool only_classes = loss_.operands[k].is(per_class);
      call.operands[k] = {.data = w.at(first),
                          .shape = only_classes ? shape + 1 : shape,
                          .strides = only_classes ? w.strides + 1 : w.strides,
                          .rank = w.by_class && !only_classes ? 2 : 1,
                          .type = is_class_indices(loss_.operands[k]) ? dtype::int64 : own};
    }
    call.call.reduction = reduction::none;
    if (index_ != no_index && !operands_[index_].by_class) call.call.ignore_index = -1;  // which no class index is
    call.call.threads = 1;
    call.value = !gradient_;
    call.gradient_count = gradient_ ? 1 : 0;
    const call_plan plan(call);
    loss_outputs outputs{};
    mutable_array& result = gradient_ ? outputs.gradients[0] : outputs.value;
    result = {.data = output_.at(first), .shape = shape, .strides = output_.strides, .rank = gradient_ ? 2 : 1, .type = own};
    result.unshared = true;
    plan.run(outputs);
  }

  void write_nan(std::ptrdiff_t first, std::ptrdiff_t end) const {
    constexpr S nan = std::numeric_limits<S>::quiet_NaN();
    for (std::ptrdiff_t row = first; row < end; ++row)
      for (std::ptrdiff_t c = 0; c < (gradient_ ? classes_ : 1); ++c)
        std::memcpy(output_.at(row) + c * output_.strides[1], &nan, sizeof nan);
  }
};

}  // namespace

bool has_class_axis(const operand& o) { return !o.is(class_index); }
bool is_class_indices(const operand& o) { return o.is(class_index | class_list); }

void run_row_ufunc_loop(const ufunc_loop& loop, char* const* data, std::ptrdiff_t rows, std::ptrdiff_t classes,
                        const std::ptrdiff_t* steps) {
  if (rows == 0) return;  // the arguments may point nowhere
  const quiet_floating_point quiet;
  if (loop.wide) row_loop<double>(loop, data, rows, classes, steps).run();
  else row_loop<float>(loop, data, rows, classes, steps).run();
}

}  // namespace fastloss

#include "engine/linear/rows.hpp"

#include "engine/call/labels.hpp"
#include "engine/call/reduction.hpp"
#include "engine/memory/layout.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

class row_reader {
 public:
  row_reader(const call_plan& plan, const linear_operands& of, const linear_shape& shape)
      : plan_(plan), call_(plan.call()), shape_(shape), target_(call_.operands[static_cast<std::size_t>(of.target)]) {}

  linear_rows read() {
    rows_.sample_weight = numbers(call_.call.sample_weight);
    if (call_.call.reduction == reduction::none && call_.call.grad_output.rank > 0) rows_.grad_output = numbers(call_.call.grad_output);
    mark();
    measure();
    for (std::size_t i = 0; i < shape_.samples; ++i)
      for (std::size_t j = 0; j < shape_.places; ++j)
        if (rows_.counts[i * shape_.places + j] != 0) {
          rows_.computed.push_back(i);
          break;
        }
    return std::move(rows_);
  }

 private:
  strided_run run(const const_array& a, std::ptrdiff_t* strides) const {
    align_strides(a, alignment::leading, shape_.rank, shape_.of_rows, strides);
    return {shape_.rank, shape_.of_rows, strides, 0, shape_.rows()};
  }

  // -1 for a row that is ignored. False if an index is out of range.
  bool load_labels(std::int64_t* to) const {
    std::ptrdiff_t strides[max_rank];
    return active_kernels().rows[1].load_labels[static_cast<int>(target_.type)][target_.byteswapped](
        to, target_.data, run(target_, strides), static_cast<std::int64_t>(shape_.classes), call_.call.ignore_index);
  }

  // A masked row's class index is not looked at: one that is out of range was loaded as -1.
  void read_labels() {
    rows_.labels.resize(shape_.rows());
    if (rows_.labels.empty()) return;
    if (!load_labels(rows_.labels.data())) check_class_indices(plan_, {shape_.classes, linear_operands::linear_weight, plan_.class_axis()});
    for (std::size_t i = 0; i < rows_.labels.size(); ++i) {
      if (rows_.counts[i] == 0) rows_.labels[i] = -1;
      else rows_.counts[i] = rows_.labels[i] >= 0;
    }
  }

  std::vector<double> numbers(const const_array& a) const {
    std::vector<double> all;
    if (a.absent() || shape_.rows() == 0) return all;
    std::ptrdiff_t strides[max_rank];
    all.resize(shape_.rows());
    active_kernels().tiles[1].load[static_cast<int>(a.type)][a.byteswapped](all.data(), a.data, run(a, strides));
    return all;
  }

  void mark() {
    rows_.counts.assign(shape_.rows(), 1);
    const std::vector<double> mask = numbers(call_.call.where);
    for (std::size_t i = 0; i < mask.size(); ++i) rows_.counts[i] = mask[i] != 0.0;
    if (!is_floating(target_.type)) read_labels();
  }

  // The weight of each class that the row-wise loss has one operand for; empty: ones.
  std::vector<double> class_weights() const {
    for (std::size_t k = 0; k < call_.loss->operands.size(); ++k) {
      const operand& o = call_.loss->operands[k];
      const const_array& a = call_.operands[k];
      if (!o.is(multiplies) || a.absent()) continue;
      std::vector<double> weights(shape_.classes);
      const std::ptrdiff_t extent[1] = {static_cast<std::ptrdiff_t>(shape_.classes)}, stride[1] = {a.rank == 0 ? 0 : a.strides[0]};
      active_kernels().tiles[1].load[static_cast<int>(a.type)][a.byteswapped](weights.data(), a.data,
                                                                              {1, extent, stride, 0, shape_.classes});
      return weights;
    }
    return {};
  }

  // Rows of weight 0 are in the count, but not computed: whatever they hold, 0 times it is 0.
  void measure() {
    const bool by_weight = choose_divisor(call_) == divisor::weights && !rows_.labels.empty();
    const std::vector<double> weights = by_weight ? class_weights() : std::vector<double>();
    unit_sums sums{0.0, 0.0, 0.0};
    for (std::size_t i = 0; i < rows_.counts.size(); ++i) {
      if (rows_.counts[i] == 0) continue;
      const double s = rows_.sample_weight.empty() ? 1.0 : rows_.sample_weight[i];
      sums.count += 1.0;
      if (s == 0.0) {
        rows_.counts[i] = 0;
        continue;
      }
      sums.samples += s;
      sums.weights += weights.empty() ? s : s * weights[static_cast<std::size_t>(rows_.labels[i])];
    }
    rows_.denominator = denominator_of(plan_, sums);
    rows_.divides_by_zero = is_over_nothing(plan_, rows_.denominator);
    rows_.upstream = scalar_flow(call_);
    if (plan_.reduced()) rows_.upstream = rows_.divides_by_zero ? 0.0 : rows_.upstream / rows_.denominator;
  }

  const call_plan& plan_;
  const loss_call& call_;
  const linear_shape& shape_;
  const const_array& target_;
  linear_rows rows_{};
};

}  // namespace

linear_shape shape_of(const call_plan& plan) {
  const loss_call& call = plan.call();
  const const_array &input = call.operands[linear_operands::input], &weight = call.operands[linear_operands::linear_weight];
  linear_shape s{};
  s.leading = input.rank - 1;
  s.inner = weight.rank - 2;
  s.rank = plan.units().rank;
  s.of_rows = plan.units().shape;
  s.samples = element_count(s.leading, input.shape);
  s.places = element_count(s.inner, weight.shape + 1);
  s.classes = static_cast<std::size_t>(weight.shape[0]);
  s.features = static_cast<std::size_t>(input.shape[input.rank - 1]);
  return s;
}

linear_rows read_rows(const call_plan& plan, const linear_operands& of, const linear_shape& shape) {
  return row_reader(plan, of, shape).read();
}

}  // namespace fastloss

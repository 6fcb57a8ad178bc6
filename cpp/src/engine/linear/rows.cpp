#include "engine/linear/rows.hpp"

#include <string>

#include "engine/call/checks.hpp"
#include "engine/call/messages.hpp"
#include "fastloss/core/errors.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

class row_reader {
 public:
  row_reader(const loss_call& call, const linear_operands& of, const linear_shape& shape)
      : call_(call), of_(of), shape_(shape), target_(call.operands[static_cast<std::size_t>(of.target)]) {}

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

  // -1 for a row that is ignored.
  bool load_labels(std::int64_t* to, std::size_t first, std::size_t count) const {
    std::ptrdiff_t strides[max_rank];
    strided_run rows = run(target_, strides);
    rows.start = first;
    rows.count = count;
    return active_kernels().rows[1].load_labels[static_cast<int>(target_.type)][target_.byteswapped](
        to, target_.data, rows, static_cast<std::int64_t>(shape_.classes), call_.call.ignore_index);
  }

  // A masked row's class index is not looked at.
  void read_labels() {
    rows_.labels.resize(shape_.rows());
    if (rows_.labels.empty()) return;
    if (!load_labels(rows_.labels.data(), 0, shape_.rows())) check_labels();
    for (std::size_t i = 0; i < rows_.labels.size(); ++i) {
      if (rows_.counts[i] == 0) rows_.labels[i] = -1;
      else rows_.counts[i] = rows_.labels[i] >= 0;
    }
  }

  // Throws index_error for the first class index that is out of range.
  void check_labels() const {
    std::int64_t label;
    std::size_t i = 0;
    while (i < shape_.rows() && (rows_.counts[i] == 0 || load_labels(&label, i, 1))) ++i;
    if (i == shape_.rows()) return;
    std::ptrdiff_t strides[max_rank], index[max_rank];
    run(target_, strides);
    const char* found = static_cast<const char*>(target_.data);
    for (int axis = shape_.rank - 1; axis >= 0; --axis) {
      const std::size_t extent = static_cast<std::size_t>(shape_.of_rows[axis]);
      index[axis] = static_cast<std::ptrdiff_t>(i % extent);
      found += index[axis] * strides[axis];
      i /= extent;
    }
    throw index_error(std::string(call_.loss->name) + ": target must be a class from 0 to " +
                      std::to_string(static_cast<long long>(shape_.classes) - 1) + " (linear_weight has " + std::to_string(shape_.classes) +
                      " on axis 0), or ignore_index=" + std::to_string(call_.call.ignore_index) + ", got " +
                      integer_text(found, target_.type, target_.byteswapped) + " at index " + shape_text(shape_.rank, index));
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
    const call_options& c = call_.call;
    const bool by_weight = c.normalizer == normalizer::weight ||
                           (c.normalizer == normalizer::automatic && call_.loss->share == denominator::weight && !rows_.labels.empty());
    const std::vector<double> weights = by_weight && !rows_.labels.empty() ? class_weights() : std::vector<double>();
    double count = 0.0, samples = 0.0;
    for (std::size_t i = 0; i < rows_.counts.size(); ++i) {
      if (rows_.counts[i] == 0) continue;
      const double s = rows_.sample_weight.empty() ? 1.0 : rows_.sample_weight[i];
      count += 1.0;
      if (s == 0.0) rows_.counts[i] = 0;
      else samples += weights.empty() ? s : s * weights[static_cast<std::size_t>(rows_.labels[i])];
    }
    if (c.reduction == reduction::batchmean) rows_.denominator = static_cast<double>(shape_.of_rows[0]);
    else if (c.reduction == reduction::mean)
      rows_.denominator = c.normalizer == normalizer::number ? c.normalizer_value : c.normalizer == normalizer::count ? count : samples;
    rows_.divides_by_zero = c.reduction != reduction::none && rows_.denominator == 0.0;
    if (rows_.divides_by_zero && c.empty == empty_policy::raise)
      fail_value(*call_.loss, std::string("the ") + (c.reduction == reduction::mean ? "mean" : "batchmean") +
                                  " is over nothing: the rows have shape " + shape_text(shape_.rank, shape_.of_rows) +
                                  " and the denominator is 0");
    if (c.grad_output.rank == 0) {
      const const_array& g = c.grad_output;
      active_kernels().tiles[1].load[static_cast<int>(g.type)][g.byteswapped](&rows_.upstream, g.data, {0, nullptr, nullptr, 0, 1});
    }
    if (c.reduction != reduction::none) rows_.upstream = rows_.divides_by_zero ? 0.0 : rows_.upstream / rows_.denominator;
  }

  const loss_call& call_;
  const linear_operands& of_;
  const linear_shape& shape_;
  const const_array& target_;
  linear_rows rows_{};
};

}  // namespace

linear_shape shape_of(const loss_call& call, const array_spec& rows) {
  const const_array &input = call.operands[linear_operands::input], &weight = call.operands[linear_operands::linear_weight];
  linear_shape s{};
  s.leading = input.rank - 1;
  s.inner = weight.rank - 2;
  s.rank = rows.rank;
  s.of_rows = rows.shape;
  s.samples = element_count(s.leading, input.shape);
  s.places = element_count(s.inner, weight.shape + 1);
  s.classes = static_cast<std::size_t>(weight.shape[0]);
  s.features = static_cast<std::size_t>(input.shape[input.rank - 1]);
  return s;
}

linear_rows read_rows(const loss_call& call, const linear_operands& of, const linear_shape& shape) {
  return row_reader(call, of, shape).read();
}

}  // namespace fastloss

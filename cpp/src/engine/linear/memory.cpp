#include "engine/linear/memory.hpp"

#include <algorithm>
#include <atomic>

#include "engine/memory/layout.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

constexpr double cost_ns_to_copy = 0.5;  // estimated, a number on one thread

double work_of(std::size_t lines, std::size_t features) {
  return static_cast<double>(lines) * static_cast<double>(features) * cost_ns_to_copy;
}

}  // namespace

std::optional<matrix> as_matrix(const const_array& a) {
  const int last = a.rank - 1;
  std::size_t lines = 1;
  std::ptrdiff_t step = 0;
  for (int axis = last - 1; axis >= 0; --axis) {
    if (a.shape[axis] == 1) continue;
    if (lines == 1) step = a.strides[axis];
    else if (a.strides[axis] != step * static_cast<std::ptrdiff_t>(lines)) return std::nullopt;
    lines *= static_cast<std::size_t>(a.shape[axis]);
  }
  return matrix{a.data, lines, static_cast<std::size_t>(a.shape[last]), step, a.strides[last], a.type, a.byteswapped};
}

score_weights::score_weights(const const_array& weight, const linear_shape& shape, dtype computation, int threads) {
  if (const std::optional<matrix> whole = as_matrix(weight)) {
    view_ = *whole;
    return;
  }
  const std::size_t item = itemsize(computation), features = shape.features, lines = features == 0 ? 0 : shape.scores();
  copy_.allocate(lines * features * item);
  const load_kernel load = active_kernels().tiles[computation == dtype::float64].load[static_cast<int>(weight.type)][weight.byteswapped];
  parallel_for(lines, work_of(lines, features), threads, [&](std::size_t i) {
    load(copy_.data() + i * features * item, weight.data, {weight.rank, weight.shape, weight.strides, i * features, features});
  });
  const std::ptrdiff_t step = static_cast<std::ptrdiff_t>(item);
  view_ = {copy_.data(), shape.scores(), features, static_cast<std::ptrdiff_t>(features) * step, step, computation};
}

weight_gradient::weight_gradient(const mutable_array& out, const loss_call& call, const linear_shape& shape, dtype computation)
    : out_(out), call_(call), shape_(shape), type_(computation) {
  const std::ptrdiff_t item = static_cast<std::ptrdiff_t>(itemsize(computation));
  const std::optional<matrix> whole = as_matrix(view_of(out));
  in_place_ = whole.has_value() && out.type == computation && !out.byteswapped && (whole->columns < 2 || whole->column_stride == item) &&
              (whole->rows < 2 || whole->row_stride > 0) && whole->row_stride % item == 0 &&
              reinterpret_cast<std::uintptr_t>(out.data) % static_cast<std::uintptr_t>(item) == 0 && !is_an_input(out, call, -1);
  if (in_place_) {
    data_ = static_cast<std::byte*>(out.data);
    stride_ = static_cast<std::size_t>(whole->row_stride / item);
  } else {
    own_.allocate(shape.scores() * shape.features * itemsize(computation));
    data_ = own_.data();
    stride_ = shape.features;
  }
}

product_target weight_gradient::next() {
  const bool accumulates = begun_ || (in_place_ && call_.call.accumulate);
  begun_ = true;
  return {data_, stride_, accumulates};
}

bool weight_gradient::finish() {
  const std::size_t lines = shape_.features == 0 ? 0 : shape_.scores(), features = shape_.features, item = itemsize(type_);
  const tile_operations& tiles = active_kernels().tiles[type_ == dtype::float64];
  const store_kernel store = tiles.store[static_cast<int>(out_.type)][out_.byteswapped];
  const bool clears = !begun_ && !(in_place_ && call_.call.accumulate), checks = call_.call.raise_nonfinite;
  std::atomic<bool> nonfinite{false};
  if (in_place_ && !clears && !checks) return false;
  parallel_for(lines, work_of(lines, features), call_.call.threads, [&](std::size_t i) {
    std::byte* const line = data_ + i * stride_ * item;
    if (clears) std::fill_n(line, features * item, std::byte{0});
    if (checks && tiles.nonfinite(line, features)) nonfinite.store(true, std::memory_order_relaxed);
    if (!in_place_) store(line, out_.data, {out_.rank, out_.shape, out_.strides, i * features, features}, 1.0, call_.call.accumulate);
  });
  return nonfinite.load();
}

bool is_an_input(const mutable_array& out, const loss_call& call, int except) {
  const const_array view = view_of(out);
  for (std::size_t k = 0; k < call.loss->operands.size(); ++k)
    if (static_cast<int>(k) != except && !call.operands[k].absent() && same_view(view, call.operands[k])) return true;
  for (const const_array* a : {&call.call.sample_weight, &call.call.where, &call.call.grad_output})
    if (!a->absent() && same_view(view, *a)) return true;
  return false;
}

}  // namespace fastloss

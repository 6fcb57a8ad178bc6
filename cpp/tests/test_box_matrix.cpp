// box_iou in every memory layout and format: the same numbers, at any number of threads and on every instruction set, and those of the
// loss of each pair. What would be ignored is refused.
#include "boxes.hpp"
#include "check.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/engines/box_matrix.hpp"
#include "fastloss/runtime/isa.hpp"

namespace {

using namespace box_tests;

struct matrix_request {
  dtype type;
  std::ptrdiff_t rows, columns;
  layout how = layout::contiguous;
  int fmt = 0, threads = 1;
  bool in_place = false;
};

const loss_info& box_iou_function() { return *find_function("box_iou"); }

void set_row(numbers& to, std::ptrdiff_t row, const numbers& from, std::ptrdiff_t from_row) {
  for (std::ptrdiff_t i = 0; i < upright_numbers; ++i) to.set(row, i, from.get(from_row, i));
}

// As fill() draws pairs: the first boxes of both sets, and those of either set alone.
struct two_sets {
  numbers input, target;

  explicit two_sets(const matrix_request& r)
      : input(r.type, r.rows, upright_numbers, r.how), target(r.type, r.columns, upright_numbers, r.how) {
    const std::ptrdiff_t most = std::max(r.rows, r.columns);
    numbers first(r.type, most, upright_numbers, layout::contiguous), second(r.type, most, upright_numbers, layout::contiguous);
    fill(box_iou_function(), first, second, most, r.fmt);
    for (std::ptrdiff_t i = 0; i < r.rows; ++i) set_row(input, i, first, i);
    for (std::ptrdiff_t i = 0; i < r.columns; ++i) set_row(target, i, second, i);
  }
};

double flow_at(std::ptrdiff_t row, std::ptrdiff_t column) { return static_cast<double>((row * 5 + column * 3) % 7 - 3) / 4; }

// The value of every pair, and both gradients for a gradient that flows in.
results results_of(const matrix_request& r) {
  const loss_struct with(box_iou_function(), 0, r.fmt);
  two_sets sets(r);
  const dtype computed = r.type == dtype::float64 ? dtype::float64 : dtype::float32;
  numbers flow(computed, r.rows * r.columns, 1, layout::contiguous), value(r.type, r.rows * r.columns, 1, layout::contiguous);
  for (std::ptrdiff_t i = 0; i < r.rows; ++i)
    for (std::ptrdiff_t j = 0; j < r.columns; ++j) flow.set(i * r.columns + j, 0, flow_at(i, j));
  numbers first(r.type, r.rows, upright_numbers, r.how), second(r.type, r.columns, upright_numbers, r.how);
  const std::ptrdiff_t shape[] = {r.rows, r.columns}, item = static_cast<std::ptrdiff_t>(itemsize(computed)),
                       value_item = static_cast<std::ptrdiff_t>(itemsize(r.type));
  const std::ptrdiff_t flow_strides[] = {r.columns * item, item}, value_strides[] = {r.columns * value_item, value_item};

  loss_call call;
  call.loss = &box_iou_function();
  call.options = with.options;
  call.operands = {sets.input.input(), sets.target.input()};
  call.call.reduction = reduction::none;
  call.call.threads = r.threads;
  call.call.grad_output = {flow.input().data, shape, flow_strides, 2, computed};
  call.gradient_count = 2;
  call.gradient_of[1] = 1;
  const call_plan plan(call);
  CHECK(plan.value().type == r.type && plan.value().rank == 2 && plan.value().shape[0] == r.rows && plan.value().shape[1] == r.columns);
  loss_outputs outputs;
  outputs.value = {value.output().data, shape, value_strides, 2, r.type};
  numbers &in_input = r.in_place ? sets.input : first, &in_target = r.in_place ? sets.target : second;
  outputs.gradients[0] = in_input.output();
  outputs.gradients[1] = in_target.output();
  plan.run(outputs);
  results found;
  value.append_to(found.values);
  in_input.append_to(found.gradients);
  in_target.append_to(found.gradients);
  return found;
}

// The same numbers from the loss of each pair, added up.
results of_pairs(const matrix_request& r) {
  const loss_info& loss = *find_loss("box_iou_loss");
  const loss_struct with(loss, 0, r.fmt);
  const two_sets sets(r);
  results found;
  found.gradients.assign(static_cast<std::size_t>((r.rows + r.columns) * upright_numbers), 0.0);
  numbers one(r.type, r.columns, upright_numbers, layout::contiguous);
  for (std::ptrdiff_t i = 0; i < r.rows; ++i) {
    for (std::ptrdiff_t j = 0; j < r.columns; ++j) set_row(one, j, sets.input, i);
    numbers value(r.type, r.columns, 1, layout::contiguous), first(r.type, r.columns, upright_numbers, layout::contiguous),
        second(r.type, r.columns, upright_numbers, layout::contiguous);
    loss_call call;
    call.loss = &loss;
    call.options = with.options;
    call.operands = {one.input(), sets.target.input()};
    call.call.reduction = reduction::none;
    call.gradient_count = 2;
    call.gradient_of[1] = 1;
    loss_outputs outputs;
    outputs.value = value.output();
    outputs.gradients[0] = first.output();
    outputs.gradients[1] = second.output();
    const call_plan plan(call);
    plan.run(outputs);
    for (std::ptrdiff_t j = 0; j < r.columns; ++j) {
      found.values.push_back(1.0 - value.get(j, 0));
      for (std::ptrdiff_t k = 0; k < upright_numbers; ++k) {
        found.gradients[static_cast<std::size_t>(upright_numbers * i + k)] -= flow_at(i, j) * first.get(j, k);
        found.gradients[static_cast<std::size_t>(upright_numbers * (r.rows + j) + k)] -= flow_at(i, j) * second.get(j, k);
      }
    }
  }
  return found;
}

void are_the_losses_of_all_pairs(dtype type) {
  const double tolerance = type == dtype::float64 ? 1e-13 : 2e-5;
  for (int fmt = 0; fmt < formats; ++fmt)
    for (const auto& [rows, columns] : {std::pair{1, 1}, {3, 7}, {70, 530}, {530, 70}, {1, 1100}}) {
      const matrix_request r{.type = type, .rows = rows, .columns = columns, .fmt = fmt};
      const results found = results_of(r), expected = of_pairs(r);
      CHECK(finite(found.values) && finite(found.gradients));
      CHECK(alike(found.values, expected.values, tolerance));
      CHECK(alike(found.gradients, expected.gradients, tolerance));
    }
}

void layouts_and_threads_change_nothing(dtype type) {
  for (const auto& [rows, columns] : {std::pair{9, 20}, {70, 530}, {1100, 4}}) {
    matrix_request r{.type = type, .rows = rows, .columns = columns};
    const results expected = results_of(r);
    for (const layout l : layouts)
      for (const bool in_place : {false, true}) {
        r.how = l;
        r.in_place = in_place;
        CHECK(same_bits(results_of(r), expected));
      }
  }
  matrix_request r{.type = type, .rows = 300, .columns = 900};
  const results expected = results_of(r);
  for (const int threads : {2, 3}) {
    r.threads = threads;
    CHECK(same_bits(results_of(r), expected));
  }
}

std::string error_of(const loss_call& call) {
  try {
    const call_plan plan(call);
  } catch (const value_error& error) {
    return error.what();
  }
  return "";
}

void what_would_be_ignored_is_refused() {
  const loss_struct with(box_iou_function(), 0, 0);
  const two_sets sets({.type = dtype::float32, .rows = 3, .columns = 2});
  const float weight = 1;
  const bool kept = true;
  loss_call call;
  call.loss = &box_iou_function();
  call.options = with.options;
  call.operands = {sets.input.input(), sets.target.input()};
  const std::string unreduced = "box_iou: reduction must be 'none': the function has a value for each pair of boxes";
  for (const auto r : {reduction::mean, reduction::sum, reduction::batchmean}) {
    call.call.reduction = r;
    CHECK(error_of(call) == unreduced);
  }
  call.statistics = true;
  CHECK(error_of(call) == unreduced);
  call.statistics = false;
  call.call.reduction = reduction::none;
  CHECK(error_of(call).empty());
  loss_call weighted = call, masked = call, second = call;
  weighted.call.sample_weight = {&weight, nullptr, nullptr, 0, dtype::float32};
  CHECK(error_of(weighted) == "box_iou: sample_weight is for losses, and this is a function");
  masked.call.where = {&kept, nullptr, nullptr, 0, dtype::boolean};
  CHECK(error_of(masked) == "box_iou: where is for losses, and this is a function");
  second.hessian = true;
  CHECK(!error_of(second).empty());

  // As many pairs as no memory holds.
  const std::ptrdiff_t shape[] = {std::ptrdiff_t{1} << 40, upright_numbers}, strides[] = {0, sizeof(float)};
  call.operands[0].shape = call.operands[1].shape = shape;
  call.operands[0].strides = call.operands[1].strides = strides;
  CHECK(error_of(call).ends_with("there may be at most 2**60 pairs"));
}

void functions_are_no_losses() {
  CHECK(find_loss("box_iou") == nullptr && find_loss("logsumexp") == nullptr && find_function("huber_loss") == nullptr);
  for (const named_function& f : functions()) {
    CHECK(find_function(f.key) == &f.loss);
    CHECK(find_loss(f.key) == nullptr);
  }
}

}  // namespace

int main() {
  functions_are_no_losses();
  what_would_be_ignored_is_refused();
  for (const char* const* isa = available_isas(); *isa; ++isa) {
    use_isa(*isa);
    const int failed_before = failed_checks;
    for (const dtype type : {dtype::float32, dtype::float64}) are_the_losses_of_all_pairs(type);
    for (const dtype type : {dtype::float16, dtype::float32, dtype::float64}) layouts_and_threads_change_nothing(type);
    if (failed_checks != failed_before) std::printf("  on %s\n", *isa);
  }
  return report();
}

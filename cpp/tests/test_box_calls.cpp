// Calls of every registered loss of boxes with what any call may have: weights, masks, incoming gradients, checks of domains.
#include "boxes.hpp"
#include "check.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/runtime/isa.hpp"

namespace {

using namespace box_tests;

// Weights, masks and incoming gradients are powers of two or 0, so that what they make of a result is exact.
void weights_and_masks_multiply(const loss_info& loss, dtype type, layout how) {
  constexpr std::ptrdiff_t pairs = 259;
  const std::ptrdiff_t each = each_of(loss);
  request r{.loss = &loss, .choice = 0, .type = type, .pairs = pairs, .gradients = in_both};
  const results plain = results_of(r);

  const loss_struct with(loss, 0, 0);
  numbers input(type, pairs, each, how), target(type, pairs, each, how);
  numbers weight(type, pairs, 1, how), where(dtype::boolean, pairs, 1, how), flow(type, pairs, 1, how);
  fill(loss, input, target, pairs, 0);
  std::vector<double> of_value, of_gradient;
  double denominator = 0.0;
  for (std::ptrdiff_t i = 0; i < pairs; ++i) {
    const bool masked = i % 5 == 2;
    const double w = i % 9 == 4 ? 0.0 : std::ldexp(1.0, static_cast<int>(i % 3) - 1), f = i % 4 == 0 ? -2.0 : 0.25;
    weight.set(i, 0, w);
    where.set(i, 0, masked ? 0.0 : 1.0);
    flow.set(i, 0, masked ? inf : f);
    if (masked) {
      input.set(i, i % 4, nan_);
      target.set(i, 1, inf);
    }
    of_value.push_back(masked ? 0.0 : w);
    of_gradient.push_back(masked ? 0.0 : w * f);
    denominator += of_value.back();
  }

  loss_call call;
  call.loss = &loss;
  call.options = with.options;
  call.operands = {input.input(), target.input()};
  call.call.reduction = reduction::none;
  call.call.sample_weight = weight.input();
  call.call.where = where.input();
  call.call.grad_output = flow.input();
  call.call.threads = 1;
  call.gradient_count = 2;
  call.gradient_of[1] = 1;
  numbers value(type, pairs, 1, how), first(type, pairs, each, how), second(type, pairs, each, how);
  loss_outputs outputs;
  outputs.value = value.output();
  outputs.gradients[0] = first.output();
  outputs.gradients[1] = second.output();
  double sum = 0.0;
  for (const double times : {1.0, 2.0}) {  // and added to what is there
    call.call.accumulate = times == 2.0;
    const call_plan plan(call);
    plan.run(outputs);
    sum = 0.0;
    for (std::ptrdiff_t i = 0; i < pairs; ++i) {
      const auto pair = static_cast<std::size_t>(i);
      CHECK(value.get(i, 0) == of_value[pair] * plain.values[pair]);
      sum += value.get(i, 0);
      for (std::ptrdiff_t k = 0; k < each; ++k) {
        const auto number = static_cast<std::size_t>(each * i + k), of_target = number + static_cast<std::size_t>(each * pairs);
        CHECK(first.get(i, k) == times * of_gradient[pair] * plain.gradients[number]);
        CHECK(second.get(i, k) == times * of_gradient[pair] * plain.gradients[of_target]);
      }
    }
  }

  // And the mean, with what it is the quotient of.
  loss_call reduced = call;
  reduced.call.reduction = reduction::mean;
  reduced.call.grad_output = {};
  reduced.call.accumulate = false;
  outputs.value = {};
  const call_plan mean(reduced);
  const double tolerance = tolerance_of(type);
  CHECK(near(mean.run(outputs), sum / denominator, tolerance));
  for (std::ptrdiff_t i = 0; i < pairs; ++i)
    for (std::ptrdiff_t k = 0; k < each; ++k)
      CHECK(near(first.get(i, k),
                 of_value[static_cast<std::size_t>(i)] / denominator * plain.gradients[static_cast<std::size_t>(each * i + k)], tolerance));
  reduced.statistics = true;
  reduced.gradient_count = 0;
  reduced.gradient_of = {};
  loss_statistics statistics;
  loss_outputs alone;
  alone.statistics = &statistics;
  const call_plan quotient(reduced);
  quotient.run(alone);
  CHECK(near(statistics.sum, sum, tolerance * static_cast<double>(pairs)) && statistics.denominator == denominator);
}

std::string error_of(const loss_call& call, const loss_outputs& outputs) {
  try {
    const call_plan plan(call);
    plan.run(outputs);
  } catch (const value_error& error) {
    return error.what();
  }
  return "";
}

// Under errstate(domain="raise"): pairs of two axes, of which the first is the inner one in memory. One box is inverted along one axis.
void inverted_boxes_are_named(const loss_info& loss, int fmt, std::size_t k, bool along_y) {
  constexpr std::ptrdiff_t rows = 5, columns = 30, row = 3, column = 7, pairs = rows * columns;
  const std::ptrdiff_t each = each_of(loss), shape[] = {rows, columns, each}, strides[] = {each * 8, rows * each * 8, 8};
  constexpr std::ptrdiff_t value_strides[] = {columns * 8, 8}, of_rows[] = {1};
  constexpr double untouched = 7.25;
  const bool turned = loss.operands[0].is(rotated), in_corners = !turned && format_of(fmt, static_cast<int>(k)) == box_format::xyxy;
  const box inverted = in_corners ? (along_y ? box{{0, 3, 2, 1}} : box{{3, 0, 1, 2}}) : along_y ? box{{0, 3, 2, -1}} : box{{3, 0, -1, 2}};
  std::vector<double> boxes[2], gradients[2], values(pairs, untouched);
  const loss_struct with(loss, 0, fmt);
  loss_call call;
  loss_outputs outputs;
  for (std::size_t i = 0; i < 2; ++i) {
    boxes[i].assign(static_cast<std::size_t>(pairs * each), 2.0);  // a point in one format, and a box in the others
    gradients[i].assign(static_cast<std::size_t>(pairs * each), untouched);
    call.operands[i] = {boxes[i].data(), shape, strides, 3, dtype::float64};
    outputs.gradients[i] = {gradients[i].data(), shape, strides, 3, dtype::float64};
  }
  std::copy_n(inverted.of, each, boxes[k].begin() + (row + column * rows) * each);
  call.loss = &loss;
  call.options = with.options;
  call.call.reduction = reduction::none;
  call.gradient_count = 2;
  call.gradient_of[1] = 1;
  outputs.value = {values.data(), shape, value_strides, 2, dtype::float64};
  const auto is_untouched = [&] {
    const auto all = [](const std::vector<double>& x) { return std::all_of(x.begin(), x.end(), [](double y) { return y == untouched; }); };
    return all(values) && all(gradients[0]) && all(gradients[1]);
  };

  call.call.raise_domain = true;
  std::string expected = std::string(loss.name) + ": " + loss.operands[k].name + " must have " +
                         (in_corners ? "x1 <= x2 and y1 <= y2" : "a width and a height of at least 0") + ", got ";
  expected += along_y ? (in_corners ? "[0.0, 3.0, 2.0, 1.0]" : "[0.0, 3.0, 2.0, -1.0]")
                      : (in_corners ? "[3.0, 0.0, 1.0, 2.0]" : "[3.0, 0.0, -1.0, 2.0]");
  if (turned) expected.insert(expected.size() - 1, ", 0.0");
  CHECK(error_of(call, outputs) == expected + " at index (3, 7)");
  CHECK(is_untouched());
  // Neither where it is masked nor without being told to.
  const bool kept[rows] = {true, true, true, false, true};
  call.call.where = {kept, shape, of_rows, 1, dtype::boolean};
  CHECK(error_of(call, outputs).empty());
  CHECK(!is_untouched() && values[row * columns + column] == 0.0);
  call.call.where = {};
  call.call.raise_domain = false;
  CHECK(error_of(call, outputs).empty());
  CHECK(finite(values) && finite(gradients[0]) && finite(gradients[1]));
}

double value_of_one(const char* name, const double (&input)[upright_numbers], const double (&target)[upright_numbers], double eps) {
  const loss_info& loss = *find_loss(name);
  loss_struct with(loss, 0, 0);
  for (std::size_t i = 0; i < loss.options.size(); ++i)
    if (loss.options[i].name == std::string("eps")) loss.set(with.options, static_cast<int>(i), eps);
  const std::ptrdiff_t shape[] = {upright_numbers}, strides[] = {sizeof(double)};
  loss_call call;
  call.loss = &loss;
  call.options = with.options;
  call.operands = {const_array{input, shape, strides, 1, dtype::float64}, const_array{target, shape, strides, 1, dtype::float64}};
  const call_plan plan(call);
  return plan.run({});
}

void known_values() {
  CHECK(near(value_of_one("generalized_box_iou_loss", {1, 1, 3, 3}, {2, 2, 4, 4}, 1e-15), 1.0793650794, 5e-11));
  CHECK(near(value_of_one("distance_box_iou_loss", {1, 1, 3, 3}, {2, 2, 4, 4}, 1e-15), 0.9682539683, 5e-11));
}

}  // namespace

int main() {
  int found = 0;
  for (const char* const* isa = available_isas(); *isa; ++isa) {
    use_isa(*isa);
    known_values();
    for (const loss_info& loss : registered_losses()) {
      if (loss.engine != &box_engine) continue;
      const int failed_before = failed_checks;
      for (const dtype type : {dtype::float32, dtype::float64})
        for (const layout l : layouts) weights_and_masks_multiply(loss, type, l);
      for (int fmt = 0; fmt < (loss.operands[0].is(rotated) ? 1 : formats); ++fmt)
        for (const std::size_t k : {0, 1})
          for (const bool along_y : {false, true}) inverted_boxes_are_named(loss, fmt, k, along_y);
      ++found;
      if (failed_checks != failed_before) std::printf("  with %s on %s\n", loss.name, *isa);
    }
  }
  CHECK(found > 0);
  return report();
}

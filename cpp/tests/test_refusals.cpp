// Calls that ask for, or give, what an engine would ignore: each is refused by a message that names it, with nothing written.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>

#include "check.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/linear.hpp"

namespace {

using namespace fastloss;

constexpr std::ptrdiff_t rows = 3, classes = 4, features = 2;
constexpr double untouched = 7.25;

// Memory of the calls: whatever is an output holds `untouched`.
struct memory {
  double input[rows * classes] = {}, target[rows * classes] = {}, other[rows * classes] = {}, weights[classes * features] = {};
  std::int64_t labels[rows] = {0, 3, 1};
  double out[12][rows * classes];
  bool flags[rows] = {};

  memory() {
    for (auto& block : out) std::fill(std::begin(block), std::end(block), untouched);
  }
  bool is_untouched() const {
    for (const auto& block : out)
      for (const double x : block)
        if (x != untouched) return false;
    return true;
  }
};

// Of rows and classes, of rows, of classes and features.
constexpr std::ptrdiff_t table_shape[] = {rows, classes}, table_strides[] = {classes * 8, 8};
constexpr std::ptrdiff_t samples_shape[] = {rows, features}, weights_shape[] = {classes, features}, narrow_strides[] = {features * 8, 8};
constexpr std::ptrdiff_t rows_shape[] = {rows}, rows_strides[] = {8}, flag_strides[] = {1};

const_array table_of(const double* x) { return {x, table_shape, table_strides, 2, dtype::float64}; }
const_array number(const double* x) { return {x, nullptr, nullptr, 0, dtype::float64}; }
mutable_array to_table(double* x) { return {x, table_shape, table_strides, 2, dtype::float64}; }
mutable_array to_rows(double* x, dtype type = dtype::float64) { return {x, rows_shape, rows_strides, 1, type}; }

struct request {
  memory& data;
  loss_call call{};
  loss_outputs outputs{};
  alignas(std::max_align_t) std::byte options[max_loss_bytes] = {};

  request(memory& m, const char* name) : data(m) {
    call.loss = find_loss(name);
    call.loss->construct(options);
    call.options = options;
    call.operands[0] = table_of(m.input);
    call.operands[1] = table_of(m.target);
  }
  request(const request&) = delete;
  request& operator=(const request&) = delete;
};

using change = std::function<void(request&)>;

// Runs the call after a change; whether it is refused with all these words, and nothing is written.
bool is_refused(const char* loss, const change& good, const change& bad, std::initializer_list<const char*> words) {
  memory data;
  request r(data, loss);
  good(r);
  bad(r);
  try {
    const call_plan plan(r.call);
    plan.run(r.outputs);
  } catch (const value_error& error) {
    const std::string message = error.what();
    bool named = message.rfind(loss, 0) == 0;
    for (const char* word : words) named &= message.find(word) != std::string::npos;
    if (!named) std::printf("%s\n", error.what());
    return named && data.is_untouched();
  }
  return false;
}

// The call as it is without the change is taken, so that the change is why the other is not.
bool is_taken(const char* loss, const change& good) {
  memory data;
  request r(data, loss);
  good(r);
  const call_plan plan(r.call);
  plan.run(r.outputs);
  return true;
}

void ask_for_gradient(request& r) {
  r.call.gradient_count = 1;
  r.outputs.gradients[0] = to_table(r.data.out[0]);
}

// What every engine refuses. `good` is a call with a gradient and a reduced value.
void refuses_what_no_engine_reads(const char* loss, const change& good) {
  const auto refused = [&](const change& bad, std::initializer_list<const char*> words) { return is_refused(loss, good, bad, words); };
  const auto without_gradient = [](request& r) {
    r.call.gradient_count = 0;
    r.outputs.gradients[0] = {};
  };
  CHECK(is_taken(loss, good));
  CHECK(is_taken(loss, [&](request& r) { good(r), without_gradient(r); }));
  // Outputs.
  CHECK(refused([](request& r) { r.outputs.value = to_rows(r.data.out[1]); }, {"out for the value", "reduced"}));
  CHECK(refused(
      [](request& r) {
        r.call.value = false;
        r.call.call.reduction = reduction::none;
        r.outputs.value = to_rows(r.data.out[1]);
      },
      {"out for the value", "not asked for"}));
  CHECK(refused([](request& r) { r.outputs.gradients[1] = to_table(r.data.out[1]); }, {"gradient 1", "gradient_count is 1"}));
  CHECK(refused([](request& r) { r.outputs.gradients[max_operands - 1] = to_table(r.data.out[1]); }, {"gradient 5"}));
  CHECK(refused([](request& r) { r.call.gradient_count = 0; }, {"gradient 0", "gradient_count is 0"}));
  CHECK(refused([](request& r) { r.outputs.hessian = to_table(r.data.out[1]); }, {"second derivative", "not asked for"}));
  for (int e = 0; e < row_extra_count; ++e)
    CHECK(refused([e](request& r) { r.outputs.extras[static_cast<std::size_t>(e)] = to_table(r.data.out[1]); },
                  {"array for", "not asked for"}));
  static loss_statistics statistics;
  CHECK(refused([](request& r) { r.outputs.statistics = &statistics; }, {"statistics", "not asked for"}));
  CHECK(refused([](request& r) { r.call.statistics = true; }, {"statistics", "nothing else"}));
  CHECK(refused(
      [&](request& r) {
        without_gradient(r);
        r.call.statistics = true;
      },
      {"no memory for statistics"}));
  CHECK(refused(
      [&](request& r) {
        without_gradient(r);
        r.call.statistics = true;
        r.call.call.reduction = reduction::sum;
        r.outputs.statistics = &statistics;
      },
      {"statistics", "reduction='mean'"}));
  CHECK(is_taken(loss, [&](request& r) {
    good(r);
    without_gradient(r);
    r.call.statistics = true;
    r.outputs.statistics = &statistics;
  }));
  // Operands and gradients.
  CHECK(refused([](request& r) { r.call.operands[max_operands - 1] = table_of(r.data.other); }, {"operand 5 is given"}));
  CHECK(refused([](request& r) { r.call.gradient_of[1] = 1; }, {"gradient_of", "beyond its first 1"}));
  CHECK(refused([](request& r) { r.call.gradient_of[max_operands - 1] = -1; }, {"gradient_of"}));
  for (const int count : {-1, max_operands + 1, 1 << 30})
    CHECK(refused([count](request& r) { r.call.gradient_count = count; }, {"gradient_count", std::to_string(count).c_str()}));
  // Call options.
  CHECK(refused([](request& r) { r.call.call.normalizer_value = 2.0; }, {"normalizer_value", "2.0"}));
  CHECK(refused(
      [](request& r) {
        r.call.call.normalizer = normalizer::count;
        r.call.call.normalizer_value = 2.0;
      },
      {"normalizer_value"}));
  CHECK(refused([](request& r) { r.call.call.threads = -1; }, {"threads", "-1"}));
  CHECK(refused(
      [&](request& r) {
        without_gradient(r);
        r.call.call.grad_output = number(r.data.other);
      },
      {"grad_output", "none is asked for"}));
  CHECK(refused(
      [&](request& r) {
        without_gradient(r);
        r.call.call.accumulate = true;
      },
      {"accumulate", "none is asked for"}));
}

bool is_refused_for_want_of_a_loss() {
  try {
    const loss_call call{};
    const call_plan plan(call);
  } catch (const value_error& error) {
    return std::strstr(error.what(), "loss is null") != nullptr;
  }
  return false;
}

void refuses_calls_without_a_loss(const char* loss, const change& good) {
  CHECK(is_refused_for_want_of_a_loss());
  CHECK(is_refused(loss, good, [](request& r) { r.call.options = nullptr; }, {"options is null"}));
  loss_info without_engine = *find_loss(loss);
  without_engine.engine = nullptr;
  CHECK(is_refused(loss, good, [&](request& r) { r.call.loss = &without_engine; }, {"engine is null"}));
  loss_info without_kernels = *find_loss(loss);
  without_kernels.index = -1;
  CHECK(is_refused(loss, good, [&](request& r) { r.call.loss = &without_kernels; }, {"not registered", "kernels is null"}));
}

void pointwise_calls() {
  constexpr const char* loss = "huber_loss";
  const change good = ask_for_gradient;
  refuses_what_no_engine_reads(loss, good);
  refuses_calls_without_a_loss(loss, good);
  const auto refused = [&](const change& bad, std::initializer_list<const char*> words) { return is_refused(loss, good, bad, words); };
  CHECK(refused([](request& r) { r.call.vector = table_of(r.data.other); }, {"vector", "no second derivative"}));
  CHECK(refused([](request& r) { r.call.extras = 1u << static_cast<int>(row_extra::lse); }, {"extras", "softmax"}));
  CHECK(refused([](request& r) { r.call.call.axis = 1; }, {"axis", "no axis of classes"}));
  CHECK(refused([](request& r) { r.call.call.ignore_index = 0; }, {"ignore_index=0", "class indices"}));
  CHECK(is_refused("rmse_loss", good, [](request& r) { r.call.hessian = true; }, {"second derivative", "has none"}));
}

void give_labels(request& r) { r.call.operands[1] = {r.data.labels, rows_shape, rows_strides, 1, dtype::int64}; }

void rowwise_calls() {
  constexpr const char* loss = "cross_entropy";
  const change good = [](request& r) {
    ask_for_gradient(r);
    give_labels(r);
  };
  refuses_what_no_engine_reads(loss, good);
  refuses_calls_without_a_loss(loss, good);
  const auto refused = [&](const change& bad, std::initializer_list<const char*> words) { return is_refused(loss, good, bad, words); };
  CHECK(refused([](request& r) { r.call.vector = table_of(r.data.other); }, {"vector", "no second derivative is asked for"}));
  const auto ask_for_product = [](request& r) {
    r.call.vector = table_of(r.data.other);
    r.outputs.hessian = to_table(r.data.out[1]);
  };
  CHECK(refused(ask_for_product, {"vector", "no second derivative is asked for"}));
  CHECK(is_taken(loss, [&](request& r) {
    good(r);
    ask_for_product(r);
    r.call.hessian = true;
  }));
  CHECK(refused([](request& r) { r.call.extras = 1u << row_extra_count; }, {"extras", "no row_extra"}));
  for (int e = 0; e < row_extra_count; ++e) {
    const auto extra = [e](request& r) {
      const bool of_classes = e == static_cast<int>(row_extra::probabilities) || e == static_cast<int>(row_extra::log_probabilities);
      mutable_array& to = r.outputs.extras[static_cast<std::size_t>(e)];
      to = of_classes ? to_table(r.data.out[2]) : to_rows(r.data.out[2]);
      if (e == static_cast<int>(row_extra::prediction)) to.type = dtype::int64;
      if (e == static_cast<int>(row_extra::correct)) to = {r.data.flags, rows_shape, flag_strides, 1, dtype::boolean};
      r.call.extras = 1u << e;
    };
    CHECK(is_taken(loss, [&](request& r) { good(r), extra(r); }));
    CHECK(refused([](request& r) { r.outputs.extras[0] = to_rows(r.data.out[2]); }, {"'lse'", "not asked for"}));
    CHECK(is_refused("multi_margin_loss", good, extra, {"extras", "softmax"}));
  }
  const auto give_distribution = [](request& r) { r.call.operands[1] = table_of(r.data.target); };
  CHECK(refused(
      [&](request& r) {
        give_distribution(r);
        r.call.call.ignore_index = 0;
      },
      {"ignore_index=0", "class indices"}));
  CHECK(is_refused(
      "ranking_softmax_loss", [](request&) {}, [](request& r) { r.call.call.ignore_index = 0; }, {"ignore_index=0", "class indices"}));
}

// Whether a plan takes one row of so many classes; nothing is run, so that there need not be memory for them.
bool takes_classes(dtype type, std::ptrdiff_t count) {
  memory data;
  request r(data, "cross_entropy");
  const std::ptrdiff_t shape[] = {1, count}, still[] = {0, 0};
  r.call.operands[0] = {data.input, shape, still, 2, type};
  r.call.operands[1] = {data.labels, shape, still, 1, dtype::int64};
  try {
    const call_plan plan(r.call);
    return true;
  } catch (const value_error&) {
    return false;
  }
}

void classes_beyond_32_bits() {
  constexpr std::ptrdiff_t most = (std::ptrdiff_t{1} << 31) - 1;
  CHECK(takes_classes(dtype::float32, most));
  CHECK(!takes_classes(dtype::float32, most + 1));
  CHECK(!takes_classes(dtype::float16, most + 1));
  CHECK(takes_classes(dtype::float64, most + 1));
}

void linear_calls() {
  constexpr const char* loss = "linear_cross_entropy";
  const change good = [](request& r) {
    r.call.gradient_count = 1;
    r.call.operands[0] = {r.data.input, samples_shape, narrow_strides, 2, dtype::float64};
    r.call.operands[1] = {r.data.weights, weights_shape, narrow_strides, 2, dtype::float64};
    r.call.operands[2] = {r.data.labels, rows_shape, rows_strides, 1, dtype::int64};
    r.outputs.gradients[0] = {r.data.out[0], samples_shape, narrow_strides, 2, dtype::float64};
  };
  refuses_what_no_engine_reads(loss, good);
  refuses_calls_without_a_loss(loss, good);
  const auto refused = [&](const change& bad, std::initializer_list<const char*> words) { return is_refused(loss, good, bad, words); };
  CHECK(refused([](request& r) { r.call.hessian = true; }, {"second derivative", "has none"}));
  CHECK(refused([](request& r) { r.call.vector = table_of(r.data.other); }, {"vector", "no second derivative"}));
  CHECK(refused([](request& r) { r.call.extras = 1u; }, {"extras", "softmax"}));
  CHECK(refused([](request& r) { r.call.call.axis = 1; }, {"axis", "no axis of classes"}));
  loss_info unknown = *find_loss(loss);
  for (const char* const scores : {"no_such_loss", "huber_loss"}) {
    const linear_loss of_scores{scores};
    unknown.traits = &of_scores;
    CHECK(refused([&](request& r) { r.call.loss = &unknown; }, {"registered row-wise one", scores}));
  }
}

void box_calls() {
  constexpr const char* loss = "generalized_box_iou_loss";
  static_assert(classes == 4);  // so that tables of rows and classes are boxes
  const change good = ask_for_gradient;
  refuses_what_no_engine_reads(loss, good);
  refuses_calls_without_a_loss(loss, good);
  const auto refused = [&](const change& bad, std::initializer_list<const char*> words) { return is_refused(loss, good, bad, words); };
  CHECK(refused([](request& r) { r.call.hessian = true; }, {"second derivative", "has none"}));
  CHECK(refused([](request& r) { r.call.vector = table_of(r.data.other); }, {"vector", "no second derivative"}));
  CHECK(refused([](request& r) { r.call.extras = 1u; }, {"extras", "softmax"}));
  CHECK(refused([](request& r) { r.call.call.axis = 1; }, {"axis", "no axis of classes"}));
  CHECK(refused([](request& r) { r.call.call.ignore_index = 0; }, {"ignore_index=0", "class indices"}));
  // Shapes.
  static constexpr std::ptrdiff_t three_numbers[] = {rows, 3}, fewer_boxes[] = {rows - 1, 4}, one_box[] = {1, 4};
  CHECK(refused([](request& r) { r.call.operands[0].shape = three_numbers; }, {"input has shape (3, 3)", "four numbers on the last axis"}));
  CHECK(refused([](request& r) { r.call.operands[0] = number(r.data.input); }, {"input has shape ()", "four numbers on the last axis"}));
  for (const std::ptrdiff_t* shape : {three_numbers, fewer_boxes, one_box})
    CHECK(refused([shape](request& r) { r.call.operands[1].shape = shape; },
                  {"target has shape (", "the shape of input, (3, 4)", "in pairs"}));
  CHECK(refused([](request& r) { r.call.operands[1] = {r.data.target, &table_shape[1], &table_strides[1], 1, dtype::float64}; },
                {"target has shape (4,)", "the shape of input, (3, 4)"}));
  CHECK(refused([](request& r) { r.call.call.sample_weight = table_of(r.data.other); }, {"sample_weight has shape (3, 4)", "(3,)"}));
  CHECK(refused([](request& r) { r.outputs.gradients[0] = to_rows(r.data.out[0]); }, {"gradient of 'input'", "(3, 4)", "(3,)"}));
  // Outputs over what is read: a part of it, or another view.
  CHECK(refused([](request& r) { r.call.operands[0].data = r.data.out[0] + 4; }, {"out overlaps input"}));
}

void keypoint_calls() {
  constexpr const char* loss = "oks_loss";
  // One instance for each row, with two keypoints.
  static constexpr std::ptrdiff_t shape[] = {rows, 2, 2}, strides[] = {classes * 8, 16, 8}, of_sigmas[] = {8};
  static constexpr std::ptrdiff_t no_keypoints[] = {rows, 0, 2}, fewer[] = {rows - 1, 2, 2}, three[] = {3}, pairs[] = {rows, 2};
  const auto points = [](const double* x) { return const_array{x, shape, strides, 3, dtype::float64}; };
  const change good = [&](request& r) {
    std::fill(std::begin(r.data.other), std::end(r.data.other), 0.5);
    r.call.operands = {points(r.data.input), points(r.data.target), number(r.data.other), number(r.data.other)};
    r.call.gradient_count = 1;
    r.outputs.gradients[0] = {r.data.out[0], shape, strides, 3, dtype::float64};
  };
  refuses_what_no_engine_reads(loss, good);
  refuses_calls_without_a_loss(loss, good);
  const auto refused = [&](const change& bad, std::initializer_list<const char*> words) { return is_refused(loss, good, bad, words); };
  CHECK(refused([](request& r) { r.call.hessian = true; }, {"second derivative", "has none"}));
  CHECK(refused([](request& r) { r.call.extras = 1u; }, {"extras", "softmax"}));
  CHECK(refused([](request& r) { r.call.call.axis = 1; }, {"axis", "no axis of classes"}));
  CHECK(refused([](request& r) { r.call.gradient_of[0] = 2; }, {"'area'", "no gradient"}));
  // Shapes.
  CHECK(refused([](request& r) { r.call.operands[0].shape = no_keypoints; }, {"input has shape (3, 0, 2)", "(..., K, 2)"}));
  CHECK(refused([](request& r) { r.call.operands[0] = table_of(r.data.input); }, {"input has shape (3, 4)", "(..., K, 2)"}));
  CHECK(refused([](request& r) { r.call.operands[0] = number(r.data.input); }, {"input has shape ()", "(..., K, 2)"}));
  CHECK(refused([](request& r) { r.call.operands[1].shape = fewer; }, {"target has shape (2, 2, 2)", "the shape of input, (3, 2, 2)"}));
  CHECK(refused([](request& r) { r.call.operands[2] = table_of(r.data.other); }, {"area has shape (3, 4)", "(3,)"}));
  CHECK(refused([](request& r) { r.call.operands[3] = {r.data.other, three, of_sigmas, 1, dtype::float64}; },
                {"sigmas has shape (3,)", "2 keypoints", "(2,)"}));
  CHECK(refused([](request& r) { r.call.operands[3] = {}; }, {"sigmas must be given for 2 keypoints", "17"}));
  CHECK(refused([](request& r) { r.call.operands[4] = {r.data.other, three, of_sigmas, 1, dtype::float64}; },
                {"visible has shape (3,)", "(3, 2)", "(2,)"}));
  CHECK(refused([](request& r) { r.call.call.sample_weight = {r.data.other, pairs, strides, 2, dtype::float64}; },
                {"sample_weight has shape (3, 2)", "(3,)"}));
  // Numbers: sigmas in every call.
  CHECK(refused([](request& r) { r.data.other[0] = 0.0; }, {"sigmas must be", "got 0.0 at index ()"}));
  CHECK(refused(
      [](request& r) {
        r.data.weights[0] = -2.0;
        r.call.operands[2] = number(r.data.weights);
        r.call.call.raise_domain = true;
      },
      {"area must be >= 0", "got -2.0 at index (0,)"}));
  // Outputs over what is read: a part of it, or another view.
  CHECK(refused([](request& r) { r.call.operands[0].data = r.data.out[0] + 4; }, {"out overlaps input"}));
}

}  // namespace

int main() {
  pointwise_calls();
  rowwise_calls();
  linear_calls();
  box_calls();
  keypoint_calls();
  classes_beyond_32_bits();
  return report();
}

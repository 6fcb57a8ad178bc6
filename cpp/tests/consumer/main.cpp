// The Huber loss and its gradient through the entry point, with numbers worked out by hand, and one wrong call.
#include <fastloss/core/errors.hpp>
#include <fastloss/engine/plan.hpp>
#include <fastloss/version.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <string>

namespace {

constexpr std::ptrdiff_t length = 4;
constexpr std::ptrdiff_t stride = sizeof(double);
constexpr double delta = 2.0;

fastloss::const_array view(const double* data, const std::ptrdiff_t* shape) {
  return {.data = data, .shape = shape, .strides = &stride, .rank = 1, .type = fastloss::dtype::float64};
}

bool near(double a, double b) { return std::abs(a - b) <= 1e-15; }

int fail(const char* what) {
  std::printf("wrong: %s\n", what);
  return 1;
}

}  // namespace

int main() {
  const fastloss::loss_info* huber = fastloss::find_loss("huber_loss");
  if (huber == nullptr) return fail("huber_loss is not registered");
  alignas(std::max_align_t) std::byte options[fastloss::max_loss_bytes];
  huber->construct(options);
  for (std::size_t i = 0; i < huber->options.size(); ++i) {
    if (std::string(huber->options[i].name) == "delta") huber->set(options, static_cast<int>(i), delta);
  }

  // Differences 1, -2, 3, 0: the losses are 1/2, 2, delta (3 - delta / 2) = 4 and 0, their mean 1.625.
  const std::array<double, length> input = {1.0, 0.0, 5.0, 7.0};
  const std::array<double, length> target = {0.0, 2.0, 2.0, 7.0};
  const std::array<double, length> expected = {0.25, -0.5, 0.5, 0.0};

  fastloss::loss_call call;
  call.loss = huber;
  call.options = options;
  call.operands[0] = view(input.data(), &length);
  call.operands[1] = view(target.data(), &length);
  call.gradient_count = 1;

  const fastloss::call_plan plan(call);
  std::array<double, length> gradient{};
  fastloss::loss_outputs outputs;
  outputs.gradients[0] = {.data = gradient.data(), .shape = &length, .strides = &stride, .rank = 1, .type = plan.gradient(0).type};
  if (!near(plan.run(outputs), 1.625)) return fail("the value");
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    if (!near(gradient[i], expected[i])) return fail("the gradient");
  }

  const std::ptrdiff_t short_length = length - 1;
  call.operands[1] = view(target.data(), &short_length);
  try {
    const fastloss::call_plan refused(call);
    return fail("shapes that do not fit were accepted");
  } catch (const fastloss::value_error& error) {
    const std::string message = error.what();
    for (const char* part : {"target", "(3,)", "(4,)"}) {
      if (message.find(part) == std::string::npos) return fail(error.what());
    }
  }
  std::printf("fastloss %s: ok\n", FASTLOSS_VERSION);
  return 0;
}

// Losses that a user writes: structs that are not in the registry, described and compiled where they are used.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include "check.hpp"
#include "fastloss/engine/loss_info.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/box.hpp"
#include "fastloss/engines/keypoint.hpp"
#include "fastloss/engines/pointwise.hpp"
#include "fastloss/engines/rowwise.hpp"
#include "fastloss/simd/primitives.hpp"

namespace {

using namespace fastloss;

// price |x - t|, over the sum of the prices
struct priced_error {
  double margin = 0.0;

  static constexpr const char* name = "priced_error_loss";
  static constexpr pointwise_traits traits{.mean_over = denominator::term};
  static constexpr operand operands[] = {{"input", differentiable}, {"target"}, {"price", differentiable}};
  static constexpr auto options() { return std::array{option<priced_error>{"margin", &priced_error::margin, at_least(0)}}; }

  template <class X, class T, class P>
  FASTLOSS_FN auto value(X input, T target, P price) const {
    return mul0(price, strict_max0(abs(input - target) - margin));
  }
  template <class X, class T, class P>
  FASTLOSS_FN auto denominator_term(X, T, P price) const {
    return price;
  }
};

inline constexpr double two[] = {2.0};

// Cross-entropy of scores times a number for each class, which is 2 unless it is given.
struct sharpened {
  static constexpr const char* name = "sharpened_loss";
  static constexpr rowwise_traits traits{.shift = row_shift::log_sum_exp};
  static constexpr operand operands[] = {
      {"input", differentiable}, {"target", class_index}, {"sharpness", differentiable | per_class | in_logit, above(0), two}};

  constexpr bool transforms() const { return true; }
  template <class Z, class S, class T>
  FASTLOSS_FN auto logit(Z input, S sharpness, T) const {
    return input * sharpness;
  }
  template <class U, class T>
  FASTLOSS_FN auto value(U log_probability, T target) const {
    return -mul0(target, log_probability);
  }
};

// 1 - IoU + the square of what share of the enclosing box neither box covers, weighted
struct compactness {
  double weight = 1.0, eps = 1e-7;
  int fmt = 0;

  static constexpr const char* name = "compactness_loss";
  static constexpr box_traits traits{};
  static constexpr operand operands[] = {{"input", differentiable}, {"target", differentiable}};
  static constexpr auto options() {
    using L = compactness;
    return std::array{option<L>{"weight", &L::weight, at_least(0)}, option<L>{"eps", &L::eps, above(0)},
                      option<L>{"fmt", &L::fmt, box_formats}};
  }

  template <class Pair>
  FASTLOSS_FN auto value(const Pair& pair) const {
    return (1.0 - pair.iou(eps)) + weight * square(pair.uncovered(eps));
  }
};

// e / (1 + e), of two keypoints that are known as 0.25 and 0.5 unless their sigmas are given
inline constexpr double two_sigmas[] = {0.25, 0.5};
struct odds {
  double eps = 1.0;

  static constexpr const char* name = "odds_loss";
  static constexpr keypoint_traits traits{.sigmas = two_sigmas};
  static constexpr std::span<const operand> operands = keypoint_operands;
  static constexpr auto options() { return std::array{option<odds>{"eps", &odds::eps, added_area_range}}; }

  template <class E>
  FASTLOSS_FN auto value(E e) const {
    return 1.0 - 1.0 / (1.0 + e);
  }
};

template <class L>
const loss_info& described() {
  static constexpr auto kernels = engine_of_loss<L>::template kernels<L>();
  static constexpr loss_info info = describe<L>(-1, &kernels);
  return info;
}

bool near(double a, double b) { return std::abs(a - b) <= 1e-12; }

void a_pointwise_loss() {
  const priced_error options{.margin = 0.5};
  const std::ptrdiff_t count = 3, step = sizeof(double);
  const double x[] = {1.0, 2.0, 4.0}, t[] = {2.0, 2.25, 1.0}, price[] = {1.0, 5.0, 2.0};
  double gradient[3];
  loss_call call;
  call.loss = &described<priced_error>();
  call.options = &options;
  for (std::size_t k = 0; const double* data : {x, t, price}) call.operands[k++] = {data, &count, &step, 1, dtype::float64};
  call.gradient_count = 1;
  const call_plan plan(call);
  loss_outputs outputs;
  outputs.gradients[0] = {gradient, &count, &step, 1, dtype::float64};
  CHECK(near(plan.run(outputs), (1.0 * 0.5 + 2.0 * 2.5) / 8.0));
  CHECK(near(gradient[0], -1.0 / 8.0) && gradient[1] == 0.0 && near(gradient[2], 2.0 / 8.0));
}

// Operands of every engine have their defaults where they are left out.
void a_default_of_a_rowwise_loss() {
  const sharpened options{};
  const std::ptrdiff_t shape[] = {1, 3}, steps[] = {3 * sizeof(double), sizeof(double)};
  const double scores[] = {0.5, 1.0, -0.5}, twos[] = {2.0, 2.0, 2.0};
  const std::int64_t label = 1;
  loss_call call;
  call.loss = &described<sharpened>();
  call.options = &options;
  call.operands[0] = {scores, shape, steps, 2, dtype::float64};
  call.operands[1] = {&label, shape, steps, 1, dtype::int64};
  const double expected = std::log(std::exp(1.0) + std::exp(2.0) + std::exp(-1.0)) - 2.0;
  double of_sharpness[3];
  const auto run = [&](int gradients) {
    loss_outputs outputs;
    call.gradient_count = gradients;
    call.gradient_of[0] = gradients > 0 ? 2 : 0;
    const call_plan plan(call);
    if (gradients > 0) outputs.gradients[0] = {of_sharpness, plan.gradient(0).shape, &steps[1], plan.gradient(0).rank, dtype::float64};
    return plan.run(outputs);
  };
  CHECK(near(run(0), expected));
  CHECK(near(run(1), expected));  // of one number for all classes
  double total = 0.0;
  for (int c = 0; c < 3; ++c) total += (std::exp(2.0 * scores[c] - expected - 2.0) - (c == 1 ? 1.0 : 0.0)) * scores[c];
  CHECK(near(of_sharpness[0], total));
  call.operands[2] = {twos, &shape[1], &steps[1], 1, dtype::float64};
  CHECK(near(run(1), expected));
  CHECK(near(of_sharpness[0] + of_sharpness[1] + of_sharpness[2], total));
}

void a_loss_of_boxes() {
  const compactness options{.weight = 0.5, .eps = 1e-15};
  const std::ptrdiff_t shape[] = {2, upright_numbers}, steps[] = {upright_numbers * sizeof(double), sizeof(double)};
  // Unions of 7 in enclosing boxes of 9, and of 16 in 20.
  const double input[] = {1, 1, 3, 3, 0, 0, 4, 2}, target[] = {2, 2, 4, 4, 1, 0, 5, 4};
  double gradients[2][8], changed[8];
  loss_call call;
  call.loss = &described<compactness>();
  call.options = &options;
  for (std::size_t k = 0; const double* data : {input, target}) call.operands[k++] = {data, shape, steps, 2, dtype::float64};
  const auto value_with = [&](std::size_t k, const double* boxes) {
    loss_call other = call;
    other.operands[k].data = boxes;
    const call_plan plan(other);
    return plan.run({});
  };
  const double of_first = 1 - 1.0 / 7 + 0.5 * 4.0 / 81, of_second = 1 - 6.0 / 18 + 0.5 * 4.0 / 400;
  CHECK(near(value_with(0, input), (of_first + of_second) / 2));

  loss_call differentiated = call;
  differentiated.gradient_count = 2;
  differentiated.gradient_of[1] = 1;
  const call_plan plan(differentiated);
  loss_outputs outputs;
  for (std::size_t k = 0; k < 2; ++k) outputs.gradients[k] = {gradients[k], shape, steps, 2, dtype::float64};
  CHECK(near(plan.run(outputs), (of_first + of_second) / 2));
  constexpr double step = 1e-6;
  for (std::size_t k = 0; k < 2; ++k)
    for (std::size_t i = 0; i < 8; ++i) {
      if (i == 5) continue;  // both boxes of the second pair begin there: a tie
      const double* const boxes = k == 0 ? input : target;
      const auto value_at = [&](double x) {
        std::copy(boxes, boxes + 8, changed);
        changed[i] = x;
        return value_with(k, changed);
      };
      const double slope = (value_at(boxes[i] + step) - value_at(boxes[i] - step)) / (2 * step);
      CHECK(std::abs(gradients[k][i] - slope) <= 1e-8);
    }
}

void a_loss_of_keypoints() {
  const odds options{};
  const std::ptrdiff_t shape[] = {2, 2}, steps[] = {2 * sizeof(double), sizeof(double)};
  // Squared distances of 25 and 4, over 2 (2 sigma)^2 (area + eps): 2 * 0.25 * 4 and 2 * 1 * 4.
  const double input[] = {3, 4, 0, 2}, target[] = {0, 0, 0, 0}, area = 3;
  double gradient[4];
  loss_call call;
  call.loss = &described<odds>();
  call.options = &options;
  call.operands = {const_array{input, shape, steps, 2, dtype::float64}, const_array{target, shape, steps, 2, dtype::float64},
                   const_array{&area, nullptr, nullptr, 0, dtype::float64}};
  call.gradient_count = 1;
  const call_plan plan(call);
  loss_outputs outputs;
  outputs.gradients[0] = {gradient, shape, steps, 2, dtype::float64};
  CHECK(near(plan.run(outputs), (12.5 / 13.5 + 0.5 / 1.5) / 2));
  const double first = 1 / (13.5 * 13.5) / 2, second = 1 / (1.5 * 1.5) / 8;  // half of the formula's slope, times that of e: 2 d / ...
  CHECK(near(gradient[0], 3 * first) && near(gradient[1], 4 * first) && gradient[2] == 0 && near(gradient[3], 2 * second));
}

}  // namespace

int main() {
  a_pointwise_loss();
  a_default_of_a_rowwise_loss();
  a_loss_of_boxes();
  a_loss_of_keypoints();
  return report();
}

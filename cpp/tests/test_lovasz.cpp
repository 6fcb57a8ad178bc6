// The Lovász losses through the entry point, in memory of exactly the size needed, so that the sanitizers see each access that is one
// element too far. What the numbers should be is the Python suite's subject; here they must not depend on the layout, the number of
// threads, what the gradient is written over, or what else is asked for.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/lovasz.hpp"
#include "fastloss/runtime/isa.hpp"
#include "fastloss/runtime/threads.hpp"
#include "numbers.hpp"

namespace {

using namespace fastloss;

constexpr std::ptrdiff_t classes = 3;

struct request {
  const loss_info* loss;
  dtype type;
  std::ptrdiff_t samples, pixels;
  bool per_image, from_logits;
  bool gradient = true;
  layout how = layout::contiguous;
  int threads = 1;
  bool in_place = false;
};

std::vector<double> results_of(const request& r) {
  alignas(std::max_align_t) std::byte options[max_loss_bytes];
  r.loss->construct(options);
  for (std::size_t i = 0; i < r.loss->options.size(); ++i) {
    if (std::strcmp(r.loss->options[i].name, "per_image") == 0) r.loss->set(options, static_cast<int>(i), r.per_image);
    if (std::strcmp(r.loss->options[i].name, "from_logits") == 0) r.loss->set(options, static_cast<int>(i), r.from_logits);
  }
  const bool of_classes = has_classes(*r.loss);
  const std::vector<std::ptrdiff_t> pixels{r.samples, r.pixels}, all{r.samples, classes, r.pixels};
  numbers input(r.type, of_classes ? all : pixels, r.how), gradient(r.type, of_classes ? all : pixels, r.how);
  numbers target(dtype::int8, pixels, r.how);
  std::mt19937 random(5);
  for (std::size_t i = 0; i < input.count(); ++i) input.set(i, static_cast<double>(random() % 64) / 64);  // many errors are equal
  for (std::size_t i = 0; i < target.count(); ++i)
    target.set(i, random() % 9 == 0 ? -100 : static_cast<double>(random() % (of_classes ? classes : 2)));
  loss_call call;
  call.loss = r.loss;
  call.options = options;
  call.operands = {input.input(), target.input()};
  call.call.threads = r.threads;
  call.gradient_count = r.gradient;
  loss_outputs outputs;
  numbers& to = r.in_place ? input : gradient;
  if (r.gradient) outputs.gradients[0] = to.output();
  std::vector<double> found{call_plan(call).run(outputs)};
  for (std::size_t i = 0; i < to.count() && r.gradient; ++i) found.push_back(to.get(i));
  return found;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

void layouts_and_threads_change_nothing(const request& r) {
  const std::vector<double> expected = results_of(r);
  CHECK(std::all_of(expected.begin(), expected.end(), [](double x) { return std::isfinite(x); }));
  request other = r;
  other.gradient = false;
  CHECK(results_of(other)[0] == expected[0]);
  other.gradient = true;
  for (const layout how : layouts)
    for (const bool in_place : {false, true}) {
      other.how = how;
      other.in_place = in_place;
      other.threads = in_place ? 3 : 2;
      CHECK(same_bits(results_of(other), expected));
    }
}

double value_of(const char* name, const double* input, const signed char* target, std::vector<std::ptrdiff_t> shape, double* gradient) {
  const loss_info& loss = *find_loss(name);
  alignas(std::max_align_t) std::byte options[max_loss_bytes];
  loss.construct(options);
  const auto rank = static_cast<int>(shape.size());
  const bool of_classes = has_classes(loss);
  std::vector<std::ptrdiff_t> strides(shape.size(), sizeof(double)), pixels = shape;
  for (std::size_t i = shape.size() - 1; i-- > 0;) strides[i] = strides[i + 1] * shape[i + 1];
  if (of_classes) pixels.erase(pixels.begin() + 1);
  std::vector<std::ptrdiff_t> of_bytes(pixels.size(), 1);
  for (std::size_t i = pixels.size() - 1; i-- > 0;) of_bytes[i] = of_bytes[i + 1] * pixels[i + 1];
  loss_call call;
  call.loss = &loss;
  call.options = options;
  call.operands = {const_array{input, shape.data(), strides.data(), rank, dtype::float64},
                   const_array{target, pixels.data(), of_bytes.data(), static_cast<int>(pixels.size()), dtype::int8}};
  call.gradient_count = 1;
  loss_outputs outputs;
  outputs.gradients[0] = {gradient, shape.data(), strides.data(), rank, dtype::float64};
  return call_plan(call).run(outputs);
}

// Errors 1.5, 0.5, 0 and -1 of four pixels, of which two are in the mask; of two pixels of two classes 0.1 and 0.4, of both.
void known_values() {
  const double scores[] = {2.0, 0.5, -1.0, 0.5}, p[] = {0.9, 0.4, 0.1, 0.6};
  const signed char mask[] = {1, 1, 0, 0}, labels[] = {0, 1};
  double gradient[4];
  CHECK(std::abs(value_of("lovasz_hinge_loss", scores, mask, {1, 4}, gradient) - 2.0 / 3) < 1e-15);
  CHECK(gradient[0] == 0 && gradient[1] == -1.0 / 3 && gradient[2] == 0 && gradient[3] == 1.0 / 3);
  CHECK(std::abs(value_of("lovasz_softmax_loss", p, labels, {1, 2, 2}, gradient) - 0.325) < 1e-15);
  CHECK(gradient[0] == -0.25 && gradient[1] == 0.25 && gradient[2] == 0 && gradient[3] == -0.5);
}

// A target that is no mask, or no class, is found before anything is written.
void wrong_targets() {
  const double input[] = {0.9, 0.4, 0.1, 0.6};
  const signed char wrong[] = {0, 2, 1, 3};
  double gradient[] = {7, 7, 7, 7};
  bool value = false, index = false;
  try {
    value_of("lovasz_hinge_loss", input, wrong, {1, 4}, gradient);
  } catch (const value_error&) {
    value = true;
  }
  try {
    value_of("lovasz_softmax_loss", input, wrong, {1, 2, 2}, gradient);
  } catch (const index_error&) {
    index = true;
  }
  CHECK(value && index);
  CHECK(std::all_of(gradient, gradient + 4, [](double g) { return g == 7; }));
}

}  // namespace

int main() {
  set_adaptive_teams(false);
  int found = 0;
  for (const char* const* isa = available_isas(); *isa; ++isa) {
    use_isa(*isa);
    known_values();
    wrong_targets();
    for (const loss_info& loss : registered_losses()) {
      if (loss.engine != &lovasz_engine) continue;
      const int failed_before = failed_checks;
      for (const dtype type : {dtype::float32, dtype::float64})
        for (const bool per_image : {false, true})
          for (const bool from_logits : {false, true}) {
            for (const std::ptrdiff_t pixels : {1, 7, 64, 1025, 3000})
              for (const std::ptrdiff_t samples : {1, 3, 9})
                layouts_and_threads_change_nothing({&loss, type, samples, pixels, per_image, from_logits});
            layouts_and_threads_change_nothing({&loss, type, 2, 70'000, per_image, from_logits});
          }
      ++found;
      if (failed_checks != failed_before) std::printf("  with %s on %s\n", loss.name, *isa);
    }
  }
  CHECK(found > 0);
  return report();
}

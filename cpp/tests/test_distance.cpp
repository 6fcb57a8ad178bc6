// The losses of pairs, triplets and quadruplets of embeddings through the entry point, in memory of exactly the size needed, so that the
// sanitizers see each access that is one element too far. What the numbers should be is the Python suite's subject; here they must not
// depend on the layout, the number of threads, what a gradient is written over, or what else is asked for.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <random>
#include <vector>

#include "check.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/distance.hpp"
#include "fastloss/runtime/isa.hpp"
#include "fastloss/runtime/threads.hpp"
#include "numbers.hpp"

namespace {

using namespace fastloss;

struct request {
  const loss_info* loss;
  dtype type;
  std::ptrdiff_t units, features;
  int option = -1;  // that is set
  double setting = 0.0;
  bool gradient = true;
  layout how = layout::contiguous;
  int threads = 1;
  bool in_place = false;
};

// The value of each unit or of all, then the gradients in all embeddings and in the number of each unit.
std::vector<double> results_of(const request& r) {
  alignas(std::max_align_t) std::byte options[max_loss_bytes];
  r.loss->construct(options);
  if (r.option >= 0) r.loss->set(options, r.option, r.setting);
  std::mt19937 random(5);
  std::vector<numbers> operands, gradients;
  loss_call call;
  for (std::size_t k = 0; k < r.loss->operands.size(); ++k) {
    const operand& o = r.loss->operands[k];
    const std::vector<std::ptrdiff_t> shape = o.is(embedding) ? std::vector{r.units, r.features} : std::vector{r.units};
    numbers x(r.type, shape, r.how);
    for (std::size_t i = 0; i < x.count(); ++i) x.set(i, o.is(embedding) ? static_cast<double>(random() % 64) / 16 - 2 : 1.0);
    operands.push_back(std::move(x));
    if (o.is(differentiable) && r.gradient) {
      call.gradient_of[static_cast<std::size_t>(call.gradient_count++)] = static_cast<int>(k);
      gradients.emplace_back(r.type, shape, r.how);
    }
  }
  for (std::size_t k = 0; k < operands.size(); ++k) call.operands[k] = operands[k].input();
  call.loss = r.loss;
  call.options = options;
  call.call.threads = r.threads;
  call.call.reduction = distance_loss_of(*r.loss).is_function ? reduction::none : reduction::mean;
  numbers values(r.type, {r.units}, layout::contiguous);
  loss_outputs outputs;
  if (call.call.reduction == reduction::none) outputs.value = values.output();
  const auto gradient = [&](std::size_t g) -> numbers& {
    return r.in_place ? operands[static_cast<std::size_t>(call.gradient_of[g])] : gradients[g];
  };
  for (std::size_t g = 0; g < gradients.size(); ++g) outputs.gradients[g] = gradient(g).output();
  std::vector<double> found{call_plan(call).run(outputs)};
  for (std::size_t i = 0; call.call.reduction == reduction::none && i < values.count(); ++i) found.push_back(values.get(i));
  for (std::size_t g = 0; g < gradients.size(); ++g)
    for (std::size_t i = 0; i < gradients[g].count(); ++i) found.push_back(gradient(g).get(i));
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

// Each option by itself, where it takes another way through the engine.
void every_way(request r) {
  layouts_and_threads_change_nothing(r);
  for (std::size_t i = 0; i < r.loss->options.size(); ++i) {
    const option_info& o = r.loss->options[i];
    r.option = static_cast<int>(i);
    std::vector<double> settings;
    if (o.kind == option_kind::toggle) settings = {1.0};
    for (int choice = 1; o.kind == option_kind::choice && choice < o.choice_count; ++choice) settings.push_back(choice);
    if (std::strcmp(o.name, "p") == 0) settings = {1.0, 3.0, static_cast<double>(INFINITY)};
    for (const double setting : settings) {
      r.setting = setting;
      layouts_and_threads_change_nothing(r);
    }
  }
}

double triplet(const double* negative, double margin, double* gradient) {
  const double anchor[] = {0.0, 0.0}, positive[] = {3.0, 4.0};
  const std::ptrdiff_t shape[] = {2}, strides[] = {8};
  const loss_info& loss = *find_loss("triplet_margin_loss");
  alignas(std::max_align_t) std::byte options[max_loss_bytes];
  loss.construct(options);
  loss.set(options, 0, margin);
  loss.set(options, 2, 0.0);  // eps
  loss_call call;
  call.loss = &loss;
  call.options = options;
  call.operands = {const_array{anchor, shape, strides, 1, dtype::float64}, const_array{positive, shape, strides, 1, dtype::float64},
                   const_array{negative, shape, strides, 1, dtype::float64}};
  call.gradient_count = 1;
  call.gradient_of[0] = 1;
  loss_outputs outputs;
  outputs.gradients[0] = {gradient, shape, strides, 1, dtype::float64};
  return call_plan(call).run(outputs);
}

void known_values() {
  double gradient[] = {7, 7};
  const double near[] = {0.0, 5.5}, far[] = {0.0, 6.5};
  CHECK(std::abs(triplet(near, 1.0, gradient) - 0.5) < 1e-15);
  CHECK(std::abs(gradient[0] - 0.6) < 1e-15 && std::abs(gradient[1] - 0.8) < 1e-15);
  CHECK(triplet(far, 1.0, gradient) == 0 && gradient[0] == 0 && gradient[1] == 0);
}

// Options that do not go together are found before anything is written.
void margin_of_zero() {
  double gradient[] = {7, 7};
  const double negative[] = {0.0, 1.0};
  bool refused = false;
  try {
    triplet(negative, 0.0, gradient);
  } catch (const value_error&) {
    refused = true;
  }
  CHECK(refused && gradient[0] == 7 && gradient[1] == 7);
}

void every_loss_on_this_instruction_set(const char* isa) {
  std::vector<const loss_info*> all;
  for (const loss_info& loss : registered_losses())
    if (loss.engine == &distance_engine) all.push_back(&loss);
  for (const named_function& f : functions())
    if (f.loss.engine == &distance_engine) all.push_back(&f.loss);
  CHECK(all.size() > 2);
  for (const loss_info* const loss : all) {
    const int failed_before = failed_checks;
    for (const dtype type : {dtype::float32, dtype::float64})
      for (const std::ptrdiff_t features : {1, 7, 16, 33})
        for (const std::ptrdiff_t units : {1, 5, 300}) every_way({loss, type, units, features});
    if (failed_checks != failed_before) std::printf("  with %s on %s\n", loss->name, isa);
  }
}

}  // namespace

int main() {
  set_adaptive_teams(false);
  for (const char* const* isa = available_isas(); *isa; ++isa) {
    use_isa(*isa);
    known_values();
    margin_of_zero();
    every_loss_on_this_instruction_set(*isa);
  }
  return report();
}

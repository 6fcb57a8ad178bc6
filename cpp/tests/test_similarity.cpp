// The contrastive losses through the entry point, in memory of exactly the size needed, so that the sanitizers see each access that is one
// element too far. What the numbers should be is the Python suite's subject; here they must not depend on the layout, the number of
// threads, what the gradient is written over, or what else is asked for.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <random>
#include <vector>

#include "check.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/similarity.hpp"
#include "fastloss/runtime/isa.hpp"
#include "fastloss/runtime/threads.hpp"
#include "numbers.hpp"

namespace {

using namespace fastloss;

constexpr std::ptrdiff_t negatives = 70, remembered = 90;

struct request {
  const loss_info* loss;
  dtype type;
  std::ptrdiff_t samples, features;
  bool small = false;      // a temperature that takes the maximum of each row
  bool other_way = false;  // labels in the place of positives; further negatives of each sample in that of those of all
  bool gradient = true;
  layout how = layout::contiguous;
  int threads = 1;
  bool in_place = false;
};

// The value, then the gradients in all embeddings and in the scale.
std::vector<double> results_of(const request& r) {
  alignas(std::max_align_t) std::byte options[max_loss_bytes];
  r.loss->construct(options);
  std::mt19937 random(5);
  std::vector<numbers> operands, gradients;
  std::vector<std::size_t> given;
  loss_call call;
  for (std::size_t k = 0; k < r.loss->operands.size(); ++k) {
    const operand& o = r.loss->operands[k];
    const bool labels = o.is(group_index | memory_index | class_index),
               of_number = o.is(as_temperature | as_log_scale | as_scale | as_bias);
    if (o.is(optional) && (o.is(group_index) ? !r.other_way : o.is(embedding_rows) && r.other_way)) continue;
    if (o.is(memory_index) && !r.other_way && !r.loss->operands[1].is(group_index)) continue;  // where the rows have no labels
    const std::ptrdiff_t rows = o.is(negative_rows) ? negatives : o.is(memory_rows | memory_index | proxy_rows) ? remembered : r.samples;
    std::vector<std::ptrdiff_t> shape{rows, r.features};
    if (of_number) shape.clear();
    else if (labels) shape = {rows};
    else if (o.is(negative_rows) && r.other_way) shape = {r.samples, 3, r.features};
    numbers x(labels ? dtype::int8 : r.type, shape, r.how);
    for (std::size_t i = 0; i < x.count(); ++i) x.set(i, labels ? random() % 3 : static_cast<double>(random() % 64) / 16 - 2);
    if (of_number) x.set(0, r.small && o.is(as_temperature) ? 0.01 : r.small && o.is(as_log_scale) ? 4.6 : o.initial[0]);
    operands.push_back(std::move(x));
    given.push_back(k);
    if (!labels && r.gradient) {
      call.gradient_of[static_cast<std::size_t>(call.gradient_count++)] = static_cast<int>(k);
      gradients.emplace_back(r.type, shape, r.how);
    }
  }
  for (std::size_t i = 0; i < given.size(); ++i) call.operands[given[i]] = operands[i].input();
  call.loss = r.loss;
  call.options = options;
  call.call.threads = r.threads;
  loss_outputs outputs;
  const auto gradient = [&](std::size_t g) -> numbers& {
    const auto at = std::find(given.begin(), given.end(), static_cast<std::size_t>(call.gradient_of[g]));
    return r.in_place ? operands[static_cast<std::size_t>(at - given.begin())] : gradients[g];
  };
  for (std::size_t g = 0; g < gradients.size(); ++g) outputs.gradients[g] = gradient(g).output();
  std::vector<double> found{call_plan(call).run(outputs)};
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

// An anchor, a positive and two negatives, whose cosines are 0.9 / sqrt(0.82), 0 and -1.
double loss_of_four(double temperature, double* gradient) {
  const double rows[4][2] = {{1.0, 0.0}, {0.9, 0.1}, {0.0, 1.0}, {-1.0, 0.0}};
  const std::ptrdiff_t one[] = {1, 2}, two[] = {2, 2}, strides[] = {16, 8};
  const loss_info& loss = *find_loss("info_nce_loss");
  alignas(std::max_align_t) std::byte options[max_loss_bytes];
  loss.construct(options);
  loss_call call;
  call.loss = &loss;
  call.options = options;
  call.operands = {const_array{rows[0], one, strides, 2, dtype::float64}, const_array{rows[1], one, strides, 2, dtype::float64},
                   const_array{rows[2], two, strides, 2, dtype::float64}, const_array{&temperature, nullptr, nullptr, 0, dtype::float64}};
  call.gradient_count = 1;
  loss_outputs outputs;
  outputs.gradients[0] = {gradient, one, strides, 2, dtype::float64};
  return call_plan(call).run(outputs);
}

void known_values() {
  double gradient[] = {7, 7};
  const double cosine = 0.9 / std::sqrt(0.82);
  CHECK(std::abs(loss_of_four(0.1, gradient) - std::log1p(std::exp(-10 * cosine) + std::exp(-10 * (cosine + 1)))) < 1e-17);
  CHECK(gradient[0] == 0 && gradient[1] > 0);  // away from the first negative is towards the positive
}

// A temperature that is none is found before anything is written.
void wrong_temperatures() {
  for (const double wrong : {0.0, -1.0}) {
    double gradient[] = {7, 7};
    bool refused = false;
    try {
      loss_of_four(wrong, gradient);
    } catch (const value_error&) {
      refused = true;
    }
    CHECK(refused && gradient[0] == 7 && gradient[1] == 7);
  }
}

}  // namespace

int main() {
  set_adaptive_teams(false);
  int found = 0;
  for (const char* const* isa = available_isas(); *isa; ++isa) {
    use_isa(*isa);
    known_values();
    wrong_temperatures();
    for (const loss_info& loss : registered_losses()) {
      if (loss.engine != &similarity_engine) continue;
      const int failed_before = failed_checks;
      for (const dtype type : {dtype::float32, dtype::float64})
        for (const bool small : {false, true})
          for (const std::ptrdiff_t features : {1, 7, 33})
            for (const std::ptrdiff_t samples : {5, 63, 64, 65, 200})
              for (const bool other_way : {false, true})
                layouts_and_threads_change_nothing({&loss, type, samples, features, small, other_way});
      ++found;
      if (failed_checks != failed_before) std::printf("  with %s on %s\n", loss.name, *isa);
    }
  }
  CHECK(found > 0);
  return report();
}

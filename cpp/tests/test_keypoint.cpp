// Every registered loss of keypoints through the entry point, in memory of exactly the size needed, so that the sanitizers see each access
// that is one element too far. What the numbers should be is the Python suite's subject; here they must not depend on the layout, the
// number of threads, what a gradient is written over, or what else is asked for.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "check.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/keypoint.hpp"
#include "fastloss/runtime/isa.hpp"
#include "fastloss/runtime/threads.hpp"
#include "numbers.hpp"

namespace {

using namespace fastloss;

constexpr double nan_ = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

struct request {
  const loss_info* loss;
  dtype type;
  std::ptrdiff_t instances, keypoints;
  unsigned gradients;  // bits: in input, in target
  layout how = layout::contiguous;
  fastloss::reduction reduction = reduction::none;
  int threads = 1;
  bool in_place = false, weighted = false, masked = false;
};

struct results {
  std::vector<double> values, gradients;
};

// Instance 3 misses a number where it is masked, and keypoint 1 of each fifth instance is not visible, and infinite.
results results_of(const request& r) {
  alignas(std::max_align_t) std::byte options[max_loss_bytes];
  r.loss->construct(options);
  const std::vector<std::ptrdiff_t> points{r.instances, r.keypoints, 2}, each{r.instances, r.keypoints}, units{r.instances};
  numbers input(r.type, points, r.how), target(r.type, points, r.how), area(r.type, units, r.how);
  numbers sigmas(dtype::float64, {r.keypoints}, r.how), visible(r.type, each, r.how), where(dtype::boolean, units, r.how);
  std::mt19937 random(1);
  const auto uniform = [&] { return static_cast<double>(random() % 1024) / 1024; };
  for (std::size_t i = 0; i < input.count(); ++i) {
    const double t = 100 * std::floor(8 * uniform()) / 8;
    target.set(i, t);
    input.set(i, t + uniform() - 0.5);
  }
  for (std::size_t i = 0; i < area.count(); ++i) area.set(i, 1 + uniform());
  for (std::size_t i = 0; i < sigmas.count(); ++i) sigmas.set(i, 0.25 + 0.25 * uniform());
  const auto k = static_cast<std::size_t>(r.keypoints);
  for (std::size_t i = 0; i < visible.count(); ++i) {
    const bool hidden = r.weighted && i % k == 1 && i / k % 5 == 0;
    visible.set(i, hidden ? 0.0 : 0.5 * static_cast<double>(1 + random() % 4));
    if (hidden) input.set(2 * i, inf), target.set(2 * i + 1, nan_);
  }
  for (std::size_t i = 0; i < where.count(); ++i) where.set(i, i % 7 == 3 ? 0.0 : 1.0);
  if (r.masked && r.instances > 3) area.set(3, nan_);
  loss_call call;
  call.loss = r.loss;
  call.options = options;
  call.operands = {input.input(), target.input(), area.input(), sigmas.input()};
  if (r.weighted) call.operands[4] = visible.input();
  if (r.masked) call.call.where = where.input();
  call.call.reduction = r.reduction;
  call.call.threads = r.threads;
  for (const int g : {0, 1})
    if ((r.gradients >> g & 1u) != 0) call.gradient_of[static_cast<std::size_t>(call.gradient_count++)] = g;
  const call_plan plan(call);
  numbers value(plan.computation(), units, r.how), first(r.type, points, r.how), second(r.type, points, r.how);
  loss_outputs outputs;
  if (!plan.reduced()) outputs.value = value.output();
  std::vector<numbers*> gradients;
  for (std::size_t g = 0; g < static_cast<std::size_t>(call.gradient_count); ++g) {
    const bool of_target = call.gradient_of[g] == 1;
    gradients.push_back(r.in_place ? (of_target ? &target : &input) : of_target ? &second : &first);
    outputs.gradients[g] = gradients.back()->output();
  }
  results found;
  const double reduced = plan.run(outputs);
  if (plan.reduced()) found.values = {reduced};
  else value.append_to(found.values);
  for (const numbers* g : gradients) g->append_to(found.gradients);
  return found;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}
bool same_bits(const results& a, const results& b) { return same_bits(a.values, b.values) && same_bits(a.gradients, b.gradients); }
bool finite(const std::vector<double>& a) {
  return std::all_of(a.begin(), a.end(), [](double x) { return std::isfinite(x); });
}
bool near(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b)); }

void layouts_change_nothing(const loss_info& loss, dtype type, std::ptrdiff_t instances, std::ptrdiff_t keypoints, bool more) {
  double sum = 0.0;
  std::size_t counted = 0;
  for (const reduction how : {reduction::none, reduction::mean}) {
    request r{.loss = &loss, .type = type, .instances = instances, .keypoints = keypoints, .gradients = 0, .reduction = how};
    r.weighted = r.masked = more;
    const std::vector<double> values = results_of(r).values;
    if (how == reduction::none) {
      for (std::size_t i = 0; i < values.size(); ++i) sum += values[i], counted += !more || i % 7 != 3;
    } else {
      CHECK(near(values[0], sum / static_cast<double>(counted), type == dtype::float64 ? 1e-13 : 1e-5));
    }
    results both;
    for (const unsigned gradients : {3u, 1u, 2u}) {
      r.gradients = gradients;
      const results expected = results_of(r);
      CHECK(finite(expected.values) && finite(expected.gradients));
      CHECK(same_bits(expected.values, values));
      if (gradients == 3u) {
        both = expected;
      } else {
        const auto half = static_cast<std::ptrdiff_t>(both.gradients.size() / 2);
        const auto from = both.gradients.begin() + (gradients == 1u ? 0 : half);
        CHECK(same_bits(expected.gradients, {from, from + half}));
      }
      for (const layout l : layouts)
        for (const bool in_place : {false, true}) {
          request other = r;
          other.how = l;
          other.in_place = in_place;
          CHECK(same_bits(results_of(other), expected));
        }
    }
  }
}

void threads_change_nothing(const loss_info& loss) {
  for (const dtype type : {dtype::float32, dtype::float64})
    for (const std::ptrdiff_t keypoints : {17, 600})
      for (const reduction how : {reduction::none, reduction::mean}) {
        request r{
            .loss = &loss, .type = type, .instances = 100'000 / keypoints + 3, .keypoints = keypoints, .gradients = 3, .reduction = how};
        r.weighted = true;
        const results expected = results_of(r);
        for (const int threads : {2, 3, 7}) {
          r.threads = threads;
          CHECK(same_bits(results_of(r), expected));
        }
      }
}

// Two keypoints of one person: one 5 away, with e = 25 / (2 * 0.25 * 100), and one in place.
void known_values() {
  const loss_info& loss = *find_loss("oks_loss");
  alignas(std::max_align_t) std::byte options[max_loss_bytes];
  loss.construct(options);
  const double input[] = {13, 14, 20, 12}, target[] = {10, 10, 20, 12}, area = 100, sigma = 0.25;
  const bool visible[] = {true, false};
  const std::ptrdiff_t shape[] = {2, 2}, strides[] = {16, 8}, of_flags[] = {1};
  double gradient[4];
  loss_call call;
  call.loss = &loss;
  call.options = options;
  call.operands = {const_array{input, shape, strides, 2, dtype::float64}, const_array{target, shape, strides, 2, dtype::float64},
                   const_array{&area, nullptr, nullptr, 0, dtype::float64}, const_array{&sigma, nullptr, nullptr, 0, dtype::float64}};
  CHECK(near(call_plan(call).run({}), 0.1967346701, 5e-11));
  call.operands[4] = {visible, shape, of_flags, 1, dtype::boolean};
  call.gradient_count = 1;
  loss_outputs outputs;
  outputs.gradients[0] = {gradient, shape, strides, 2, dtype::float64};
  CHECK(near(call_plan(call).run(outputs), 0.3934693403, 5e-11));
  const double slope = std::exp(-0.5) / 25;
  CHECK(near(gradient[0], 3 * slope, 1e-11) && near(gradient[1], 4 * slope, 1e-11) && gradient[2] == 0 && gradient[3] == 0);
}

}  // namespace

int main() {
  set_adaptive_teams(false);
  int found = 0;
  for (const char* const* isa = available_isas(); *isa; ++isa) {
    use_isa(*isa);
    known_values();
    for (const loss_info& loss : registered_losses()) {
      if (loss.engine != &keypoint_engine) continue;
      const int failed_before = failed_checks;
      for (const dtype type : {dtype::float32, dtype::float64})
        for (const std::ptrdiff_t keypoints : {1, 3, 16, 17, 33, 520})
          for (const std::ptrdiff_t instances : {1, 5, 16, 64, 131})
            for (const bool more : {false, true}) layouts_change_nothing(loss, type, instances, keypoints, more && keypoints > 1);
      threads_change_nothing(loss);
      ++found;
      if (failed_checks != failed_before) std::printf("  with %s on %s\n", loss.name, *isa);
    }
  }
  CHECK(found > 0);
  return report();
}

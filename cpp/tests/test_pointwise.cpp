// Every registered loss through the entry point, in memory of exactly the size needed, so that the sanitizers see each
// access that is one element too far. What the numbers should be is the Python suite's subject; here they must not depend
// on the layout, the number of threads or the storage of the target.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "check.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/runtime/isa.hpp"

namespace {

using namespace fastloss;

enum class layout { contiguous, spread, reversed, misaligned, swapped };
constexpr layout layouts[] = {layout::contiguous, layout::spread, layout::reversed, layout::misaligned, layout::swapped};

// An array of one axis in a block of its own.
class array_1d {
 public:
  array_1d(dtype type, std::ptrdiff_t count, layout how) : type_(type), length_(count), swapped_(how == layout::swapped) {
    const auto size = static_cast<std::ptrdiff_t>(itemsize(type));
    const std::ptrdiff_t step = how == layout::spread ? 3 : 1;
    const std::ptrdiff_t offset = how == layout::misaligned ? 1 : 0;
    const std::ptrdiff_t bytes = count > 0 ? ((count - 1) * step + 1) * size + offset : 0;
    memory_ = std::make_unique<unsigned char[]>(static_cast<std::size_t>(bytes));
    first_ = memory_.get() + offset + (how == layout::reversed && count > 0 ? (count - 1) * size : 0);
    stride_ = how == layout::reversed ? -size : step * size;
  }

  void set(std::ptrdiff_t i, double x) {
    const auto narrow = static_cast<float>(x);
    put(i, type_ == dtype::float32 ? static_cast<const void*>(&narrow) : &x);
  }

  double get(std::ptrdiff_t i) const {
    unsigned char bytes[8];
    const std::size_t size = itemsize(type_);
    std::memcpy(bytes, first_ + i * stride_, size);
    if (swapped_) std::reverse(bytes, bytes + size);
    if (type_ == dtype::float32) {
      float x;
      std::memcpy(&x, bytes, size);
      return static_cast<double>(x);
    }
    double x;
    std::memcpy(&x, bytes, size);
    return x;
  }

  const_array input() const {
    return {.data = first_, .shape = &length_, .strides = &stride_, .rank = 1, .type = type_, .byteswapped = swapped_};
  }
  mutable_array output() {
    return {.data = first_, .shape = &length_, .strides = &stride_, .rank = 1, .type = type_, .byteswapped = swapped_};
  }

 private:
  void put(std::ptrdiff_t i, const void* value) {
    unsigned char bytes[8];
    const std::size_t size = itemsize(type_);
    std::memcpy(bytes, value, size);
    if (swapped_) std::reverse(bytes, bytes + size);
    std::memcpy(first_ + i * stride_, bytes, size);
  }

  dtype type_;
  std::ptrdiff_t length_, stride_;
  bool swapped_;
  std::unique_ptr<unsigned char[]> memory_;
  unsigned char* first_;
};

// Elements that the operand's domain allows, the same for every layout.
void fill(array_1d& array, std::ptrdiff_t count, const domain& allowed, unsigned seed) {
  std::mt19937 random(seed);
  const double low = std::isfinite(allowed.lower) ? allowed.lower : -4.0;
  const double high = std::isfinite(allowed.upper) ? allowed.upper : low + 8.0;
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    const double share = (static_cast<double>(random() % 4096) + 1.0) / 4097.0;
    array.set(i, allowed.ends_only ? (share < 0.5 ? low : high) : low + share * (high - low));
  }
}

struct request {
  const loss_info* loss;
  dtype type;
  std::ptrdiff_t count;
  layout how;
  fastloss::reduction reduction;
  bool with_optional;
  int threads;
};

// The value, then every element of every result.
std::vector<double> results_of(const request& r) {
  alignas(std::max_align_t) std::byte options[max_loss_bytes];
  r.loss->construct(options);
  std::vector<array_1d> operands, results;
  operands.reserve(max_operands);
  results.reserve(max_operands + 2);

  loss_call call;
  call.loss = r.loss;
  call.options = options;
  call.call.reduction = r.reduction;
  call.call.threads = r.threads;
  call.hessian = (r.loss->parts & part_hess) != 0;
  for (std::size_t k = 0; k < r.loss->operands.size(); ++k) {
    const operand& o = r.loss->operands[k];
    if ((o.is(optional) || o.initial.size() == 1) && !r.with_optional) continue;
    array_1d& array = operands.emplace_back(r.type, r.count, r.how);
    fill(array, r.count, r.loss->values_of(options, static_cast<int>(k)), static_cast<unsigned>(k));
    call.operands[k] = array.input();
    if (o.is(differentiable)) call.gradient_of[static_cast<std::size_t>(call.gradient_count++)] = static_cast<int>(k);
  }

  const call_plan plan(call);
  loss_outputs outputs;
  for (std::size_t i = 0; i < static_cast<std::size_t>(call.gradient_count); ++i)
    outputs.gradients[i] = results.emplace_back(r.type, r.count, r.how).output();
  if (call.hessian) outputs.hessian = results.emplace_back(r.type, r.count, r.how).output();
  if (!plan.reduced()) outputs.value = results.emplace_back(r.type, r.count, r.how).output();
  std::vector<double> all = {plan.run(outputs)};
  for (const array_1d& result : results) {
    for (std::ptrdiff_t i = 0; i < r.count; ++i) all.push_back(result.get(i));
  }
  return all;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return false;
  return a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

bool all_finite(const std::vector<double>& a) {
  return std::all_of(a.begin(), a.end(), [](double x) { return std::isfinite(x); });
}

void layouts_and_threads_change_nothing(const loss_info& loss) {
  for (dtype type : {dtype::float32, dtype::float64}) {
    for (std::ptrdiff_t count : {0, 1, 15, 1023, 1025, 20000}) {
      for (reduction how : {reduction::none, reduction::mean, reduction::sum, reduction::batchmean}) {
        for (bool with_optional : {false, true}) {
          request r{&loss, type, count, layout::contiguous, how, with_optional, 1};
          const std::vector<double> expected = results_of(r);
          CHECK(count == 0 || all_finite(expected));
          for (layout l : layouts) {
            r.how = l;
            CHECK(same_bits(results_of(r), expected));
          }
          r.how = layout::contiguous;
          r.threads = 3;
          CHECK(same_bits(results_of(r), expected));
        }
      }
    }
  }
}

// Zeros look the same in every dtype, so the results must, too.
void targets_of_every_dtype(const loss_info& loss) {
  constexpr std::ptrdiff_t count = 1500;
  std::vector<double> expected;
  for (int t = dtype_count - 1; t >= 0; --t) {
    const auto type = static_cast<dtype>(t);
    for (layout how : {layout::contiguous, layout::spread, layout::reversed, layout::misaligned, layout::swapped}) {
      alignas(std::max_align_t) std::byte options[max_loss_bytes];
      loss.construct(options);
      array_1d input(dtype::float64, count, layout::contiguous), target(type, count, how);
      fill(input, count, loss.values_of(options, 0), 1);
      array_1d gradient(dtype::float64, count, how), target_gradient(is_floating(type) ? type : dtype::float64, count, how);
      loss_call call;
      call.loss = &loss;
      call.options = options;
      call.operands = {input.input(), target.input()};
      std::vector<array_1d> rest;
      rest.reserve(max_operands);
      for (std::size_t k = 2; k < loss.operands.size(); ++k) {
        const domain allowed = loss.values_of(options, static_cast<int>(k));
        fill(rest.emplace_back(dtype::float64, count, how), count, allowed.everything() ? domain{.lower = 1, .upper = 2} : allowed, 2);
        call.operands[k] = rest.back().input();
      }
      call.gradient_count = loss.operands[1].is(differentiable) ? 2 : 1;
      call.gradient_of = {0, call.gradient_count - 1};
      const call_plan plan(call);
      loss_outputs outputs;
      outputs.gradients = {gradient.output(), target_gradient.output()};
      if (call.gradient_count == 1) outputs.gradients[1] = {};
      std::vector<double> all = {plan.run(outputs)};
      for (std::ptrdiff_t i = 0; i < count; ++i) all.push_back(gradient.get(i));
      if (expected.empty()) expected = all;
      CHECK(same_bits(all, expected));
    }
  }
}

}  // namespace

int main() {
  CHECK(!registered_losses().empty());
  for (const char* const* isa = available_isas(); *isa; ++isa) {
    use_isa(*isa);
    for (const loss_info& loss : registered_losses()) {
      if (loss.engine != &pointwise_engine) continue;
      const int failed_before = failed_checks;
      layouts_and_threads_change_nothing(loss);
      targets_of_every_dtype(loss);
      if (failed_checks != failed_before) std::printf("  with %s on %s\n", loss.name, *isa);
    }
  }
  return report();
}

// Samples of regions for the tests of their engine, in memory of exactly the size needed, so that the sanitizers see each access that is
// one element too far.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/region.hpp"

namespace region_tests {

using namespace fastloss;

inline constexpr double nan_ = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();

// Of numbers that are 0, or that a half holds as normal numbers, rounded towards 0.
inline std::uint16_t half_of(double x) {
  if (x == 0.0) return 0;
  int exponent = 0;
  const double mantissa = std::frexp(std::abs(x), &exponent);
  return static_cast<std::uint16_t>((x < 0 ? 0x8000 : 0) + ((exponent + 14) << 10) + static_cast<int>(mantissa * 2048) - 1024);
}
inline double from_half(std::uint16_t h) {
  const int exponent = h >> 10 & 31, mantissa = h & 1023;
  const double magnitude =
      exponent == 31 ? (mantissa == 0 ? inf : nan_) : std::ldexp(exponent == 0 ? mantissa : mantissa + 1024, std::max(exponent, 1) - 25);
  return (h & 0x8000) != 0 ? -magnitude : magnitude;
}

enum class layout { contiguous, spread, reversed, planes };  // of planes the first axis is the innermost in memory
inline constexpr layout layouts[] = {layout::contiguous, layout::spread, layout::reversed, layout::planes};

// An array in a block of its own.
class numbers {
 public:
  numbers(dtype type, std::vector<std::ptrdiff_t> shape, layout how = layout::contiguous)
      : type_(type), shape_(std::move(shape)), strides_(shape_.size()) {
    const auto size = static_cast<std::ptrdiff_t>(itemsize(type));
    const std::ptrdiff_t rank = static_cast<std::ptrdiff_t>(shape_.size());
    std::ptrdiff_t step = (how == layout::spread ? 2 : how == layout::reversed ? -1 : 1) * size, last = 0;
    for (std::ptrdiff_t i = 0; i < rank; ++i) {
      const auto axis = static_cast<std::size_t>(how == layout::planes ? i : rank - 1 - i);
      strides_[axis] = step;
      last += (shape_[axis] - 1) * step;
      step *= shape_[axis];
      count_ *= static_cast<std::size_t>(shape_[axis]);
    }
    memory_ = std::make_unique<unsigned char[]>(static_cast<std::size_t>(std::abs(last) + size));
    first_ = memory_.get() + (last < 0 ? -last : 0);
  }

  std::size_t count() const { return count_; }
  dtype type() const { return type_; }
  void set(std::size_t i, double x) {
    switch (type_) {
      case dtype::boolean:
        return put(i, static_cast<std::uint8_t>(x != 0.0));
      case dtype::uint8:
        return put(i, static_cast<std::uint8_t>(x));
      case dtype::int16:
        return put(i, static_cast<std::int16_t>(x));
      case dtype::int64:
        return put(i, static_cast<std::int64_t>(x));
      case dtype::float16:
        return put(i, half_of(x));
      case dtype::float32:
        return put(i, static_cast<float>(x));
      default:
        return put(i, x);
    }
  }
  double get(std::size_t i) const {
    if (type_ == dtype::float16) return from_half(read<std::uint16_t>(i));
    return type_ == dtype::float32 ? static_cast<double>(read<float>(i)) : read<double>(i);
  }
  const_array input() const { return {first_, shape_.data(), strides_.data(), static_cast<int>(shape_.size()), type_}; }
  mutable_array output() { return {first_, shape_.data(), strides_.data(), static_cast<int>(shape_.size()), type_}; }
  void append_to(std::vector<double>& all) const {
    for (std::size_t i = 0; i < count_; ++i) all.push_back(get(i));
  }

 private:
  template <class T>
  void put(std::size_t i, T x) {
    std::memcpy(at(i), &x, sizeof x);
  }
  template <class T>
  T read(std::size_t i) const {
    T x;
    std::memcpy(&x, at(i), sizeof x);
    return x;
  }
  unsigned char* at(std::size_t place) const {
    unsigned char* p = first_;
    for (std::size_t axis = shape_.size(); axis-- > 0; place /= static_cast<std::size_t>(shape_[axis]))
      p += static_cast<std::ptrdiff_t>(place % static_cast<std::size_t>(shape_[axis])) * strides_[axis];
    return p;
  }

  dtype type_;
  std::vector<std::ptrdiff_t> shape_, strides_;
  std::size_t count_ = 1;
  std::unique_ptr<unsigned char[]> memory_;
  unsigned char* first_;
};

// The struct of a loss, whose options are set by name; of a choice by its word.
class options_of {
 public:
  explicit options_of(const loss_info& loss) : loss_(loss) { loss.construct(memory_); }
  options_of(const options_of&) = delete;
  options_of& operator=(const options_of&) = delete;

  const option_info* find(const std::string& name) const {
    const auto found = std::find_if(loss_.options.begin(), loss_.options.end(), [&](const option_info& o) { return o.name == name; });
    return found == loss_.options.end() ? nullptr : &*found;
  }
  bool has_choice(const std::string& name, const std::string& word) const {
    const option_info* o = find(name);
    return o != nullptr && std::find(o->choices, o->choices + o->choice_count, word) != o->choices + o->choice_count;
  }
  void set(const std::string& name, double x) { loss_.set(memory_, static_cast<int>(find(name) - loss_.options.data()), x); }
  void set(const std::string& name, const std::string& word) {
    const option_info* o = find(name);
    set(name, static_cast<double>(std::find(o->choices, o->choices + o->choice_count, word) - o->choices));
  }
  const void* data() const { return memory_; }

 private:
  const loss_info& loss_;
  alignas(std::max_align_t) std::byte memory_[max_loss_bytes];
};

// Whether it takes probabilities, and so has a loss of each unit; else it is a sum of two losses of logits.
inline bool has_units(const loss_info& loss) { return options_of(loss).has_choice("from_logits", "False"); }
inline bool has_weight(const loss_info& loss) { return loss.operands.size() == 3; }

enum class kind { soft, mask, index };  // of a target
inline constexpr kind kinds[] = {kind::soft, kind::mask, kind::index};
inline bool takes_class_indices(const loss_info& loss) { return loss.operands[1].is(class_index); }
// Those that the second operand may be.
inline std::span<const kind> kinds_of(const loss_info& loss) { return std::span(kinds).first(takes_class_indices(loss) ? 3 : 2); }

using option_setter = std::function<void(options_of&)>;

struct request {
  const loss_info* loss;
  dtype type = dtype::float64;
  std::ptrdiff_t samples = 3, classes = 3, pixels = 20;
  kind target = kind::soft;
  std::string activation = "False";
  option_setter options{};
  unsigned gradients = 1u;  // bits: in input, in target
  layout how = layout::contiguous;
  fastloss::reduction reduction = reduction::mean;
  int threads = 1;
  dtype integers = dtype::int64;
  bool in_place = false, weighted = false, masked = false, ignored = false;
  // One number of an operand that is moved.
  int moved_operand = -1;
  std::size_t moved_place = 0;
  double moved_by = 0.0;
};

struct results {
  std::vector<double> values, gradients;
};

inline constexpr double ignored_label = 99;
inline bool is_left_out(std::size_t sample, std::size_t pixel) { return (3 * sample + pixel) % 7 == 3; }

// Class indices, masks of them, or numbers near these, whichever is asked for; all the same whatever holds them. What is left out is no
// number, or no class.
inline results results_of(const request& r) {
  options_of options(*r.loss);
  options.set("from_logits", r.activation);
  if (r.options) r.options(options);
  const std::vector<std::ptrdiff_t> whole{r.samples, r.classes, r.pixels}, of_pixels{r.samples, r.pixels};
  const bool logits = r.activation != "False", indices = r.target == kind::index, soft = r.target == kind::soft;
  numbers input(r.type, whole, r.how), target(soft ? r.type : r.integers, indices ? of_pixels : whole, r.how);
  numbers weight(dtype::float64, {r.classes}, r.how), where(dtype::boolean, of_pixels, r.how);
  std::mt19937 random(1);
  const auto uniform = [&] { return static_cast<double>(random() % 1024) / 1024; };
  const auto classes = static_cast<std::size_t>(r.classes), pixels = static_cast<std::size_t>(r.pixels);
  for (std::size_t n = 0; n < static_cast<std::size_t>(r.samples); ++n)
    for (std::size_t k = 0; k < pixels; ++k) {
      const std::size_t label = k < classes ? k : random() % classes, pixel = n * pixels + k;
      const bool out = (r.masked || r.ignored) && is_left_out(n, k);
      for (std::size_t c = 0; c < classes; ++c) {
        const std::size_t place = (n * classes + c) * pixels + k;
        const double t = c == label ? 1.0 : 0.0, p = 0.0625 + 0.75 * uniform() + 0.125 * t, near_t = 0.125 + 0.75 * uniform();
        input.set(place, out ? nan_ : logits ? 4 * p - 2 : p);
        if (!indices) target.set(place, out && r.ignored ? ignored_label : out && soft ? nan_ : soft ? near_t : t);
      }
      if (indices) target.set(pixel, out ? ignored_label : static_cast<double>(label));
      where.set(pixel, is_left_out(n, k) ? 0.0 : 1.0);
    }
  for (std::size_t c = 0; c < classes; ++c) weight.set(c, 0.5 * static_cast<double>(1 + c % 4));
  if (r.moved_operand >= 0) {
    numbers& moved = r.moved_operand == 0 ? input : target;
    moved.set(r.moved_place, moved.get(r.moved_place) + r.moved_by);
  }
  loss_call call;
  call.loss = r.loss;
  call.options = options.data();
  call.operands = {input.input(), target.input()};
  if (r.weighted) call.operands[2] = weight.input();
  if (r.masked) call.call.where = where.input();
  if (r.ignored) call.call.ignore_index = static_cast<std::int64_t>(ignored_label);
  call.call.reduction = r.reduction;
  call.call.threads = r.threads;
  for (const int g : {0, 1})
    if ((r.gradients >> g & 1u) != 0) call.gradient_of[static_cast<std::size_t>(call.gradient_count++)] = g;
  const call_plan plan(call);
  const array_spec of_value = plan.value();
  numbers value(of_value.type, {of_value.shape, of_value.shape + of_value.rank}, r.how), first(r.type, whole, r.how),
      second(r.type, whole, r.how);
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

// What a loss may be asked for: an activation for each kind of target, and options that change which sums there are.
inline std::vector<std::string> activations_of(const loss_info& loss) {
  return has_units(loss) ? std::vector<std::string>{"False", "sigmoid", "softmax"} : std::vector<std::string>{"sigmoid", "softmax"};
}
inline std::vector<option_setter> options_to_try(const loss_info& loss) {
  const options_of options(loss);
  std::vector<option_setter> found{nullptr, [](options_of& o) { o.set("batch", 1.0); },
                                   [](options_of& o) { o.set("include_background", 0.0); }};
  if (options.find("merge_classes") != nullptr) found.emplace_back([](options_of& o) { o.set("merge_classes", 1.0); });
  if (options.find("squared") != nullptr) found.emplace_back([](options_of& o) { o.set("squared", 1.0); });
  if (options.find("smooth") != nullptr) found.emplace_back([](options_of& o) { o.set("smooth", 0.5); });
  if (options.find("log_loss") != nullptr) found.emplace_back([](options_of& o) { o.set("log_loss", 1.0); });
  return found;
}

inline bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}
inline bool same_bits(const results& a, const results& b) { return same_bits(a.values, b.values) && same_bits(a.gradients, b.gradients); }
inline bool finite(const std::vector<double>& a) {
  return std::all_of(a.begin(), a.end(), [](double x) { return std::isfinite(x); });
}
inline bool near(double a, double b, double tolerance) { return std::abs(a - b) <= tolerance * std::max(1.0, std::abs(b)); }
inline bool alike(const std::vector<double>& a, const std::vector<double>& b, double tolerance) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](double x, double y) { return near(x, y, tolerance); });
}
inline bool alike(const results& a, const results& b, double tolerance) {
  return alike(a.values, b.values, tolerance) && alike(a.gradients, b.gradients, tolerance);
}

}  // namespace region_tests

// Pairs of boxes for the tests of their engine, in memory of exactly the size needed, so that the sanitizers see each access that is one
// element too far.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "fastloss/engine/plan.hpp"
#include "fastloss/engines/box.hpp"

namespace box_tests {

using namespace fastloss;

inline constexpr double inf = std::numeric_limits<double>::infinity(), nan_ = std::numeric_limits<double>::quiet_NaN();
inline constexpr int formats = std::size(box_formats);

// Of numbers that a half holds exactly and that are not subnormal.
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

enum class layout { contiguous, every_second_box, spread, reversed };
inline constexpr layout layouts[] = {layout::contiguous, layout::every_second_box, layout::spread, layout::reversed};

// So many numbers of each pair, those of a box or one, in a block of their own.
class numbers {
 public:
  numbers(dtype type, std::ptrdiff_t pairs, std::ptrdiff_t of_each, layout how) : type_(type), shape_{pairs, of_each} {
    const auto size = static_cast<std::ptrdiff_t>(itemsize(type));
    const std::ptrdiff_t direction = how == layout::reversed ? -1 : 1;
    strides_[1] = (how == layout::spread ? 2 : 1) * size * direction;
    strides_[0] = of_each * (how == layout::every_second_box ? 2 : 1) * strides_[1];
    const std::ptrdiff_t last = (pairs - 1) * strides_[0] + (of_each - 1) * strides_[1];
    memory_ = std::make_unique<unsigned char[]>(static_cast<std::size_t>(std::abs(last) + size));
    first_ = memory_.get() + (direction < 0 ? -last : 0);
  }

  void set(std::ptrdiff_t pair, std::ptrdiff_t i, double x) {
    if (type_ == dtype::boolean) put(pair, i, static_cast<std::uint8_t>(x != 0.0));
    else if (type_ == dtype::float16) put(pair, i, half_of(x));
    else if (type_ == dtype::float32) put(pair, i, static_cast<float>(x));
    else put(pair, i, x);
  }
  double get(std::ptrdiff_t pair, std::ptrdiff_t i) const {
    if (type_ == dtype::float16) return from_half(at<std::uint16_t>(pair, i));
    return type_ == dtype::float32 ? static_cast<double>(at<float>(pair, i)) : at<double>(pair, i);
  }

  const_array input() const { return {first_, shape_, strides_, rank(), type_}; }
  mutable_array output() { return {first_, shape_, strides_, rank(), type_}; }

  void append_to(std::vector<double>& all) const {
    for (std::ptrdiff_t pair = 0; pair < shape_[0]; ++pair)
      for (std::ptrdiff_t i = 0; i < shape_[1]; ++i) all.push_back(get(pair, i));
  }

 private:
  int rank() const { return shape_[1] == 1 ? 1 : 2; }
  template <class T>
  void put(std::ptrdiff_t pair, std::ptrdiff_t i, T x) {
    std::memcpy(first_ + pair * strides_[0] + i * strides_[1], &x, sizeof x);
  }
  template <class T>
  T at(std::ptrdiff_t pair, std::ptrdiff_t i) const {
    T x;
    std::memcpy(&x, first_ + pair * strides_[0] + i * strides_[1], sizeof x);
    return x;
  }

  dtype type_;
  std::ptrdiff_t shape_[2], strides_[2];
  std::unique_ptr<unsigned char[]> memory_;
  unsigned char* first_;
};

struct box {
  double of[most_box_numbers];
};

inline std::ptrdiff_t each_of(const loss_info& loss) { return numbers_of(loss.operands[0]); }

// Of corners that every dtype and every format holds exactly.
inline box in_format(box_format format, const box& b) {
  const auto& [x1, y1, x2, y2, angle] = b.of;
  if (format == box_format::xywh) return {{x1, y1, x2 - x1, y2 - y1, angle}};
  if (format == box_format::cxcywh) return {{(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1, angle}};
  return b;
}

// The same boxes whatever holds them. Some pairs touch, some are of equal boxes.
inline void fill(const loss_info& loss, numbers& input, numbers& target, std::ptrdiff_t pairs, int fmt) {
  const bool turned = loss.operands[0].is(rotated);
  std::mt19937 random(1);
  const auto eighths = [&](unsigned most) { return static_cast<double>(random() % most) / 8; };
  const auto draw = [&] {
    const double x = eighths(48), y = eighths(48);
    return box{{x, y, x + 0.125 + eighths(40), y + 0.125 + eighths(40), turned ? eighths(50) : 0.0}};
  };
  for (std::ptrdiff_t pair = 0; pair < pairs; ++pair) {
    const box a = draw();
    box b = pair % 7 == 6 ? a : draw();
    if (pair % 11 == 10) b.of[0] = a.of[2], b.of[2] = a.of[2] + 1;
    const auto format = [&](int k) { return turned ? box_format::cxcywh : format_of(fmt, k); };
    const box given[] = {in_format(format(0), a), in_format(format(1), b)};
    for (int i = 0; i < each_of(loss); ++i) {
      input.set(pair, i, given[0].of[i]);
      target.set(pair, i, given[1].of[i]);
    }
  }
}

// A loss with its options: its defaults, and of every option that is a choice the given one.
struct loss_struct {
  alignas(std::max_align_t) std::byte options[max_loss_bytes];

  loss_struct(const loss_info& loss, int choice, int fmt) {
    loss.construct(options);
    for (std::size_t i = 0; i < loss.options.size(); ++i) {
      const option_info& o = loss.options[i];
      if (o.kind != option_kind::choice) continue;
      loss.set(options, static_cast<int>(i), o.name == std::string("fmt") ? fmt : std::min(choice, o.choice_count - 1));
    }
  }
};
inline int choices_of(const loss_info& loss) {
  int most = 1;
  for (const option_info& o : loss.options)
    if (o.kind == option_kind::choice && o.name != std::string("fmt")) most = std::max(most, o.choice_count);
  return most;
}

inline constexpr unsigned in_input = 1u, in_target = 2u, in_both = in_input | in_target;

struct request {
  const loss_info* loss;
  int choice;  // as loss_struct has it
  dtype type;
  std::ptrdiff_t pairs;
  unsigned gradients;
  layout how = layout::contiguous;
  fastloss::reduction reduction = reduction::none;
  int fmt = 0, threads = 1;
  bool in_place = false;
};

struct results {
  std::vector<double> values, gradients;
};

// The value, or that of every pair, and every number of the gradients.
inline results results_of(const request& r) {
  const loss_struct with(*r.loss, r.choice, r.fmt);
  const std::ptrdiff_t each = each_of(*r.loss);
  numbers input(r.type, r.pairs, each, r.how), target(r.type, r.pairs, each, r.how);
  fill(*r.loss, input, target, r.pairs, r.fmt);
  loss_call call;
  call.loss = r.loss;
  call.options = with.options;
  call.operands = {input.input(), target.input()};
  call.call.reduction = r.reduction;
  call.call.threads = r.threads;
  for (const int k : {0, 1})
    if ((r.gradients >> k & 1u) != 0) call.gradient_of[static_cast<std::size_t>(call.gradient_count++)] = k;
  const call_plan plan(call);
  numbers value(plan.computation(), r.pairs, 1, r.how), first(r.type, r.pairs, each, r.how), second(r.type, r.pairs, each, r.how);
  loss_outputs outputs;
  if (!plan.reduced()) outputs.value = value.output();
  results found;
  std::vector<numbers*> gradients;
  for (std::size_t g = 0; g < static_cast<std::size_t>(call.gradient_count); ++g) {
    const bool of_target = call.gradient_of[g] == 1;
    gradients.push_back(r.in_place ? (of_target ? &target : &input) : of_target ? &second : &first);
    outputs.gradients[g] = gradients.back()->output();
  }
  const double reduced = plan.run(outputs);
  if (plan.reduced()) found.values = {reduced};
  else value.append_to(found.values);
  for (const numbers* g : gradients) g->append_to(found.gradients);
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
inline double tolerance_of(dtype type) { return type == dtype::float64 ? 1e-13 : type == dtype::float32 ? 1e-5 : 2e-3; }

}  // namespace box_tests

// Arrays for tests, each in a block of memory of exactly the size needed.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "fastloss/core/array.hpp"

namespace fastloss {

enum class layout { contiguous, spread, reversed, planes };
inline constexpr layout layouts[] = {layout::contiguous, layout::spread, layout::reversed, layout::planes};

// An array in a block of its own; `planes` has the first axis innermost in memory.
class numbers {
 public:
  numbers(dtype type, std::vector<std::ptrdiff_t> shape, layout how) : type_(type), shape_(std::move(shape)), strides_(shape_.size()) {
    const auto size = static_cast<std::ptrdiff_t>(itemsize(type));
    const auto rank = static_cast<std::ptrdiff_t>(shape_.size());
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
  void set(std::size_t i, double x) {
    unsigned char* const to = at(i);
    const float narrow = static_cast<float>(x);
    if (type_ == dtype::boolean) *to = x != 0.0;
    else if (type_ == dtype::int8) *to = static_cast<unsigned char>(static_cast<signed char>(x));
    else if (type_ == dtype::float32) std::memcpy(to, &narrow, sizeof narrow);
    else std::memcpy(to, &x, sizeof x);
  }
  double get(std::size_t i) const {
    float narrow;
    double x;
    if (type_ == dtype::float32) return std::memcpy(&narrow, at(i), sizeof narrow), static_cast<double>(narrow);
    return std::memcpy(&x, at(i), sizeof x), x;
  }
  void append_to(std::vector<double>& all) const {
    for (std::size_t i = 0; i < count_; ++i) all.push_back(get(i));
  }
  const_array input() const { return {first_, shape_.data(), strides_.data(), static_cast<int>(shape_.size()), type_}; }
  mutable_array output() { return {first_, shape_.data(), strides_.data(), static_cast<int>(shape_.size()), type_}; }

 private:
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

}  // namespace fastloss

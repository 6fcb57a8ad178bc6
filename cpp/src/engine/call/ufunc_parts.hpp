// What the loops of the NumPy ufuncs share.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstring>

#include "fastloss/core/loss.hpp"
#include "fastloss/runtime/floating_point.hpp"

namespace fastloss {

template <class S>
S read_element(const char* from) {
  S x;
  std::memcpy(&x, from, sizeof x);
  return x;
}

// The options of a loop: its trailing arguments, numbers of type S that may vary.
template <class S>
class loop_options {
 public:
  // data[o] and steps[o] are those of the o-th option.
  loop_options(const loss_info& loss, char* const* data, const std::ptrdiff_t* steps)
      : loss_(loss), data_(data), steps_(steps), count_(static_cast<int>(loss.options.size())) {
    for (int o = 0; o < count_; ++o) vary_ |= steps_[o] != 0;
  }

  // Puts the i-th options into the loss struct. False where one of them is out of range.
  bool read(std::ptrdiff_t i, void* loss_struct) const {
    bool allowed = true;
    for (int o = 0; o < count_; ++o) {
      const double x = static_cast<double>(read_element<S>(at(o, i)));
      if (is_allowed(loss_.options[static_cast<std::size_t>(o)], x)) loss_.set(loss_struct, o, x);
      else allowed = false;
    }
    return allowed;
  }

  // The first of `first` to `end` whose options differ from those of `first`, or `end`.
  std::ptrdiff_t end_of_equal(std::ptrdiff_t first, std::ptrdiff_t end) const {
    if (!vary_) return end;
    for (std::ptrdiff_t i = first + 1; i < end; ++i)
      for (int o = 0; o < count_; ++o)
        if (std::memcmp(at(o, i), at(o, first), sizeof(S)) != 0) return i;
    return end;
  }

 private:
  const loss_info& loss_;
  char* const* data_;
  const std::ptrdiff_t* steps_;
  int count_;
  bool vary_ = false;

  const char* at(int o, std::ptrdiff_t i) const { return data_[o] + i * steps_[o]; }

  static bool is_allowed(const option_info& o, double x) {
    if (std::isnan(x)) return false;
    if (o.kind == option_kind::number) return o.values.contains(x);
    if (o.kind == option_kind::toggle) return true;
    return x >= 0 && x < o.choice_count && x == std::floor(x);
  }
};

}  // namespace fastloss

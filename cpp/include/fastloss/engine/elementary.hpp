// The elementary functions of the formulas as plain loops, one table per instruction set: for tests of their accuracy.
#pragma once

#include <cstddef>
#include <span>

#include "fastloss/core/config.hpp"

namespace fastloss {

// out[i] = f(in[0][i], ..., in[arity - 1][i]) for i < n; no alignment or padding is asked for.
struct elementary_function {
  const char* name;
  int arity;
  void (*f32)(const float* const* in, float* out, std::size_t n);
  void (*f64)(const double* const* in, double* out, std::size_t n);
};

// Those of the instruction set in use.
FASTLOSS_API std::span<const elementary_function> active_elementary_functions();

}  // namespace fastloss

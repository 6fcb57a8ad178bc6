// The checks of numbers that units have beside their records.
#pragma once

#include <cstddef>

#include "fastloss/engine/plan.hpp"

namespace fastloss {

// Throws for the first number of an operand outside its domain, over these axes; `of_each` of them belong to a unit, and count with it,
// or all count where it is 0.
void check_numbers(const call_plan&, std::size_t operand, const unit_axes&, const std::ptrdiff_t* strides, std::size_t of_each);

}  // namespace fastloss

// New arrays and numbers for results.
#pragma once

#include "fastloss/engine/call.hpp"
#include "python_objects.hpp"

namespace fastloss::bindings {

// A new C-contiguous array and a view of it. Large ones come from the cache of result blocks.
owned new_array(const array_spec& spec, mutable_array& view);

// A NumPy scalar of float32 or float64.
owned new_number(dtype type, double x);

}  // namespace fastloss::bindings

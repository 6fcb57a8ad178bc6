// The distance transform, as a function of the module.
#pragma once

#include <pybind11/pybind11.h>

namespace fastloss::bindings {
void add_signed_distance(pybind11::module_& module);
}

// Functions for the tests alone.
#pragma once

#include <pybind11/pybind11.h>

namespace fastloss::bindings {
void add_test_hooks(pybind11::module_& module);
}

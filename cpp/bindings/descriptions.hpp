// The registry as Python data.
#pragma once

#include <pybind11/pybind11.h>

namespace fastloss::bindings {
void add_descriptions(pybind11::module_& module);
}

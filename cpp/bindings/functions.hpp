// Small functions of the module: threads, instruction sets, the cache, the build.
#pragma once

#include <pybind11/pybind11.h>

namespace fastloss::bindings {
void add_functions(pybind11::module_& module);
}

// numpy.ufunc objects of the elementwise losses.
#pragma once

#include <pybind11/pybind11.h>

namespace fastloss::bindings {
void add_ufunc_functions(pybind11::module_& module);
}

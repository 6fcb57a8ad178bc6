// Python and the NumPy C API, for every file of the module. One file (module.cpp) defines FASTLOSS_IMPORTS_NUMPY and fills
// in the table of the API; the others share it.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>
// Python.h must come first.
#include <structmember.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL fastloss_array_api
#define PY_UFUNC_UNIQUE_SYMBOL fastloss_ufunc_api
#ifndef FASTLOSS_IMPORTS_NUMPY
#define NO_IMPORT_ARRAY
#define NO_IMPORT_UFUNC
#endif
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <numpy/ufuncobject.h>

namespace fastloss::bindings {
// Views point straight at NumPy's shapes and strides.
static_assert(sizeof(npy_intp) == sizeof(std::ptrdiff_t));
inline const std::ptrdiff_t* extents(const npy_intp* p) { return reinterpret_cast<const std::ptrdiff_t*>(p); }
}  // namespace fastloss::bindings

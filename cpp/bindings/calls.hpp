// The functions behind the calls of losses and their methods.
#pragma once

#include "numpy_api.hpp"

namespace fastloss::bindings {

PyObject* call_loss(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* keyword_names);
PyObject* call_method(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* keyword_names);

}  // namespace fastloss::bindings

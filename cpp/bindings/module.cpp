// The Python module fastloss._core. pybind11 makes the module and its small functions; losses are called through types of
// their own (loss_type.hpp), because an argument-checking wrapper would cost more than a small call.
#define FASTLOSS_IMPORTS_NUMPY
#include "numpy_api.hpp"

#include <pybind11/pybind11.h>

#include "context.hpp"
#include "descriptions.hpp"
#include "fastloss/runtime/environment.hpp"
#include "fastloss/runtime/isa.hpp"
#include "functions.hpp"
#include "hooks.hpp"
#include "loss_type.hpp"
#include "method_type.hpp"
#include "names.hpp"
#include "python_objects.hpp"
#include "signed_distance.hpp"
#include "ufuncs.hpp"

namespace py = pybind11;
using namespace fastloss;
using namespace fastloss::bindings;

namespace {

void import_numpy() {
  if (_import_array() < 0 || _import_umath() < 0) throw py::error_already_set();
}

// Importing must fail in words where running would fail with an illegal instruction.
void check_machine() {
  if (const char* const missing = missing_features())
    throw py::import_error(std::string("fastloss needs a processor with x86-64-v2; this one lacks ") + missing);
  if (const char* const wrong = environment_error()) throw py::import_error(wrong);
}

}  // namespace

// pybind11's function initialises pybind11 before anything else, which waits for ever in a subinterpreter. Ours comes before it.
// Not declared free of the GIL: that has not been proved on a free-threaded CPython, which turns the GIL on for such a module.
#define PyInit__core PyInit__core_of_pybind11
PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled core of fastloss. Internal: use the package.";
  check_machine();
  import_numpy();
  try {
    intern_names();
    create_settings_variable();
    add_loss_type(module.ptr());
    add_method_type(module.ptr());
  } catch (const python_error&) {
    throw py::error_already_set();
  }
  module.attr("settings_variable") = py::handle(settings_variable);
  py::register_local_exception_translator([](std::exception_ptr p) {
    try {
      if (p) std::rethrow_exception(p);
    } catch (const error&) {
      set_error_from_current_exception();
    } catch (const std::bad_alloc&) {
      set_error_from_current_exception();
    } catch (const python_error&) {
    }
  });
  add_functions(module);
  add_signed_distance(module);
  add_descriptions(module);
  add_ufunc_functions(module);
  add_test_hooks(module);
}
#undef PyInit__core

extern "C" PYBIND11_EXPORT PyObject* PyInit__core() {
  if (PyInterpreterState_Get() == PyInterpreterState_Main()) return PyInit__core_of_pybind11();
  PyErr_SetString(PyExc_ImportError, "module fastloss._core does not support loading in subinterpreters");
  return nullptr;
}

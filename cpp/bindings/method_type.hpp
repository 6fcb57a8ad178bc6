// The Python type of a loss's methods.
#pragma once

#include "loss_type.hpp"

namespace fastloss::bindings {

struct method_object {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject* weak_references;
  loss_object* loss;
  call_kind kind;
};

extern PyTypeObject* method_type;

void add_method_type(PyObject* module);
PyObject* new_method(loss_object& loss, call_kind kind);

}  // namespace fastloss::bindings

// Options between Python and the loss struct.
#include <algorithm>
#include <cstring>

#include "loss_type.hpp"
#include "python_objects.hpp"
#include "views.hpp"

namespace fastloss::bindings {
namespace {

bool is_real(int type_number) {
  dtype type{};
  return type_number == NPY_LONGDOUBLE || (dtype_of(type_number, type) && type != dtype::boolean);
}

// Python's True or False, of its bools and of NumPy's; null of anything else.
PyObject* bool_of(PyObject* given) {
  if (PyBool_Check(given)) return given;
  if (!PyArray_IsScalar(given, Bool)) return nullptr;
  return PyArrayScalar_VAL(given, Bool) != 0 ? Py_True : Py_False;
}

// Where there are choices of two names, "a,b", they may come as a tuple; that of the same name twice is the name alone.
owned joined_names(const option_info& o, PyObject* given) {
  const bool of_two = std::any_of(o.choices, o.choices + o.choice_count, [](const char* c) { return std::strchr(c, ',') != nullptr; });
  if (!of_two || !PyTuple_Check(given) || PyTuple_GET_SIZE(given) != 2) return borrowed(given);
  PyObject *const first = PyTuple_GET_ITEM(given, 0), *const second = PyTuple_GET_ITEM(given, 1);
  if (!PyUnicode_Check(first) || !PyUnicode_Check(second)) return borrowed(given);
  if (PyUnicode_Compare(first, second) == 0) return borrowed(first);
  const owned comma = checked(PyUnicode_FromString(","));
  return checked(PyUnicode_Join(comma.get(), given));
}

// A choice named True or False is given as that bool, not as a word.
PyObject* switch_of(const char* choice) {
  return std::strcmp(choice, "True") == 0 ? Py_True : std::strcmp(choice, "False") == 0 ? Py_False : nullptr;
}

PyObject* choice_object(const char* choice) {
  PyObject* const as_switch = switch_of(choice);
  return as_switch != nullptr ? Py_NewRef(as_switch) : PyUnicode_FromString(choice);
}

double choice_value(const option_info& o, PyObject* given, PyObject* loss_name) {
  const owned name = joined_names(o, given);
  PyObject* const as_bool = bool_of(given);
  if (as_bool != nullptr)
    for (int i = 0; i < o.choice_count; ++i)
      if (switch_of(o.choices[i]) == as_bool) return i;
  if (PyUnicode_Check(name.get()))
    for (int i = 0; i < o.choice_count; ++i)
      if (switch_of(o.choices[i]) == nullptr && PyUnicode_CompareWithASCIIString(name.get(), o.choices[i]) == 0) return i;
  owned choices = checked(PyTuple_New(o.choice_count));
  for (int i = 0; i < o.choice_count; ++i) PyTuple_SET_ITEM(choices.get(), i, checked(choice_object(o.choices[i])).release());
  bool fits = PyUnicode_Check(name.get());
  for (int i = 0; i < o.choice_count; ++i) fits |= as_bool != nullptr && switch_of(o.choices[i]) != nullptr;
  raise(fits ? PyExc_ValueError : PyExc_TypeError, "%U: %s must be one of %R, not %R", loss_name, o.name, choices.get(), given);
}

// Whether float() of it is the number that it is. Of NumPy's objects float() takes the real part of a complex number, the digits of a
// text, the ticks of a time, and the only element of an array.
bool may_be_number(PyObject* given) {
  if (PyBool_Check(given) || PyUnicode_Check(given) || PyBytes_Check(given) || PyComplex_Check(given)) return false;
  if (PyArray_Check(given)) {
    PyArrayObject* const array = reinterpret_cast<PyArrayObject*>(given);
    return PyArray_NDIM(array) == 0 && is_real(PyArray_TYPE(array));
  }
  if (!PyArray_IsScalar(given, Generic)) return true;
  PyArray_Descr* const description = PyArray_DescrFromScalar(given);
  if (description == nullptr) throw python_error{};
  const bool real = is_real(description->type_num);
  Py_DECREF(description);
  return real;
}

}  // namespace

bool read_switch(PyObject* given, const char* argument, PyObject* loss_name) {
  if (PyObject* const as_bool = bool_of(given)) return as_bool == Py_True;
  raise(PyExc_TypeError, "%U: %s must be True or False, not %R", loss_name, argument, given);
}

double read_number(PyObject* given, const char* argument, PyObject* loss_name, const char* needed) {
  if (PyFloat_Check(given)) return PyFloat_AS_DOUBLE(given);
  reject_masked_array(given, argument, {loss_name});
  const bool number = may_be_number(given);
  const double x = number ? PyFloat_AsDouble(given) : -1.0;
  if (x != -1.0) return x;
  if (PyErr_Occurred() != nullptr) {
    if (PyErr_ExceptionMatches(PyExc_OverflowError)) raise(PyExc_ValueError, "%U: %s is too large for a float64", loss_name, argument);
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw python_error{};
  } else if (number) {
    return x;
  }
  if (PyArray_Check(given) && PyArray_NDIM(reinterpret_cast<PyArrayObject*>(given)) == 0)
    raise(PyExc_TypeError, "%U: %s must be %s, not an array of dtype %S", loss_name, argument, needed,
          PyArray_DESCR(reinterpret_cast<PyArrayObject*>(given)));
  raise(PyExc_TypeError, "%U: %s must be %s, not %s", loss_name, argument, needed, Py_TYPE(given)->tp_name);
}

double option_value(const loss_object& loss, int option, PyObject* given) {
  const option_info& o = loss.info->options[static_cast<std::size_t>(option)];
  if (o.kind == option_kind::toggle) return read_switch(given, o.name, loss.name) ? 1.0 : 0.0;
  if (o.kind == option_kind::choice) return choice_value(o, given, loss.name);
  if (given == Py_None && o.none == o.none) return o.none;
  return read_number(given, o.name, loss.name);
}

owned composition_of(const loss_object& loss, PyObject* const* options) {
  for (int i = 0; i < loss.option_count; ++i) {
    const bool choice = loss.info->options[static_cast<std::size_t>(i)].kind == option_kind::choice;
    if (!choice || options[i] == nullptr || PyCallable_Check(options[i]) == 0 || loss.declaration == Py_None) continue;
    owned composition = checked(PyObject_GetAttrString(loss.declaration, "composition"));
    if (composition.get() != Py_None) return composition;
  }
  return owned();
}

PyObject* option_object(const loss_info& info, const void* options, int option) {
  const option_info& o = info.options[static_cast<std::size_t>(option)];
  const double x = info.get(options, option);
  switch (o.kind) {
    case option_kind::number:
      if (x == o.none) return Py_NewRef(Py_None);
      if (o.values.whole) return PyLong_FromDouble(x);
      return PyFloat_FromDouble(x);
    case option_kind::toggle:
      return PyBool_FromLong(x != 0.0);
    case option_kind::choice:
      break;
  }
  return choice_object(o.choices[static_cast<int>(x)]);
}

}  // namespace fastloss::bindings

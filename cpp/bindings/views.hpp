// Python objects as views: arrays, numbers, and whatever NumPy can make an array of.
#pragma once

#include "fastloss/core/array.hpp"
#include "python_objects.hpp"

namespace fastloss::bindings {

// Who asks, for messages.
struct caller {
  PyObject* loss;  // its name, a str
};

// Holds what the views of one call point into: numbers, and references to arrays that were made on the way.
class view_storage {
 public:
  static constexpr int capacity = 12;
  view_storage() = default;
  view_storage(const view_storage&) = delete;
  view_storage& operator=(const view_storage&) = delete;
  ~view_storage() {
    for (int i = 0; i < arrays_; ++i) Py_DECREF(array_[i]);
  }
  void* number(double x) { return &(number_[numbers_++].real = x); }
  void* number(long long x) { return &(number_[numbers_++].integer = x); }
  void* number(bool x) { return &(number_[numbers_++].boolean = x); }
  PyArrayObject* keep(owned array) {
    array_[arrays_] = array.release();
    return reinterpret_cast<PyArrayObject*>(array_[arrays_++]);
  }

 private:
  union {
    double real;
    long long integer;
    bool boolean;
  } number_[capacity];
  PyObject* array_[capacity];
  int numbers_ = 0, arrays_ = 0;
};

// A view of any object; raises TypeError or ValueError that names the argument.
const_array view(PyObject* object, const char* argument, const caller& who, view_storage& storage);

// A view of a number that outlives the call.
const_array number_view(const double& x);

// A view of an array that the user wants results in; `argument` is such as "out" or "out[1]".
mutable_array output_view(PyObject* object, const char* argument, const caller& who);

// NumPy's type number, and whether it is one of ours.
bool dtype_of(int type_number, dtype& result);
// A new reference to NumPy's description of one of our dtypes.
PyArray_Descr* description_of(dtype t);

}  // namespace fastloss::bindings

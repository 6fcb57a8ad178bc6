// Python objects as views: arrays, numbers, and whatever NumPy can make an array of.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "fastloss/core/loss.hpp"
#include "python_objects.hpp"

namespace fastloss::bindings {

// Who asks, for messages.
struct caller {
  PyObject* loss;         // its name, a str
  bool has_where = true;  // an argument that leaves elements out
};

// What the views of one call point into: numbers, arrays that were made on the way, and copies of shapes and strides. NumPy's own
// change with `array.shape = ...`, which other threads may say at any time.
class view_storage {
 public:
  view_storage() {}  // `= default` would fill all of it with zeros
  view_storage(const view_storage&) = delete;
  view_storage& operator=(const view_storage&) = delete;
  void* number(double x) { return &(number_[numbers_++].real = x); }
  void* number(long long x) { return &(number_[numbers_++].integer = x); }
  void* number(bool x) { return &(number_[numbers_++].boolean = x); }
  PyArrayObject* keep(owned array) { return reinterpret_cast<PyArrayObject*>(made_.add(std::move(array))); }
  void add(PyArrayObject* array, const_array& to, const char* argument) { pending_[pendings_++] = {array, &to, argument}; }

  // Room for that many extents, until the call ends.
  std::ptrdiff_t* extents(int count) {
    if (count <= roomy - used_) [[likely]]
      return room_ + std::exchange(used_, used_ + count);
    return more_.emplace_back(std::make_unique_for_overwrite<std::ptrdiff_t[]>(static_cast<std::size_t>(count))).get();
  }

  // Makes the views of the arrays added. No Python code runs here, and none may from here to the end of the computation.
  void make_views(const caller& who);

 private:
  static constexpr int capacity = max_operands + 4;  // and sample_weight, where, grad_output, vector
  static constexpr int roomy = 96;                   // extents, enough for most calls
  struct pending {
    PyArrayObject* array;
    const_array* to;
    const char* argument;
  };
  union {
    double real;
    long long integer;
    bool boolean;
  } number_[capacity];
  object_list<capacity> made_;
  pending pending_[capacity];
  std::ptrdiff_t room_[roomy];
  std::vector<std::unique_ptr<std::ptrdiff_t[]>> more_{};
  int numbers_ = 0, pendings_ = 0, used_ = 0;
};

// TypeError if the object is a masked array, of which NumPy would read the data alone.
void reject_masked_array(PyObject* object, const char* argument, const caller& who);

// Reads any object: a number at once, an array made of it where it is none. The view of an array follows in make_views(), when
// all arguments have been read. Raises TypeError or ValueError that names the argument.
void read_array(PyObject* object, const char* argument, const caller& who, view_storage& storage, const_array& to);

// A view of a number that outlives the call.
const_array number_view(const double& x);

// TypeError if this is no array that results can be written to; `argument` is such as "out" or "out[1]".
void check_output(PyObject* object, const char* argument, const caller& who);
// A view of one that has been checked. No Python code runs, unless it raises.
mutable_array output_view(PyObject* object, const char* argument, const caller& who, view_storage& storage);

// NumPy's type number, and whether it is one of ours.
bool dtype_of(int type_number, dtype& result);
// A new reference to NumPy's description of one of our dtypes.
PyArray_Descr* description_of(dtype t);

}  // namespace fastloss::bindings

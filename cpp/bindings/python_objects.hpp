// Owned references, and errors: Python's travel through C++ as `python_error`, ours are translated once, at the border.
#pragma once

#include <new>
#include <utility>

#include "fastloss/core/errors.hpp"
#include "numpy_api.hpp"

namespace fastloss::bindings {

// An exception is set in the interpreter.
struct python_error {};

// Sets an exception with a printf-like message (Python's format characters) and throws python_error.
[[noreturn]] void raise(PyObject* type, const char* format, ...);

// Sets the Python exception for the C++ exception being handled.
void set_error_from_current_exception() noexcept;

class owned {
 public:
  owned() = default;
  explicit owned(PyObject* p) : p_(p) {}
  owned(owned&& o) noexcept : p_(std::exchange(o.p_, nullptr)) {}
  owned& operator=(owned&& o) noexcept {
    PyObject* const old = std::exchange(p_, std::exchange(o.p_, nullptr));
    Py_XDECREF(old);
    return *this;
  }
  ~owned() { Py_XDECREF(p_); }
  PyObject* get() const { return p_; }
  PyObject* release() { return std::exchange(p_, nullptr); }
  explicit operator bool() const { return p_ != nullptr; }

 private:
  PyObject* p_ = nullptr;
};

// Up to N strong references, or nulls. A call keeps in these what it needs to its end: Python code may drop all other references.
template <int N>
class object_list {
 public:
  object_list() {}  // `= default` would have every call fill the array with zeros
  object_list(const object_list&) = delete;
  object_list& operator=(const object_list&) = delete;
  ~object_list() {
    while (count_ > 0) Py_XDECREF(objects_[--count_]);
  }
  PyObject* add(owned object) { return objects_[count_++] = object.release(); }
  PyObject* operator[](int i) const { return objects_[i]; }
  owned take(int i) { return owned(std::exchange(objects_[i], nullptr)); }
  void replace(int i, owned object) { Py_XSETREF(objects_[i], object.release()); }

 private:
  PyObject* objects_[N];
  int count_ = 0;
};

// A new reference that must not be null.
inline owned checked(PyObject* p) {
  if (p == nullptr) throw python_error{};
  return owned(p);
}

inline owned borrowed(PyObject* p) {
  Py_INCREF(p);
  return owned(p);
}

// Calls a function that may throw; null with an exception set if it does.
template <class F>
PyObject* guarded(F&& f) noexcept {
  try {
    return f();
  } catch (...) {
    set_error_from_current_exception();
    return nullptr;
  }
}

}  // namespace fastloss::bindings

// The only place where this module lets go of the GIL and takes it again.
//
// While the interpreter ends, Python before 3.14 ends a thread that wants the GIL by unwinding its stack (pthread_exit). Destructors
// would then touch objects without the GIL, and `noexcept` would abort the process. No frame of this module is unwound: gil.cpp stops
// such a thread at the first of them, for good, as Python 3.14 itself does.
#pragma once

#include "numpy_api.hpp"

namespace fastloss::bindings {

// Other threads of Python run while it lives. For a thread that holds the GIL.
class without_gil {
 public:
  without_gil() noexcept : state_(PyEval_SaveThread()) {}
  without_gil(const without_gil&) = delete;
  without_gil& operator=(const without_gil&) = delete;
  ~without_gil() { PyEval_RestoreThread(state_); }

 private:
  PyThreadState* state_;
};

// For a thread that may hold the GIL or not.
class with_gil {
 public:
  with_gil() noexcept : state_(PyGILState_Ensure()) {}
  with_gil(const with_gil&) = delete;
  with_gil& operator=(const with_gil&) = delete;
  ~with_gil() { PyGILState_Release(state_); }

 private:
  PyGILState_STATE state_;
};

}  // namespace fastloss::bindings

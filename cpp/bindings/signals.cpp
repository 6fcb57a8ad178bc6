#include "signals.hpp"

#include <sys/syscall.h>
#include <unistd.h>

#include "gil.hpp"

namespace fastloss::bindings {
namespace {

bool handler_raised() {
  const with_gil held;
  return PyErr_CheckSignals() < 0;
}

}  // namespace

stop_function stop_on_signals() noexcept {
  // Asked once: two system calls would be a part of every call of some microseconds.
  thread_local const bool is_main = syscall(SYS_gettid) == getpid();
  return is_main ? handler_raised : nullptr;
}

}  // namespace fastloss::bindings

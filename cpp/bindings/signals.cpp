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

stop_function stop_on_signals() noexcept { return syscall(SYS_gettid) == getpid() ? handler_raised : nullptr; }

}  // namespace fastloss::bindings

// Signals that arrive while a call computes, such as Ctrl-C.
#pragma once

namespace fastloss::bindings {

// What `interruptible` is to ask on this thread: the handlers that Python has for signals are run, and the answer is true if one of
// them raised. Null on threads that Python runs no handlers on. For a thread that does not hold the GIL.
using stop_function = bool (*)();
stop_function stop_on_signals() noexcept;

}  // namespace fastloss::bindings

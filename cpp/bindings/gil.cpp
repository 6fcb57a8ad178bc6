// Unwinding asks the personality routine of every C++ frame what to do there, before it does anything. The module is linked so that
// its frames name the routine below (--wrap in cmake/FastlossPython.cmake); exceptions go on to the usual one.
#include "gil.hpp"

#include <unistd.h>
#include <unwind.h>

extern "C" {

_Unwind_Reason_Code __real___gxx_personality_v0(int version, _Unwind_Action actions, _Unwind_Exception_Class kind,
                                                _Unwind_Exception* exception, _Unwind_Context* context);

[[gnu::visibility("hidden")]] _Unwind_Reason_Code __wrap___gxx_personality_v0(int version, _Unwind_Action actions,
                                                                              _Unwind_Exception_Class kind, _Unwind_Exception* exception,
                                                                              _Unwind_Context* context) {
  // Only the end of a thread is forced. The process is about to exit and waits for nobody.
  if ((actions & _UA_FORCE_UNWIND) != 0)
    for (;;) pause();
  return __real___gxx_personality_v0(version, actions, kind, exception, context);
}
}

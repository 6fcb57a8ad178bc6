// Long calls that can be interrupted: parallel loops ask from time to time whether to go on.
#pragma once

#include <chrono>

#include "fastloss/core/config.hpp"

namespace fastloss {

// While one lives, the parallel loops that its thread calls ask `stop` between two blocks, on this thread and at most twenty
// times a second. Where it answers true, the loop throws `interrupted` (core/errors.hpp) once no thread works any more; what
// had been written until then stays.
class FASTLOSS_API interruptible {
 public:
  // null: these loops are not to ask, whatever an outer one says.
  explicit interruptible(bool (*stop)()) noexcept;
  ~interruptible();
  interruptible(const interruptible&) = delete;
  interruptible& operator=(const interruptible&) = delete;

  // The innermost of the calling thread; null where there is none.
  static interruptible* current() noexcept;
  // Asks, if it is time; throws `interrupted`.
  void poll();

 private:
  bool (*const stop_)();
  interruptible* const outer_;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace fastloss

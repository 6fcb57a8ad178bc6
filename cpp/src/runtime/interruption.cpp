#include "fastloss/runtime/interruption.hpp"

#include "fastloss/core/errors.hpp"

namespace fastloss {
namespace {

constexpr std::chrono::milliseconds between_polls{50};

thread_local interruptible* innermost = nullptr;

}  // namespace

interruptible::interruptible(bool (*stop)()) noexcept
    : stop_(stop), outer_(innermost), next_(std::chrono::steady_clock::now() + between_polls) {
  innermost = this;
}

interruptible::~interruptible() { innermost = outer_; }

interruptible* interruptible::current() noexcept { return innermost; }

void interruptible::poll() {
  if (stop_ == nullptr || std::chrono::steady_clock::now() < next_) return;
  if (stop_()) throw interrupted("interrupted");
  next_ = std::chrono::steady_clock::now() + between_polls;
}

}  // namespace fastloss

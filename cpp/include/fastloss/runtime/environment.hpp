// The environment variables that are read when the library is loaded: FASTLOSS_ISA and FASTLOSS_CACHE_MB.
#pragma once

#include "fastloss/core/config.hpp"

namespace fastloss {

// What is wrong with one of them, as a message for the user, or null. A variable that is wrong counts as not set, so that
// a C++ program still runs; the Python package refuses to be imported.
FASTLOSS_API const char* environment_error() noexcept;

}  // namespace fastloss

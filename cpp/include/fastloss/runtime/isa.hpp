// Which instruction sets this build holds, which this machine can run, and which one is in use.
#pragma once

#include "fastloss/core/config.hpp"

namespace fastloss {

// Names from least to most capable, such as "v2", "v3", "v4"; `available` ends with a null pointer.
FASTLOSS_API const char* const* available_isas();
FASTLOSS_API const char* active_isa();
// Makes every later call use one instruction set; throws value_error for one that this machine cannot run.
// The environment variable FASTLOSS_ISA does the same at load.
FASTLOSS_API void use_isa(const char* name);
// What this machine lacks of the minimum (x86-64-v2), or null. Calling anything else is an error where it is not null.
FASTLOSS_API const char* missing_features();

}  // namespace fastloss

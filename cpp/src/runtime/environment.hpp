// The parts of environment_error(), each told by the file that reads the variable.
#pragma once

namespace fastloss {

const char* isa_environment_error() noexcept;    // FASTLOSS_ISA
const char* cache_environment_error() noexcept;  // FASTLOSS_CACHE_MB

}  // namespace fastloss

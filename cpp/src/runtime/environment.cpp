#include "runtime/environment.hpp"

#include "fastloss/runtime/environment.hpp"

namespace fastloss {

const char* environment_error() noexcept {
  const char* error = isa_environment_error();
  return error ? error : cache_environment_error();
}

}  // namespace fastloss

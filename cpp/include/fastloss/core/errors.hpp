// The exceptions of the library. Messages name the argument, what it got and what it needs; Python shows them unchanged.
#pragma once

#include <stdexcept>

#include "fastloss/core/config.hpp"

namespace fastloss {

class FASTLOSS_API error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
class FASTLOSS_API value_error : public error {  // shapes, ranges, unknown options
 public:
  using error::error;
};
class FASTLOSS_API type_error : public error {  // dtypes, argument names
 public:
  using error::error;
};
class FASTLOSS_API index_error : public error {  // a class index out of range
 public:
  using error::error;
};
class FASTLOSS_API interrupted : public error {  // a call was told to stop: runtime/interruption.hpp
 public:
  using error::error;
};

}  // namespace fastloss

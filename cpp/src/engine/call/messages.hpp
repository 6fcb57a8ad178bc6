// Words for error messages.
#pragma once

#include <string>

#include "fastloss/core/array.hpp"
#include "fastloss/core/loss.hpp"

namespace fastloss {

std::string shape_text(int rank, const std::ptrdiff_t* shape);          // "(3, 1)"
std::string number_text(double x);                                      // as Python prints it
std::string number_text(double x, dtype stored_as);                     // with the digits that dtype has
std::string integer_text(const void* x, dtype type, bool byteswapped);  // an element of an integer dtype
std::string domain_text(const domain& d);                               // "> 0", "between 0 and 1", "-1 or 1"
const char* dtype_text(dtype t);                                        // "float32"

}  // namespace fastloss

#include "engine/call/messages.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>

namespace fastloss {

std::string shape_text(int rank, const std::ptrdiff_t* shape) {
  std::string text = "(";
  for (int i = 0; i < rank; ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + (rank == 1 ? ",)" : ")");
}

namespace {
template <class S>
std::string shortest_text(S x) {
  if (std::isnan(x)) return "nan";
  if (std::isinf(x)) return x > 0 ? "inf" : "-inf";
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, x);
  std::string text(digits, end.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}
}  // namespace

std::string number_text(double x) { return shortest_text(x); }
std::string number_text(double x, dtype stored_as) {
  return stored_as == dtype::float64 ? shortest_text(x) : shortest_text(static_cast<float>(x));
}

namespace {
std::string bound_text(double x) {
  const std::string text = number_text(x);
  return text.size() > 2 && text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}
}  // namespace

std::string integer_text(const void* x, dtype type, bool byteswapped) {
  unsigned char bytes[sizeof(std::uint64_t)];
  const std::size_t size = itemsize(type);
  std::memcpy(bytes, x, size);
  if (byteswapped) std::reverse(bytes, bytes + size);
  const auto text = [&](auto number) {
    std::memcpy(&number, bytes, sizeof number);
    return std::to_string(number);
  };
  switch (type) {
    case dtype::int8:
      return text(std::int8_t{});
    case dtype::uint8:
      return text(std::uint8_t{});
    case dtype::int16:
      return text(std::int16_t{});
    case dtype::uint16:
      return text(std::uint16_t{});
    case dtype::int32:
      return text(std::int32_t{});
    case dtype::uint32:
      return text(std::uint32_t{});
    case dtype::int64:
      return text(std::int64_t{});
    default:
      return text(std::uint64_t{});
  }
}

std::string domain_text(const domain& d) {
  if (d.everything()) return "a number";
  const std::string low = bound_text(d.lower), high = bound_text(d.upper);
  if (d.ends_only) return low + " or " + high;
  if (d.whole) return "a whole number from " + low + " to " + high;
  if (std::isinf(d.upper)) return (d.lower_open ? "> " : ">= ") + low + (d.upper_open ? " and finite" : "");
  if (std::isinf(d.lower)) return (d.upper_open ? "< " : "<= ") + high;
  std::string text = "between " + low + " and " + high;
  if (d.lower_open) text += ", " + low + " excluded";
  if (d.upper_open) text += ", " + high + " excluded";
  return text;
}

const char* dtype_text(dtype t) {
  constexpr const char* names[dtype_count] = {"bool",  "int8",   "uint8",   "int16",    "uint16",  "int32",  "uint32",
                                              "int64", "uint64", "float16", "bfloat16", "float32", "float64"};
  return names[static_cast<int>(t)];
}

}  // namespace fastloss

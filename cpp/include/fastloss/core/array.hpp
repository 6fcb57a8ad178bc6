// Views over memory that the caller owns: element type, shape and byte strides. Nothing here allocates.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastloss {

enum class dtype : std::uint8_t { boolean, int8, uint8, int16, uint16, int32, uint32, int64, uint64, float16, bfloat16, float32, float64 };
inline constexpr int dtype_count = 13;

constexpr bool is_floating(dtype t) { return t >= dtype::float16; }

inline constexpr std::uint8_t itemsizes[dtype_count] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 2, 2, 4, 8};
constexpr std::size_t itemsize(dtype t) { return itemsizes[static_cast<int>(t)]; }

inline constexpr int max_rank = 64;

// A read-only array. `data == nullptr` with `absent() == true` means "not given".
struct const_array {
  const void* data = nullptr;
  const std::ptrdiff_t* shape = nullptr;    // `rank` extents
  const std::ptrdiff_t* strides = nullptr;  // `rank` strides in bytes; may be 0 or negative
  int rank = -1;
  dtype type = dtype::float32;
  bool byteswapped = false;  // stored in the other byte order
  bool weak = false;         // a bare number: takes part in no type promotion unless nothing else does

  constexpr bool absent() const { return rank < 0; }
};

// An array that results are written to.
struct mutable_array {
  void* data = nullptr;
  const std::ptrdiff_t* shape = nullptr;
  const std::ptrdiff_t* strides = nullptr;
  int rank = -1;
  dtype type = dtype::float32;
  bool byteswapped = false;
  bool unshared = false;  // allocated for this call: shares memory with nothing else, and is thrown away if the call fails
  bool recycled = true;   // its pages are mapped already, so that streaming stores pay (see runtime/memory.hpp)

  constexpr bool absent() const { return rank < 0; }
};

}  // namespace fastloss

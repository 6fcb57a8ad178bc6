// Blocks of memory for large results. A fresh array above malloc's limit is faulted in page by page at every call, which
// costs more than the computation; freed blocks are therefore kept, up to a bound, and handed out again.
#pragma once

#include <cstddef>

#include "fastloss/core/config.hpp"

namespace fastloss {

// Results up to this size come from the ordinary allocator, which recycles them itself.
inline constexpr std::size_t small_result_bytes = std::size_t{32} << 20;

struct result_block {
  void* data;
  std::size_t bytes;  // the size to give back to release_result
  bool recycled;      // its pages were in use before
};

// At least `bytes` bytes, 2 MiB aligned, on huge pages where the system has them. Throws std::bad_alloc.
FASTLOSS_API result_block acquire_result(std::size_t bytes);
FASTLOSS_API void release_result(void* data, std::size_t bytes) noexcept;
// Gives every kept block back to the system.
FASTLOSS_API void empty_cache() noexcept;

struct cache_state {
  std::size_t limit_bytes;  // FASTLOSS_CACHE_MB, default 256; 0 is off
  std::size_t kept_bytes;
  std::size_t kept_blocks;
};
FASTLOSS_API cache_state get_cache_state() noexcept;

// Streaming stores pay once a call touches more bytes than these: the last-level cache, or 32 MiB of a larger one.
FASTLOSS_API std::size_t streaming_bytes() noexcept;

}  // namespace fastloss

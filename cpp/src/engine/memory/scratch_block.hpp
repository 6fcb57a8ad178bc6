// Memory of one call that all of its threads share.
#pragma once

#include <cstddef>

#include "fastloss/runtime/memory.hpp"

namespace fastloss {

// Large ones come from the cache of result blocks: the next call finds their pages mapped.
class scratch_block {
 public:
  scratch_block() = default;
  scratch_block(const scratch_block&) = delete;
  scratch_block& operator=(const scratch_block&) = delete;
  ~scratch_block();
  void allocate(std::size_t bytes);  // once
  std::byte* data() const { return static_cast<std::byte*>(block_.data); }

 private:
  result_block block_{};
};

}  // namespace fastloss

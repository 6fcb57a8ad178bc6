// Memory of one thread for the tiles, and numbers for each row or pair, of a call.
#pragma once

#include <cstddef>
#include <new>

namespace fastloss {

class row_scratch {
 public:
  row_scratch() = default;
  row_scratch(const row_scratch&) = delete;
  row_scratch& operator=(const row_scratch&) = delete;
  ~row_scratch() { release(); }

  char* at_least(std::size_t bytes) {
    if (bytes > bytes_) {
      release();
      memory_ = static_cast<char*>(::operator new(bytes, std::align_val_t{64}));
      bytes_ = bytes;
    }
    return memory_;
  }
  // Rows of millions of classes take more memory than a thread should hold on to.
  void trim() {
    if (bytes_ > kept_bytes) release();
  }

 private:
  static constexpr std::size_t kept_bytes = std::size_t{10} << 20;

  void release() {
    if (memory_ != nullptr) ::operator delete(memory_, std::align_val_t{64});
    memory_ = nullptr;
    bytes_ = 0;
  }

  char* memory_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace fastloss

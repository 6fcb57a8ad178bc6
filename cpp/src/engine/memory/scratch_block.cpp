#include "engine/memory/scratch_block.hpp"

#include <new>

namespace fastloss {
namespace {

constexpr std::size_t large = std::size_t{2} << 20;  // bytes
constexpr std::align_val_t line{64};

}  // namespace

scratch_block::~scratch_block() {
  if (block_.data == nullptr) return;
  if (block_.bytes >= large) release_result(block_.data, block_.bytes);
  else ::operator delete(block_.data, line);
}

void scratch_block::allocate(std::size_t bytes) {
  block_ = bytes >= large ? acquire_result(bytes) : result_block{::operator new(bytes, line), bytes, true};
}

}  // namespace fastloss

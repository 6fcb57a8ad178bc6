#include "fastloss/engine/elementary.hpp"

#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {

std::span<const elementary_function> active_elementary_functions() {
  const kernel_table& table = active_kernels();
  return {table.elementary->functions, table.elementary->count};
}

}  // namespace fastloss

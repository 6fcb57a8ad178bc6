// The kernels in use. Chosen once at load; use_isa() may change them between calls.
#pragma once

#include <atomic>

namespace fastloss {

struct kernel_table;

// Those of this build; the linker finds the ones that it has.
extern const kernel_table fastloss_kernels_v2, fastloss_kernels_v3, fastloss_kernels_v4, fastloss_kernels_neon;

// Null only on a processor below the minimum, where missing_features() says so and nothing may be computed.
extern std::atomic<const kernel_table*> active_kernel_table;

inline const kernel_table& active_kernels() { return *active_kernel_table.load(std::memory_order_acquire); }

}  // namespace fastloss

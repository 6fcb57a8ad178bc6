// The kernels of one instruction set. Compiled once for each, with that set's flags, as all sources of this folder are: this one
// puts together what the others hold, and includes every loss, so it has nothing that takes long to compile.
#include <array>

#include "fastloss/losses/registry.hpp"
#include "isa/family.hpp"
#include "isa/parts.hpp"

namespace fastloss {

FASTLOSS_FAMILIES(FASTLOSS_DECLARE_FAMILY)
FASTLOSS_FUNCTION_FAMILIES(FASTLOSS_DECLARE_FAMILY)

namespace {

constexpr auto loss_kernel_table = [] {
  std::array<const void* const*, all_losses::size + losses_of_functions::size> all{};
  std::size_t n = 0;
#define FASTLOSS_ADD_FAMILY(FAMILY) \
  for (const void* const& k : FASTLOSS_FAMILY_KERNELS(FAMILY).of) all[n++] = &k;
  FASTLOSS_FAMILIES(FASTLOSS_ADD_FAMILY)
  FASTLOSS_FUNCTION_FAMILIES(FASTLOSS_ADD_FAMILY)
#undef FASTLOSS_ADD_FAMILY
  return all;
}();

}  // namespace

extern const kernel_table FASTLOSS_KERNEL_TABLE;
const kernel_table FASTLOSS_KERNEL_TABLE = {FASTLOSS_ISA_NAME,
                                            FASTLOSS_VECTOR_BYTES,
                                            loss_kernel_table.data(),
                                            FASTLOSS_TILE_OPERATIONS.of,
                                            FASTLOSS_ROW_OPERATIONS.of,
                                            &FASTLOSS_ELEMENTARY_FUNCTIONS,
                                            FASTLOSS_PRODUCT_OPERATIONS.of,
                                            FASTLOSS_REGION_OPERATIONS.of,
                                            FASTLOSS_DISTANCE_OPERATIONS.of,
                                            FASTLOSS_EMBEDDING_OPERATIONS.of,
                                            FASTLOSS_SIMILARITY_OPERATIONS.of};

}  // namespace fastloss

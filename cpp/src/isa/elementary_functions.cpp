// The elementary functions by name, for one instruction set: for the tests of their accuracy.
#include "isa/elementary.hpp"
#include "isa/parts.hpp"

namespace fastloss {

constexpr elementary_table FASTLOSS_ELEMENTARY_FUNCTIONS = {elementary_functions,
                                                            sizeof(elementary_functions) / sizeof(elementary_functions[0])};

}  // namespace fastloss

// The kernels of one family of losses for one instruction set: an object of its own, so that families compile in parallel
// and a change to one leaves the others alone.
#pragma once

#include <cstddef>

#include "fastloss/core/type_list.hpp"
#include "isa/names.hpp"

// As the names of the other parts: the instruction set, then the family.
#define FASTLOSS_FAMILY_KERNELS(FAMILY) FASTLOSS_JOIN(FASTLOSS_KERNEL_TABLE, FAMILY)

namespace fastloss {

template <std::size_t Losses>
struct family_kernels {
  const void* of[Losses];  // each of the type that the loss's engine casts to
};

}  // namespace fastloss

#define FASTLOSS_DECLARE_FAMILY(FAMILY) extern const family_kernels<FAMILY##_losses::size> FASTLOSS_FAMILY_KERNELS(FAMILY);

// How arrays are padded to whole packs of every instruction set.
#pragma once

#include <cstddef>

#include "fastloss/engine/formula_kernels.hpp"

namespace fastloss {

// Numbers of the widest pack.
inline constexpr std::size_t most_pack = tile_alignment / sizeof(float);

constexpr std::size_t padded_to(std::size_t whole, std::size_t count) { return (count + whole - 1) / whole * whole; }

}  // namespace fastloss

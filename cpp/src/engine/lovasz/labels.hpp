// The class of each pixel, and how many pixels of each class a unit has.
#pragma once

#include <cstdint>
#include <type_traits>
#include <vector>

#include "engine/lovasz/job.hpp"
#include "engine/sorting/pairs.hpp"

namespace fastloss {

// Pixels at once: whole packs.
inline constexpr std::size_t tile_pixels = 1024;
template <class S>
using label_of_pixel = std::make_signed_t<key_of<S>>;

// Classes of a run of at most a tile of pixels, in `labels`; -1 of those that do not count, and behind the run to a whole tile. Those out
// of range are -1 as well. `scratch` is a tile to work in. False: there may be some out of range.
template <class S>
bool load_labels(const lovasz_job&, std::size_t first, std::size_t count, label_of_pixel<S>* labels, S* scratch);

// How many pixels that count each unit has of each class: of unit u and class c at u * classes + c. Throws for one that counts and is out
// of range: an index_error, or of a mask a value_error.
template <class S>
std::vector<std::uint64_t> count_labels(const call_plan&, const lovasz_job&);

}  // namespace fastloss

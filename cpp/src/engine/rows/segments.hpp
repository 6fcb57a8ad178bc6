// Rows so long and so few that threads share each of them: a row is cut into segments of fixed length.
#pragma once

#include "isa/kernel_table.hpp"

namespace fastloss {

// Classes of a segment: whole packs and whole lines, 64 KiB of float32, of which an L2 cache holds scores, exponentials and results.
inline constexpr std::size_t segment_classes = 16384;
// Rows are cut where there are no more of them than this, with at least so many classes each: more rows occupy most teams by
// themselves, and shorter ones have too few segments to share.
inline constexpr std::size_t most_cut_rows = 8, least_cut_classes = 4 * segment_classes;

// The operations of the same name on rows whose classes lie side by side, each row by several threads. `item`: bytes of a score.
void softmax_in_segments(const row_operations_of_arrangement&, const shift_pass&, std::size_t item, int threads);
void gradient_in_segments(const row_operations_of_arrangement&, const gradient_pass&, std::size_t item, int threads);

}  // namespace fastloss

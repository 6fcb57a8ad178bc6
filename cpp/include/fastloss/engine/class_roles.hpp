// The roles of operands that engines with classes share: bits 8 to 12 of an operand's flags.
#pragma once

namespace fastloss {

inline constexpr unsigned class_index = 1u << 8;   // class indices, of any integer dtype, one for each unit
inline constexpr unsigned distribution = 1u << 9;  // one number for each class of each unit; with class_index: either, as the dtype says
inline constexpr unsigned per_class = 1u << 10;    // one number for each class
// Class indices of any integer dtype, of the input's shape: those of a unit up to its first -1. The formula sees u of every class
// that the unit does not list, with t = 1, relative to each class that it does list.
inline constexpr unsigned class_list = 1u << 11;
// Class indices that may be an array of one where the input is a unit by itself: the loss then has that shape, too.
inline constexpr unsigned one_of_a_row = 1u << 12;

}  // namespace fastloss

// How arrays of a call lie over the elements of its iteration.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fastloss/core/array.hpp"
#include "fastloss/core/loss.hpp"

namespace fastloss {

// An output as an array that is read.
inline const_array view_of(const mutable_array& a) { return {a.data, a.shape, a.strides, a.rank, a.type, a.byteswapped}; }

// How the axes of an argument are matched with those of the input.
enum class alignment {
  same,             // the input's rank; 1 where it is broadcast
  trailing,         // up to the input's rank, matched from the last axis
  leading,          // up to the input's rank, matched from the first axis
  same_or_leading,  // the input's rank, or one axis less, matched from the first axis
};

inline alignment alignment_of(const operand& o) {
  return o.is(trailing) ? alignment::trailing : o.is(leading) ? alignment::same_or_leading : alignment::same;
}

// Writes the byte strides of `a` over the input's axes, 0 where it is broadcast; false if its shape does not fit.
// Numbers (rank 0) always fit.
bool align_strides(const const_array& a, alignment how, int rank, const std::ptrdiff_t* shape, std::ptrdiff_t* strides);

// Several arrays walked together, with as few axes as possible.
inline constexpr int max_walks = 24;
struct joint_layout {
  int rank;
  std::ptrdiff_t shape[max_rank];
  std::ptrdiff_t* strides[max_walks];  // of each array; rewritten in place
  int arrays;
};

// Orders the axes by the first array's strides, so that the walk follows memory, drops axes of one element, and joins
// neighbours that every array walks as one. The order depends on shapes and strides alone, and so do the sums.
void simplify(joint_layout& layout);
// The same without ordering the axes: the walk stays in C order.
void join_axes(joint_layout& layout);

// Whether strides step through memory element by element, in C order.
bool is_contiguous(int rank, const std::ptrdiff_t* shape, const std::ptrdiff_t* strides, std::size_t itemsize);

std::size_t element_count(int rank, const std::ptrdiff_t* shape);
// Of an array of that shape. Throws std::bad_alloc where that is no number: a view that repeats one element may have more of them than
// there is memory for in the world.
std::size_t byte_count(int rank, const std::ptrdiff_t* shape, std::size_t itemsize);
// The index of the element at this place in C order.
void index_at(std::size_t place, int rank, const std::ptrdiff_t* shape, std::ptrdiff_t* index);

// Whether two arrays are the same elements in the same places.
bool same_view(const const_array& a, const const_array& b);
// The bytes that an array lies in, from first to last; none where it has no elements.
struct extent {
  std::uintptr_t first, last;
  bool meets(const extent& other) const { return first < other.last && other.first < last; }
};
extent extent_of(const const_array& a);
// Whether two arrays may share memory. Interleaved arrays, such as x[::2] and x[1::2], are recognised as apart.
bool may_overlap(const const_array& a, const const_array& b);
// Whether two elements of one array may lie at the same place.
bool may_overlap_itself(const const_array& a);

}  // namespace fastloss

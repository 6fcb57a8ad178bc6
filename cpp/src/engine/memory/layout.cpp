#include "engine/memory/layout.hpp"

#include <cstdint>
#include <new>
#include <numeric>
#include <utility>

namespace fastloss {

bool align_strides(const const_array& a, alignment how, int rank, const std::ptrdiff_t* shape, std::ptrdiff_t* strides) {
  for (int i = 0; i < rank; ++i) strides[i] = 0;
  if (a.rank == 0) return true;
  if (a.rank > rank) return false;
  const int missing = rank - a.rank;
  if (missing > 0 && (how == alignment::same || (how == alignment::same_or_leading && missing > 1))) return false;
  const int first = how == alignment::trailing ? missing : 0;
  for (int i = 0; i < a.rank; ++i) {
    if (a.shape[i] == shape[first + i]) strides[first + i] = a.shape[i] == 1 ? 0 : a.strides[i];
    else if (a.shape[i] != 1) return false;
  }
  return true;
}

namespace {

void move_axis(joint_layout& l, int to, int from) {
  l.shape[to] = l.shape[from];
  for (int a = 0; a < l.arrays; ++a) l.strides[a][to] = l.strides[a][from];
}

void drop_axes_of_one(joint_layout& l) {
  int kept = 0;
  for (int axis = 0; axis < l.rank; ++axis)
    if (l.shape[axis] != 1) move_axis(l, kept++, axis);
  l.rank = kept;
}

void join_neighbours(joint_layout& l) {
  int out = 0;
  for (int axis = 1; axis < l.rank; ++axis) {
    bool one_walk = true;
    for (int a = 0; a < l.arrays && one_walk; ++a) one_walk = l.strides[a][out] == l.strides[a][axis] * l.shape[axis];
    if (one_walk) {
      l.shape[out] *= l.shape[axis];
      for (int a = 0; a < l.arrays; ++a) l.strides[a][out] = l.strides[a][axis];
    } else {
      move_axis(l, ++out, axis);
    }
  }
  if (l.rank > 0) l.rank = out + 1;
}

}  // namespace

void join_axes(joint_layout& l) {
  drop_axes_of_one(l);
  join_neighbours(l);
}

void simplify(joint_layout& l) {
  const auto magnitude = [&](int axis) { return l.strides[0][axis] < 0 ? -l.strides[0][axis] : l.strides[0][axis]; };
  drop_axes_of_one(l);
  for (int i = 1; i < l.rank; ++i)
    for (int j = i; j > 0 && magnitude(j - 1) < magnitude(j); --j) {
      std::swap(l.shape[j - 1], l.shape[j]);
      for (int a = 0; a < l.arrays; ++a) std::swap(l.strides[a][j - 1], l.strides[a][j]);
    }
  join_neighbours(l);
}

bool is_contiguous(int rank, const std::ptrdiff_t* shape, const std::ptrdiff_t* strides, std::size_t item) {
  std::ptrdiff_t expected = static_cast<std::ptrdiff_t>(item);
  for (int axis = rank - 1; axis >= 0; --axis) {
    if (shape[axis] != 1 && strides[axis] != expected) return false;
    expected *= shape[axis];
  }
  return true;
}

std::size_t element_count(int rank, const std::ptrdiff_t* shape) {
  std::size_t n = 1;
  for (int i = 0; i < rank; ++i) n *= static_cast<std::size_t>(shape[i]);
  return n;
}

std::size_t byte_count(int rank, const std::ptrdiff_t* shape, std::size_t item) {
  std::size_t bytes = item;
  bool overflow = false;
  for (int i = 0; i < rank; ++i) {
    if (shape[i] == 0) return 0;
    overflow |= __builtin_mul_overflow(bytes, static_cast<std::size_t>(shape[i]), &bytes);
  }
  if (overflow) throw std::bad_alloc();
  return bytes;
}

void index_at(std::size_t place, int rank, const std::ptrdiff_t* shape, std::ptrdiff_t* index) {
  for (int axis = rank - 1; axis >= 0; --axis) {
    const std::size_t extent = static_cast<std::size_t>(shape[axis]);
    index[axis] = static_cast<std::ptrdiff_t>(place % extent);
    place /= extent;
  }
}

bool same_view(const const_array& a, const const_array& b) {
  if (a.data != b.data || a.rank != b.rank || a.type != b.type || a.byteswapped != b.byteswapped) return false;
  for (int i = 0; i < a.rank; ++i)
    if (a.shape[i] != b.shape[i] || (a.shape[i] > 1 && a.strides[i] != b.strides[i])) return false;
  return true;
}

extent extent_of(const const_array& a) {
  const auto base = reinterpret_cast<std::uintptr_t>(a.data);
  std::uintptr_t first = base, last = base + itemsize(a.type);
  for (int i = 0; i < a.rank; ++i) {
    if (a.shape[i] == 0) return {base, base};
    const std::ptrdiff_t span = (a.shape[i] - 1) * a.strides[i];
    if (span < 0) first -= static_cast<std::uintptr_t>(-span);
    else last += static_cast<std::uintptr_t>(span);
  }
  return {first, last};
}

bool may_overlap(const const_array& a, const const_array& b) {
  if (!extent_of(a).meets(extent_of(b))) return false;
  std::ptrdiff_t step = 0;
  for (int i = 0; i < a.rank; ++i)
    if (a.shape[i] > 1) step = std::gcd(step, a.strides[i]);
  for (int i = 0; i < b.rank; ++i)
    if (b.shape[i] > 1) step = std::gcd(step, b.strides[i]);
  if (step == 0) return true;
  // Every element of a starts at a.data and every element of b at b.data, modulo the step.
  const std::ptrdiff_t apart = static_cast<const char*>(b.data) - static_cast<const char*>(a.data);
  const std::ptrdiff_t phase = ((apart % step) + step) % step;
  const bool clear =
      phase >= static_cast<std::ptrdiff_t>(itemsize(a.type)) && phase + static_cast<std::ptrdiff_t>(itemsize(b.type)) <= step;
  return !clear;
}

bool may_overlap_itself(const const_array& a) {
  if (element_count(a.rank, a.shape) < 2) return false;
  // Sorted by stride, each axis must step over everything that the smaller ones cover.
  std::ptrdiff_t stride[max_rank], count[max_rank];
  int n = 0;
  for (int i = 0; i < a.rank; ++i) {
    if (a.shape[i] < 2) continue;
    const std::ptrdiff_t s = a.strides[i] < 0 ? -a.strides[i] : a.strides[i];
    int j = n++;
    for (; j > 0 && stride[j - 1] > s; --j) {
      stride[j] = stride[j - 1];
      count[j] = count[j - 1];
    }
    stride[j] = s;
    count[j] = a.shape[i];
  }
  std::ptrdiff_t covered = static_cast<std::ptrdiff_t>(itemsize(a.type));
  for (int i = 0; i < n; ++i) {
    if (stride[i] < covered) return true;
    covered += stride[i] * (count[i] - 1);
  }
  return false;
}

}  // namespace fastloss

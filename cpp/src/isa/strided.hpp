// Loads and stores: runs of any dtype and stride to and from contiguous tiles of a computation dtype.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "isa/elements.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace {

// Where a walk over a run of several axes is; a row is a piece of it along the last axis.
struct strided_place {
  const strided_run& run;
  const int last = run.rank - 1;
  std::ptrdiff_t index[max_rank];
  std::ptrdiff_t offset = 0;  // in bytes

  FASTLOSS_FN explicit strided_place(const strided_run& r) : run(r) {
    std::size_t rest = run.start;
    for (int axis = last; axis >= 0; --axis) {
      const std::size_t extent = static_cast<std::size_t>(run.shape[axis]);
      index[axis] = static_cast<std::ptrdiff_t>(rest % extent);
      rest /= extent;
      offset += index[axis] * run.strides[axis];
    }
  }

  FASTLOSS_FN std::ptrdiff_t left_in_row() const { return run.shape[last] - index[last]; }

  FASTLOSS_FN void go_to_next_row() {
    offset -= index[last] * run.strides[last];
    index[last] = 0;
    for (int axis = last - 1; axis >= 0; --axis) {
      offset += run.strides[axis];
      if (++index[axis] < run.shape[axis]) break;
      offset -= index[axis] * run.strides[axis];
      index[axis] = 0;
    }
  }
};

// Calls row(offset in bytes, stride of the last axis, first element of the row in the tile, elements) for each piece of the
// run that lies along the last axis.
template <class Row>
FASTLOSS_FN void for_each_row(const strided_run& run, Row&& row) {
  if (run.count == 0) return;  // there may be no memory, not even for a number that all elements are
  if (run.rank <= 1) {
    const std::ptrdiff_t stride = run.rank == 0 ? 0 : run.strides[0];
    row(static_cast<std::ptrdiff_t>(run.start) * stride, stride, std::size_t{0}, run.count);
    return;
  }
  strided_place place(run);
  for (std::size_t done = 0; done < run.count;) {
    const std::size_t left_in_row = static_cast<std::size_t>(place.left_in_row()), left = run.count - done;
    const std::size_t n = left < left_in_row ? left : left_in_row;
    row(place.offset, run.strides[place.last], done, n);
    done += n;
    place.go_to_next_row();
  }
}

// Rows of fewer elements are loaded one element after the other: to find out how a row may be vectorised takes longer than such a row.
constexpr std::ptrdiff_t short_row = 8;

template <class S, class T>
FASTLOSS_FN void load_short_rows(S* out, const char* from, const strided_run& run) {
  strided_place place(run);
  const std::ptrdiff_t stride = run.strides[place.last];
  std::ptrdiff_t left = place.left_in_row();
  const char* p = from + place.offset;
  for (std::size_t i = 0; i < run.count; ++i) {
    out[i] = to_computation<S>(read<T, false>(p));
    p += stride;
    if (--left > 0) continue;
    place.go_to_next_row();
    left = run.shape[place.last];
    p = from + place.offset;
  }
}

template <class S, class T, bool Swapped>
void load(void* tile, const void* base, const strided_run& run) {
  S* const out = static_cast<S*>(tile);
  const char* const from = static_cast<const char*>(base);
  if constexpr (!Swapped) {
    if (run.count > 0 && run.rank > 1 && run.shape[run.rank - 1] < short_row) return load_short_rows<S, T>(out, from, run);
  }
  for_each_row(run, [&](std::ptrdiff_t offset, std::ptrdiff_t stride, std::size_t first, std::size_t n) {
    const char* const p = from + offset;
    S* const o = out + first;
    if (stride == static_cast<std::ptrdiff_t>(sizeof(T))) {
#pragma GCC ivdep  // tiles lie apart from what they are loaded from
      for (std::size_t i = 0; i < n; ++i) o[i] = to_computation<S>(read<T, Swapped>(p + i * sizeof(T)));
    } else if (stride == 0) {
      const S x = to_computation<S>(read<T, Swapped>(p));
      for (std::size_t i = 0; i < n; ++i) o[i] = x;
    } else {
      for (std::size_t i = 0; i < n; ++i) o[i] = to_computation<S>(read<T, Swapped>(p + static_cast<std::ptrdiff_t>(i) * stride));
    }
  });
}

typedef unsigned char vector_of_bytes __attribute__((vector_size(FASTLOSS_VECTOR_BYTES), aligned(1), may_alias));

FASTLOSS_FN std::size_t count_nonzero(const unsigned char* p, std::size_t n) {
  std::size_t found = 0, i = 0;
  while (n - i >= FASTLOSS_VECTOR_BYTES) {
    vector_of_bytes counts = {};
    // A lane holds up to 255.
    for (int k = 0; k < 255 && n - i >= FASTLOSS_VECTOR_BYTES; ++k, i += FASTLOSS_VECTOR_BYTES) {
      vector_of_bytes v;
      __builtin_memcpy(&v, p + i, sizeof v);
      counts -= reinterpret_cast<vector_of_bytes>(v != vector_of_bytes{});  // -1 where it holds
    }
    for (int k = 0; k < FASTLOSS_VECTOR_BYTES; ++k) found += counts[k];
  }
  for (; i < n; ++i) found += p[i] != 0;
  return found;
}

inline std::size_t count_true(const void* base, const strided_run& run) {
  const unsigned char* const from = static_cast<const unsigned char*>(base);
  std::size_t found = 0;
  for_each_row(run, [&](std::ptrdiff_t offset, std::ptrdiff_t stride, std::size_t, std::size_t n) {
    const unsigned char* const p = from + offset;
    if (stride == 1) found += count_nonzero(p, n);
    else if (stride == 0) found += *p != 0 ? n : 0;
    else
      for (std::size_t i = 0; i < n; ++i) found += p[static_cast<std::ptrdiff_t>(i) * stride] != 0;
  });
  return found;
}

template <class S, class T, bool Swapped, bool Accumulate>
FASTLOSS_FN void store_rows(const S* in, char* to, const strided_run& run, S scale) {
  for_each_row(run, [&](std::ptrdiff_t offset, std::ptrdiff_t stride, std::size_t first, std::size_t n) {
    char* const p = to + offset;
    const S* const x = in + first;
    const auto put = [&](char* q, S v) {
      if constexpr (Accumulate) v += to_computation<S>(read<T, Swapped>(q));
      write<T, Swapped>(q, from_computation<T>(v));
    };
    if (stride == static_cast<std::ptrdiff_t>(sizeof(T))) {
#pragma GCC ivdep
      for (std::size_t i = 0; i < n; ++i) put(p + i * sizeof(T), x[i] * scale);
    } else {
      for (std::size_t i = 0; i < n; ++i) put(p + static_cast<std::ptrdiff_t>(i) * stride, x[i] * scale);
    }
  });
}

template <class S, class T, bool Swapped>
void store(const void* tile, void* base, const strided_run& run, double scale, bool accumulate) {
  const S* const in = static_cast<const S*>(tile);
  char* const to = static_cast<char*>(base);
  if (accumulate) store_rows<S, T, Swapped, true>(in, to, run, static_cast<S>(scale));
  else store_rows<S, T, Swapped, false>(in, to, run, static_cast<S>(scale));
}

// One cache line past the caches. A line written in part keeps ordinary stores: streaming it and then touching it again
// costs several times the whole pass.
template <class S>
FASTLOSS_FN void stream_line(S* to, const S* from, S scale) {
#if defined(__AVX512F__)
  if constexpr (sizeof(S) == 4) _mm512_stream_ps(to, _mm512_mul_ps(_mm512_loadu_ps(from), _mm512_set1_ps(scale)));
  else _mm512_stream_pd(to, _mm512_mul_pd(_mm512_loadu_pd(from), _mm512_set1_pd(scale)));
#elif defined(__AVX2__)
  for (int half = 0; half < 2; ++half) {
    if constexpr (sizeof(S) == 4) _mm256_stream_ps(to + 8 * half, _mm256_mul_ps(_mm256_loadu_ps(from + 8 * half), _mm256_set1_ps(scale)));
    else _mm256_stream_pd(to + 4 * half, _mm256_mul_pd(_mm256_loadu_pd(from + 4 * half), _mm256_set1_pd(scale)));
  }
#elif defined(__SSE2__)
  for (int quarter = 0; quarter < 4; ++quarter) {
    if constexpr (sizeof(S) == 4) _mm_stream_ps(to + 4 * quarter, _mm_mul_ps(_mm_loadu_ps(from + 4 * quarter), _mm_set1_ps(scale)));
    else _mm_stream_pd(to + 2 * quarter, _mm_mul_pd(_mm_loadu_pd(from + 2 * quarter), _mm_set1_pd(scale)));
  }
#else
  for (unsigned i = 0; i < 64 / sizeof(S); ++i) to[i] = from[i] * scale;
#endif
}

template <class S>
void stream(const void* tile, void* destination, std::size_t count, double scale) {
  const S* const from = static_cast<const S*>(tile);
  S* const to = static_cast<S*>(destination);
  const S s = static_cast<S>(scale);
  constexpr std::size_t line = 64 / sizeof(S);
  const std::size_t misaligned = (reinterpret_cast<std::uintptr_t>(to) % 64) / sizeof(S);
  std::size_t head = misaligned == 0 ? 0 : line - misaligned;
  if (head > count) head = count;
  std::size_t i = 0;
  for (; i < head; ++i) to[i] = from[i] * s;
  for (; i + line <= count; i += line) stream_line(to + i, from + i, s);
  for (; i < count; ++i) to[i] = from[i] * s;
}

template <class S>
void scatter_add(const void* tile, double* base, const strided_run& run) {
  const S* const in = static_cast<const S*>(tile);
  char* const to = reinterpret_cast<char*>(base);
  for_each_row(run, [&](std::ptrdiff_t offset, std::ptrdiff_t stride, std::size_t first, std::size_t n) {
    double* const p = reinterpret_cast<double*>(to + offset);
    const S* const x = in + first;
    if (stride == 0) {
      // Eight sums, so that the additions need not wait for one another; their order is fixed.
      double sums[8] = {};
      std::size_t i = 0;
      for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; ++k) sums[k] += static_cast<double>(x[i + static_cast<std::size_t>(k)]);
      for (; i < n; ++i) sums[0] += static_cast<double>(x[i]);
      *p += ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
    } else {
      const std::ptrdiff_t step = stride / static_cast<std::ptrdiff_t>(sizeof(double));
      if (step == 1) {
#pragma GCC ivdep
        for (std::size_t i = 0; i < n; ++i) p[i] += static_cast<double>(x[i]);
      } else {
        for (std::size_t i = 0; i < n; ++i) p[static_cast<std::ptrdiff_t>(i) * step] += static_cast<double>(x[i]);
      }
    }
  });
}

}  // namespace
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

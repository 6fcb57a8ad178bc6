// Between the arrays of a call and tiles of its rows: where memory already is a tile it is used in place.
#pragma once

#include "engine/rows/view.hpp"

namespace fastloss {

// The rows that a tile has: `first` in C order over the row axes, `count` of them, `padded` to whole packs.
struct row_range {
  std::size_t first, count, padded;
};

class row_memory {
 public:
  row_memory(const rows_of_call& job, const row_range& rows) : job_(job), rows_(rows) {}

  bool row_contiguous() const { return job_.how == arrangement::row_contiguous; }
  // Rows that kernels see: lanes are whole packs where they are rows.
  row_extent extent() const { return {row_contiguous() ? rows_.padded : rows_.count, job_.classes}; }
  std::ptrdiff_t tile_stride() const { return static_cast<std::ptrdiff_t>(row_contiguous() ? rows_.padded : job_.classes); }
  row_tile tile_at(void* memory) const { return {memory, tile_stride()}; }

  char* first_row(const row_view& w) const {
    char* p = w.base;
    std::size_t rest = rows_.first;
    for (int axis = job_.rank - 1; axis >= 0; --axis) {
      const std::size_t extent = static_cast<std::size_t>(job_.shape[axis]);
      p += static_cast<std::ptrdiff_t>(rest % extent) * w.strides[axis];
      rest /= extent;
    }
    return p;
  }

  strided_run row_run(const row_view& w) const { return {job_.rank, job_.shape, w.strides, rows_.first, rows_.count}; }

  // One number for each row, `padding` behind them.
  void load_rows(const row_view& w, void* to, double padding) const {
    job_.tiles->load[static_cast<int>(w.type)][w.byteswapped](to, w.base, row_run(w));
    pad_rows(to, padding);
  }
  void pad_rows(void* numbers, double padding) const {
    char* const end = static_cast<char*>(numbers) + rows_.count * job_.item;
    if (rows_.count != rows_.padded) job_.tiles->fill(end, padding, rows_.padded - rows_.count);
  }
  void store_rows(const void* from, const row_view& w) const {
    job_.tiles->store[static_cast<int>(w.type)][w.byteswapped](from, w.base, row_run(w), 1.0, false);
  }

  // The tile that the array is, or a copy of it in `memory`.
  row_tile load(const class_view& w, void* memory) const {
    if (is_tile(w)) return in_place(w);
    const row_tile tile = tile_at(memory);
    if (w.transposes) {
      const std::ptrdiff_t stride = w.strides[0] / static_cast<std::ptrdiff_t>(job_.item);
      job_.rows->transpose_in(first_row(w), stride, {rows_.count, job_.classes}, tile);
    } else {
      gather(w, tile);
    }
    if (row_contiguous() && rows_.count != rows_.padded)
      for (std::size_t c = 0; c < job_.classes; ++c) pad_rows(row_of_class(tile, c), 0.0);
    return tile;
  }

  // Where a result goes at once, or a tile in `memory` that store() then takes there.
  row_tile destination(const class_view& w, void* memory) const { return is_tile(w) ? in_place(w) : tile_at(memory); }
  bool streams(const class_view& w) const { return w.streams && is_tile(w); }

  // How far ahead of a tile in the caller's memory the next scores should be on their way; 0 where they are not there. Measured:
  // without it a thread either waits for memory or computes, and takes almost twice the time.
  std::size_t ahead(const class_view& w, row_tile tile) const {
    if (!is_tile(w) || tile.data != first_row(w) || job_.rank == 0) return 0;
    const std::size_t row_bytes = static_cast<std::size_t>(tile.stride) * job_.item;
    return row_contiguous() ? rows_.count * job_.item : (bytes_ahead + row_bytes - 1) / row_bytes * row_bytes;
  }

  void store(const class_view& w, row_tile tile) const {
    if (is_tile(w)) return;
    if (w.transposes) {
      const std::ptrdiff_t stride = w.strides[0] / static_cast<std::ptrdiff_t>(job_.item);
      job_.rows->transpose_out(tile, {rows_.count, job_.classes}, first_row(w), stride);
      return;
    }
    const auto put = job_.tiles->store[static_cast<int>(w.type)][w.byteswapped];
    if (row_contiguous()) {
      for (std::size_t c = 0; c < job_.classes; ++c)
        put(row_of_class(tile, c), w.base + static_cast<std::ptrdiff_t>(c) * w.class_stride, row_run(w), 1.0, w.accumulates);
      return;
    }
    std::ptrdiff_t strides[max_rank + 1];
    put(tile.data, w.base, class_run(w, strides), 1.0, w.accumulates);
  }

  bool nonfinite(row_tile tile) const {
    if (!row_contiguous()) return job_.tiles->nonfinite(tile.data, rows_.count * job_.classes);
    for (std::size_t c = 0; c < job_.classes; ++c)
      if (job_.tiles->nonfinite(row_of_class(tile, c), rows_.count)) return true;
    return false;
  }

  // All classes of the rows, row by row; `strides` has room for one more than the rows' axes.
  strided_run class_run(const class_view& w, std::ptrdiff_t* strides) const {
    for (int axis = 0; axis < job_.rank; ++axis) strides[axis] = w.strides[axis];
    strides[job_.rank] = w.class_stride;
    return {job_.rank + 1, job_.shape, strides, rows_.first * job_.classes, rows_.count * job_.classes};
  }

 private:
  static constexpr std::size_t bytes_ahead = 12288;

  bool is_tile(const class_view& w) const { return w.in_place && (!row_contiguous() || rows_.count == rows_.padded); }

  row_tile in_place(const class_view& w) const {
    const std::ptrdiff_t bytes = row_contiguous() ? w.class_stride : job_.rank == 0 ? 0 : w.strides[0];
    return {first_row(w), bytes / static_cast<std::ptrdiff_t>(job_.item)};
  }

  char* row_of_class(row_tile tile, std::size_t c) const { return static_cast<char*>(tile.data) + c * rows_.padded * job_.item; }

  void gather(const class_view& w, row_tile tile) const {
    const auto get = job_.tiles->load[static_cast<int>(w.type)][w.byteswapped];
    if (row_contiguous()) {
      for (std::size_t c = 0; c < job_.classes; ++c)
        get(row_of_class(tile, c), w.base + static_cast<std::ptrdiff_t>(c) * w.class_stride, row_run(w));
      return;
    }
    std::ptrdiff_t strides[max_rank + 1];
    get(tile.data, w.base, class_run(w, strides));
  }

  const rows_of_call& job_;
  const row_range rows_;
};

}  // namespace fastloss

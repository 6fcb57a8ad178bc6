// A task is a tile of the product and a slice of the depth. It packs its own panels, some hundred steps of the depth at a time. Some
// panels are packed by several tasks then, but tasks wait for one another only once or twice in all. Panels that all threads
// share, packed block by block, were no faster on an idle machine and took up to twice the time beside other processes, as every
// block had to wait for the slowest thread.
#include "fastloss/engine/matrix_product.hpp"

#include <algorithm>
#include <cstdint>
#include <new>

#include "engine/memory/scratch.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

constexpr std::size_t alignment = 64;  // a line, and the widest register
// Panels of a tile and of one step of packing fill most of an L2 cache of 1 MiB.
constexpr std::size_t tile_rows = 384, tile_columns = 512;
constexpr std::size_t packed_depth = 256;
// Products of few tiles are cut along the depth, too; the sums of slices take memory, and are added in order.
constexpr std::size_t enough_tasks = 16, least_slice = 1024;
constexpr std::size_t most_slice_bytes = std::size_t{10} << 20;
constexpr double operations_per_nanosecond = 100.0;  // estimated, of one thread: decides about threads alone

constexpr std::size_t ceiling(std::size_t a, std::size_t b) { return (a + b - 1) / b; }
constexpr std::size_t round_up(std::size_t a, std::size_t multiple) { return ceiling(a, multiple) * multiple; }

// `length` cut into equal parts of at most `most`, each but the last a multiple of `multiple`. Nothing is one empty part.
struct cut {
  std::size_t length, part;
  cut(std::size_t n, std::size_t most, std::size_t multiple) : length(n) {
    const std::size_t longest = std::max(most - most % multiple, multiple);
    part = n == 0 ? 1 : round_up(ceiling(n, ceiling(n, longest)), multiple);
  }
  std::size_t count() const { return length == 0 ? 1 : ceiling(length, part); }
  std::size_t start(std::size_t i) const { return i * part; }
  std::size_t size(std::size_t i) const { return std::min(part, length - i * part); }
};

// One of the operands, as lines (rows of the left one, columns of the right one) times the depth.
struct lines_of {
  const matrix& source;  // a line is a row of it
  std::size_t panel_lines;
  pack_kernel pack;
  bool native;  // of the computation dtype, in steps of whole numbers
};

class product {
 public:
  product(const product_target& to, const matrix& left, const matrix& right_transposed, dtype computation, int threads)
      : to_(to),
        wide_(computation == dtype::float64),
        size_(itemsize(computation)),
        tiles_(active_kernels().tiles[wide_]),
        kernels_(active_kernels().products[wide_]),
        threads_(threads),
        left_(operand(left, kernels_.left_lines, kernels_.pack_left)),
        right_(operand(right_transposed, kernels_.right_lines, kernels_.pack_right)),
        rows_(left.rows, tile_rows, kernels_.left_lines),
        columns_(right_transposed.rows, tile_columns, kernels_.right_lines),
        slices_(left.columns, slice_depth(left.columns), 1) {}

  void run(product_workspace& workspace) {
    const std::size_t numbers = rows_.length * columns_.length, slices = slices_.count(), tiles = rows_.count() * columns_.count();
    sums_ = slices > 1 ? static_cast<std::byte*>(workspace.get((slices - 1) * numbers * size_)) : nullptr;
    const double operations = 2.0 * static_cast<double>(numbers) * static_cast<double>(slices_.length);
    parallel_for(tiles * slices, operations / operations_per_nanosecond, threads_,
                 [&](std::size_t i) { run_task(i / slices, i % slices); });
    if (slices == 1) return;
    parallel_for(rows_.length, static_cast<double>(numbers * slices) * 0.2, threads_, [&](std::size_t row) {
      std::byte* const to = static_cast<std::byte*>(to_.data) + row * to_.stride * size_;
      for (std::size_t s = 0; s + 1 < slices; ++s) {
        const std::byte* const from = sums_ + (s * rows_.length + row) * columns_.length * size_;
        const std::ptrdiff_t extent = static_cast<std::ptrdiff_t>(columns_.length), step = static_cast<std::ptrdiff_t>(size_);
        tiles_.store[static_cast<int>(wide_ ? dtype::float64 : dtype::float32)][0](from, to, {1, &extent, &step, 0, columns_.length}, 1.0,
                                                                                   true);
      }
    });
  }

 private:
  lines_of operand(const matrix& m, std::size_t panel_lines, pack_kernel kernel) const {
    const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(size_);
    const bool native = m.type == (wide_ ? dtype::float64 : dtype::float32) && !m.byteswapped && m.row_stride % size == 0 &&
                        m.column_stride % size == 0 && reinterpret_cast<std::uintptr_t>(m.data) % size_ == 0;
    return {m, panel_lines, kernel, native};
  }

  // Depends on the shape alone, and so do the bits of the product.
  std::size_t slice_depth(std::size_t depth) const {
    const std::size_t tiles = std::max<std::size_t>(rows_.count() * columns_.count(), 1);
    const std::size_t bytes = std::max<std::size_t>(rows_.length * columns_.length * size_, 1);
    const std::size_t most = std::min(depth / least_slice, most_slice_bytes / bytes + 1);
    const std::size_t slices = std::clamp<std::size_t>(ceiling(enough_tasks, tiles), 1, std::max<std::size_t>(most, 1));
    return std::max<std::size_t>(ceiling(depth, slices), 1);
  }

  void run_task(std::size_t tile, std::size_t slice) const {
    const std::size_t i = tile % rows_.count(), j = tile / rows_.count();
    const std::size_t row = rows_.start(i), rows = rows_.size(i), column = columns_.start(j), columns = columns_.size(j);
    const cut depths(slices_.size(slice), packed_depth, 1);
    const std::size_t left_bytes = round_up(round_up(rows, left_.panel_lines) * depths.part * size_, alignment);
    const std::size_t right_bytes = round_up(columns, right_.panel_lines) * depths.part * size_;
    static thread_local row_scratch scratch;
    char* const left = scratch.at_least(left_bytes + right_bytes);
    char* const right = left + left_bytes;
    product_task t{};
    if (slice == 0) {
      t.result = static_cast<std::byte*>(to_.data) + (row * to_.stride + column) * size_;
      t.stride = to_.stride;
      t.first = to_.first == nullptr ? nullptr : static_cast<const std::byte*>(to_.first) + column * size_;
      t.accumulate = to_.accumulate;
    } else {
      t.result = sums_ + (((slice - 1) * rows_.length + row) * columns_.length + column) * size_;
      t.stride = columns_.length;
    }
    t.left = left;
    t.right = right;
    t.rows = rows;
    t.columns = columns;
    for (std::size_t k = 0; k < depths.count(); ++k) {
      t.depth = depths.size(k);
      pack(left_, left, row, rows, slices_.start(slice) + depths.start(k), t.depth);
      pack(right_, right, column, columns, slices_.start(slice) + depths.start(k), t.depth);
      kernels_.multiply(t);
      t.accumulate = true;
    }
  }

  void pack(const lines_of& o, char* to, std::size_t line, std::size_t lines, std::size_t depth_start, std::size_t depth) const {
    const matrix& m = o.source;
    const char* const from = static_cast<const char*>(m.data) + static_cast<std::ptrdiff_t>(line) * m.row_stride +
                             static_cast<std::ptrdiff_t>(depth_start) * m.column_stride;
    const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(size_);
    if (o.native) {
      o.pack(to, from, m.row_stride / size, m.column_stride / size, lines, depth);
      return;
    }
    for (std::size_t i = 0; i < lines; i += o.panel_lines)
      convert(o, to + i * depth * size_, from + static_cast<std::ptrdiff_t>(i) * m.row_stride, std::min(o.panel_lines, lines - i), depth);
  }

  // One panel from numbers of another dtype, a few steps of the depth at a time.
  void convert(const lines_of& o, char* to, const char* from, std::size_t lines, std::size_t depth) const {
    constexpr std::size_t steps = 64, most_lines = 32;
    alignas(alignment) std::byte numbers[most_lines * steps * sizeof(double)];
    const matrix& m = o.source;
    for (std::size_t k = 0; k < depth; k += steps) {
      const std::size_t n = std::min(steps, depth - k);
      const std::ptrdiff_t shape[2] = {static_cast<std::ptrdiff_t>(lines), static_cast<std::ptrdiff_t>(n)};
      const std::ptrdiff_t strides[2] = {m.row_stride, m.column_stride};
      tiles_.load[static_cast<int>(m.type)][m.byteswapped](numbers, from + static_cast<std::ptrdiff_t>(k) * m.column_stride,
                                                           {2, shape, strides, 0, lines * n});
      o.pack(to + k * o.panel_lines * size_, numbers, static_cast<std::ptrdiff_t>(n), 1, lines, n);
    }
  }

  const product_target to_;
  const int wide_;
  const std::size_t size_;
  const tile_operations& tiles_;
  const product_operations& kernels_;
  const int threads_;
  const lines_of left_, right_;
  const cut rows_, columns_, slices_;
  std::byte* sums_ = nullptr;  // of all slices but the first
};

}  // namespace

void product_workspace::release::operator()(std::byte* p) const { ::operator delete(p, std::align_val_t{alignment}); }

void* product_workspace::get(std::size_t bytes) {
  if (bytes > bytes_) {
    memory_.reset();
    bytes_ = 0;
    memory_.reset(static_cast<std::byte*>(::operator new(bytes, std::align_val_t{alignment})));
    bytes_ = bytes;
  }
  return memory_.get();
}

void multiply_matrices(const product_target& to, const matrix& left, const matrix& right, dtype computation, int threads,
                       product_workspace& workspace) {
  if (left.rows == 0 || right.columns == 0) return;
  const matrix lines = right.transposed();
  product(to, left, lines, computation, threads).run(workspace);
}

}  // namespace fastloss

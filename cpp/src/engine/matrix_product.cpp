#include "fastloss/engine/matrix_product.hpp"

#include <algorithm>
#include <new>

#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

constexpr std::size_t alignment = 64;
// A block of the product: what is packed at a time. The panels of one fill a few MiB.
constexpr std::size_t most_depth = 1024;
constexpr std::size_t most_panel_bytes = std::size_t{4} << 20;  // of either operand
// What a thread is handed: about 0.1 ms of multiplication, whose panels stay in its L2 cache.
constexpr std::size_t task_rows = 128;
constexpr std::size_t task_columns = 128;
constexpr double operations_per_nanosecond = 100.0;
constexpr double nanoseconds_to_pack = 0.3;

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

// One of the operands: lines (rows of the left one, columns of the right one) times the depth.
struct packed_operand {
  const matrix* source;  // a line is a row of it
  cut lines;
  std::size_t panel_lines;
  std::size_t unit;  // lines that are packed at a time
  pack_kernel pack;
  bool native;             // of the computation dtype, in steps of whole numbers
  std::byte* panels[2]{};  // of this block and of the next one

  // Blocks whose panels are the same follow one another, and share them.
  std::size_t line_block = ~std::size_t{0}, depth_block = ~std::size_t{0};
  int current = 0;
};

class product {
 public:
  product(const product_target& to, const matrix& left, const matrix& right_transposed, dtype computation, int threads,
          product_workspace& workspace)
      : to_(to),
        wide_(computation == dtype::float64),
        size_(itemsize(computation)),
        tiles_(active_kernels().tiles[wide_]),
        kernels_(active_kernels().products[wide_]),
        threads_(threads),
        depth_(left.columns, most_depth, 1),
        left_(operand(left, kernels_.left_lines, kernels_.pack_left)),
        right_(operand(right_transposed, kernels_.right_lines, kernels_.pack_right)) {
    const std::size_t left_bytes = panel_bytes(left_), right_bytes = panel_bytes(right_);
    std::byte* memory = static_cast<std::byte*>(workspace.get(2 * (left_bytes + right_bytes)));
    for (int i = 0; i < 2; ++i) {
      left_.panels[i] = memory + static_cast<std::size_t>(i) * left_bytes;
      right_.panels[i] = memory + 2 * left_bytes + static_cast<std::size_t>(i) * right_bytes;
    }
  }

  // While one block is multiplied, the next one is packed: packing waits for memory, multiplication for arithmetic.
  void run() {
    const std::size_t blocks = depth_.count() * left_.lines.count() * right_.lines.count();
    for (std::size_t next = 0; next <= blocks; ++next) {
      const block done = this_;
      const bool multiplies = next > 0;
      std::size_t left_units = 0, right_units = 0;
      const int left_of = left_.current, right_of = right_.current;
      if (next < blocks) {
        this_ = at(next);
        left_units = advance(left_, this_.left);
        right_units = advance(right_, this_.right);
      }
      const cut rows(multiplies ? left_.lines.size(done.left) : 0, task_rows, kernels_.left_lines);
      const cut columns(multiplies ? right_.lines.size(done.right) : 0, task_columns, kernels_.right_lines);
      const std::size_t units = left_units + right_units, tasks = multiplies ? rows.count() * columns.count() : 0;
      double work = 0;
      if (multiplies)
        work += 2.0 * static_cast<double>(rows.length) * static_cast<double>(columns.length) *
                static_cast<double>(depth_.size(done.depth)) / operations_per_nanosecond;
      if (units > 0)
        work += nanoseconds_to_pack * static_cast<double>(depth_.size(this_.depth)) *
                static_cast<double>((left_units > 0 ? left_.lines.size(this_.left) : 0) +
                                    (right_units > 0 ? right_.lines.size(this_.right) : 0));
      parallel_for(units + tasks, work, threads_, [&](std::size_t i) {
        if (i < left_units) pack(left_, i);
        else if (i < units) pack(right_, i - left_units);
        else multiply(done, left_.panels[left_of], right_.panels[right_of], rows, columns, i - units);
      });
    }
  }

 private:
  struct block {
    std::size_t depth = 0, left = 0, right = 0;
  };

  packed_operand operand(const matrix& m, std::size_t panel_lines, pack_kernel kernel) const {
    const std::size_t most = most_panel_bytes / (depth_.part * size_);
    const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(size_);
    const bool native = m.type == (wide_ ? dtype::float64 : dtype::float32) && !m.byteswapped && m.row_stride % size == 0 &&
                        m.column_stride % size == 0 && reinterpret_cast<std::uintptr_t>(m.data) % size_ == 0;
    return {&m, cut(m.rows, most, panel_lines), panel_lines, round_up(64, panel_lines), kernel, native};
  }

  std::size_t panel_bytes(const packed_operand& o) const {
    return round_up(round_up(o.lines.part, o.panel_lines) * depth_.part * size_, alignment);
  }

  // The smaller operand's panels stay while those of the larger one pass by.
  block at(std::size_t i) const {
    block b;
    const std::size_t lefts = left_.lines.count(), rights = right_.lines.count();
    if (lefts > rights) {
      b.left = i % lefts;
      i /= lefts;
      b.right = i % rights;
      b.depth = i / rights;
    } else {
      b.right = i % rights;
      i /= rights;
      b.left = i % lefts;
      b.depth = i / lefts;
    }
    return b;
  }

  // Moves on to the panels of the next block; the number of units that are to be packed for it.
  std::size_t advance(packed_operand& o, std::size_t line_block) {
    if (o.line_block == line_block && o.depth_block == this_.depth) return 0;
    o.line_block = line_block;
    o.depth_block = this_.depth;
    o.current ^= 1;
    return ceiling(o.lines.size(line_block), o.unit);
  }

  void pack(const packed_operand& o, std::size_t unit) const {
    const matrix& m = *o.source;
    const std::size_t depth = depth_.size(o.depth_block), start = unit * o.unit;
    const std::size_t count = std::min(o.unit, o.lines.size(o.line_block) - start);
    const char* const from = static_cast<const char*>(m.data) +
                             static_cast<std::ptrdiff_t>(o.lines.start(o.line_block) + start) * m.row_stride +
                             static_cast<std::ptrdiff_t>(depth_.start(o.depth_block)) * m.column_stride;
    std::byte* const to = o.panels[o.current] + start * depth * size_;
    const std::ptrdiff_t size = static_cast<std::ptrdiff_t>(size_);
    if (o.native) {
      o.pack(to, from, m.row_stride / size, m.column_stride / size, count, depth);
      return;
    }
    for (std::size_t line = 0; line < count; line += o.panel_lines)
      convert(o, to + line * depth * size_, from + static_cast<std::ptrdiff_t>(line) * m.row_stride, std::min(o.panel_lines, count - line),
              depth);
  }

  // One panel from numbers of another dtype, a few steps of the depth at a time.
  void convert(const packed_operand& o, std::byte* to, const char* from, std::size_t lines, std::size_t depth) const {
    constexpr std::size_t steps = 64, most_lines = 32;
    alignas(alignment) std::byte numbers[most_lines * steps * sizeof(double)];
    const matrix& m = *o.source;
    for (std::size_t k = 0; k < depth; k += steps) {
      const std::size_t n = std::min(steps, depth - k);
      const std::ptrdiff_t shape[2] = {static_cast<std::ptrdiff_t>(lines), static_cast<std::ptrdiff_t>(n)};
      const std::ptrdiff_t strides[2] = {m.row_stride, m.column_stride};
      tiles_.load[static_cast<int>(m.type)][m.byteswapped](numbers, from + static_cast<std::ptrdiff_t>(k) * m.column_stride,
                                                           {2, shape, strides, 0, lines * n});
      o.pack(to + k * o.panel_lines * size_, numbers, static_cast<std::ptrdiff_t>(n), 1, lines, n);
    }
  }

  void multiply(const block& b, const std::byte* left, const std::byte* right, const cut& rows, const cut& columns,
                std::size_t task) const {
    const std::size_t i = task % rows.count(), j = task / rows.count(), depth = depth_.size(b.depth);
    const std::size_t row = left_.lines.start(b.left) + rows.start(i), column = right_.lines.start(b.right) + columns.start(j);
    product_task t;
    t.result = static_cast<std::byte*>(to_.data) + (row * to_.stride + column) * size_;
    t.stride = to_.stride;
    t.left = left + rows.start(i) * depth * size_;
    t.right = right + columns.start(j) * depth * size_;
    t.rows = rows.size(i);
    t.columns = columns.size(j);
    t.depth = depth;
    t.first = to_.first == nullptr ? nullptr : static_cast<const std::byte*>(to_.first) + column * size_;
    t.accumulate = to_.accumulate || b.depth > 0;
    kernels_.multiply(t);
  }

  const product_target to_;
  const int wide_;
  const std::size_t size_;
  const tile_operations& tiles_;
  const product_operations& kernels_;
  const int threads_;
  const cut depth_;
  packed_operand left_, right_;
  block this_{};
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
  product(to, left, lines, computation, threads, workspace).run();
}

}  // namespace fastloss

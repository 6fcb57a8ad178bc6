// Axis by axis, in place in an array of squared distances of one mask: along memory first, then in blocks of neighbouring lines, each
// block copied to where its lines are contiguous. Many small masks are shared out whole; of large ones, the lines.
#include "fastloss/engine/signed_distance.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <mutex>
#include <string>

#include "engine/call/messages.hpp"
#include "engine/distance_transform/job.hpp"
#include "engine/distance_transform/line.hpp"
#include "engine/memory/layout.hpp"
#include "engine/memory/scratch.hpp"
#include "engine/memory/scratch_block.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/runtime/floating_point.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"

namespace fastloss {
namespace {

constexpr std::size_t tile = 1024;                         // elements that are converted at a time
constexpr std::size_t piece = 16384;                       // pixels that a thread is handed at a time
constexpr std::size_t most_of_own = std::size_t{4} << 20;  // bytes of squared distances that a thread may have for itself
constexpr std::size_t most_packed = std::size_t{2} << 20;  // bytes of a block that are copied
constexpr double check_ns = 0.2, first_ns = 1.0, line_ns = 6.0, finish_ns = 0.7;  // of a pixel, estimated: decides about threads alone

constexpr std::size_t ceiling(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

// A number of a mask that is neither 0 nor 1, as it was when it was found.
struct wrong_number {
  std::size_t place;
  char bytes[sizeof(double)];
};

[[noreturn]] void fail(const const_array& mask, const wrong_number& wrong) {
  std::ptrdiff_t index[max_rank];
  index_at(wrong.place, mask.rank, mask.shape, index);
  double number;
  active_kernels().tiles[1].load[static_cast<int>(mask.type)][mask.byteswapped](&number, wrong.bytes, {0, nullptr, nullptr, 0, 1});
  throw value_error("signed_distance: mask must have no number but 0 and 1, got " +
                    (is_floating(mask.type) ? number_text(number, mask.type) : integer_text(wrong.bytes, mask.type, mask.byteswapped)) +
                    " at index " + shape_text(mask.rank, index));
}

// Throws unless every number of the mask is 0 or 1; the first that is not is named, whatever thread finds one.
void check_mask(const const_array& mask, int threads) {
  if (mask.type == dtype::boolean) return;
  // No other integer becomes 0 or 1 in float32, but numbers of float64 may.
  const tile_operations& tiles = active_kernels().tiles[mask.type == dtype::float64];
  const load_kernel load = tiles.load[static_cast<int>(mask.type)][mask.byteswapped];
  const domain zero_or_one{.lower = 0.0, .upper = 1.0, .ends_only = true};
  const auto has_wrong = [&](const void* from, const strided_run& run) {
    alignas(64) double numbers[tile] = {};
    load(numbers, from, run);
    return tiles.outside(numbers, zero_or_one, tile) || tiles.nonfinite(numbers, run.count);
  };
  const std::size_t count = element_count(mask.rank, mask.shape);
  wrong_number first{count, {}};
  std::mutex first_lock;
  // None, where another thread has changed the mask meanwhile.
  const auto name_wrong = [&](std::size_t start, std::size_t n) {
    for (std::size_t place = start; place < start + n; ++place) {
      std::ptrdiff_t index[max_rank];
      index_at(place, mask.rank, mask.shape, index);
      const char* at = static_cast<const char*>(mask.data);
      for (int i = 0; i < mask.rank; ++i) at += index[i] * mask.strides[i];
      wrong_number found{place, {}};
      std::memcpy(found.bytes, at, itemsize(mask.type));
      if (!has_wrong(found.bytes, {0, nullptr, nullptr, 0, 1})) continue;
      const std::lock_guard lock(first_lock);
      if (place < first.place) first = found;
      return true;
    }
    return false;
  };
  parallel_for(ceiling(count, piece), check_ns * static_cast<double>(count), threads, [&](std::size_t p) {
    for (std::size_t start = p * piece, end = std::min(count, start + piece); start < end; start += tile) {
      const std::size_t n = std::min(tile, end - start);
      if (has_wrong(mask.data, {mask.rank, mask.shape, mask.strides, start, n}) && name_wrong(start, n)) return;
    }
  });
  if (first.place < count) fail(mask, first);
}

template <class T>
class transform {
 public:
  explicit transform(const distance_job& job)
      : job_(job),
        axes_(job.pixels),
        pixels_(axes_.count()),
        last_(axes_.rank - 1),
        load_(active_kernels().tiles[0].load[static_cast<int>(job.mask.type)][job.mask.byteswapped]),
        kernels_(active_kernels().distances[sizeof(T) == sizeof(double)]),
        store_(active_kernels().tiles[1].store[static_cast<int>(job.out.type)][job.out.byteswapped]) {}

  void run() const {
    const std::size_t masks = job_.masks.count();
    const std::size_t threads = static_cast<std::size_t>(job_.threads > 0 ? job_.threads : get_num_threads());
    if (pixels_ * sizeof(T) <= most_of_own && masks >= 2 * threads) {
      parallel_for(masks, static_cast<double>(masks) * cost_ns(), job_.threads, [&](std::size_t mask) {
        static thread_local row_scratch scratch;
        T* const squares = reinterpret_cast<T*>(scratch.at_least(pixels_ * sizeof(T)));
        measure(mask, squares, [](std::size_t count, double, const auto& body) {
          for (std::size_t i = 0; i < count; ++i) body(i);
        });
      });
      return;
    }
    scratch_block memory;
    memory.allocate(pixels_ * sizeof(T));
    T* const squares = reinterpret_cast<T*>(memory.data());
    for (std::size_t mask = 0; mask < masks; ++mask)
      measure(mask, squares, [&](std::size_t count, double ns, const auto& body) { parallel_for(count, ns, job_.threads, body); });
  }

 private:
  using squares_of = fastloss::squares<T>;
  static constexpr std::size_t row = distance_row_bytes / sizeof(T);  // neighbouring lines

  double cost_ns() const { return (first_ns + line_ns * last_ + finish_ns) * static_cast<double>(pixels_); }
  std::size_t extent(int axis) const { return static_cast<std::size_t>(axes_.shape[axis]); }

  template <class Spread>
  void measure(std::size_t mask, T* squares, const Spread& spread) const {
    std::ptrdiff_t index[max_rank];
    index_at(mask, job_.masks.rank, job_.masks.shape, index);
    const char* from = static_cast<const char*>(job_.mask.data);
    char* to = static_cast<char*>(job_.out.data);
    for (int i = 0; i < job_.masks.rank; ++i) {
      from += index[i] * job_.masks.mask_strides[i];
      to += index[i] * job_.masks.out_strides[i];
    }
    const double pixels = static_cast<double>(pixels_);
    const std::size_t lines = pixels_ / extent(last_), lines_of_piece = std::max<std::size_t>(1, piece / extent(last_));
    spread(ceiling(lines, lines_of_piece), first_ns * pixels, [&](std::size_t p) {
      for (std::size_t line = p * lines_of_piece, end = std::min(lines, line + lines_of_piece); line < end; ++line)
        measure_first(from, squares, line);
    });
    for (int axis = last_ - 1; axis >= 0; --axis) {
      if (extent(axis) == 1) continue;
      const std::size_t apart = element_count(last_ - axis, axes_.shape + axis + 1);
      const std::size_t blocks = ceiling(apart, row);
      spread(pixels_ / (extent(axis) * apart) * blocks, line_ns * pixels,
             [&](std::size_t b) { measure_block(axis, squares + b / blocks * extent(axis) * apart, apart, b % blocks * row); });
    }
    spread(ceiling(pixels_, piece), finish_ns * pixels, [&](std::size_t p) {
      for (std::size_t start = p * piece, end = std::min(pixels_, start + piece); start < end; start += tile)
        finish(squares, to, start, std::min(tile, end - start));
    });
  }

  // A line along memory. What is not 0 counts as 1, should the mask have changed since it was checked.
  void measure_first(const char* mask, T* squares, std::size_t line) const {
    std::ptrdiff_t index[max_rank];
    index_at(line, last_, axes_.shape, index);
    for (int i = 0; i < last_; ++i) mask += index[i] * axes_.mask_strides[i];
    const std::size_t count = extent(last_);
    T* const to = squares + line * count;
    const T step = static_cast<T>(job_.steps[last_]);
    float numbers[tile];
    bool inside = false;
    std::size_t first = 0;
    for (std::size_t start = 0; start < count; start += tile) {
      const std::size_t n = std::min(tile, count - start);
      load_(numbers, mask, {1, axes_.shape + last_, axes_.mask_strides + last_, start, n});
      if (start == 0) inside = numbers[0] != 0.0f;
      for (std::size_t i = 0; i < n; ++i) {
        if ((numbers[i] != 0.0f) == inside) continue;
        measure_run(to, first, start + i, count, inside, step);
        first = start + i;
        inside = !inside;
      }
    }
    measure_run(to, first, count, count, inside, step);
  }

  // Neighbouring lines along an axis, whose pixels are `apart` numbers from one another. Copied to rows and back: lines of a power of two
  // of bytes apart have few places in a cache. Rows are whole, however few the lines are, so that they might take a multiple of the
  // memory of a mask that is long and narrow.
  void measure_block(int axis, T* squares, std::size_t apart, std::size_t first) const {
    const std::size_t count = extent(axis), lines = std::min(row, apart - first), numbers = count * row;
    static thread_local row_scratch scratch;
    if (numbers * sizeof(T) > most_packed && numbers > pixels_ / 4) {
      T* const memory = reinterpret_cast<T*>(scratch.at_least(envelope_bytes(count)));
      measure_lines(squares + first, squares + first, apart, lines, count, static_cast<T>(job_.steps[axis]), memory);
      scratch.trim();
      return;
    }
    T* const rows =
        reinterpret_cast<T*>(scratch.at_least(2 * numbers * sizeof(T) + std::max(distance_memory(count), envelope_bytes(count))));
    T* const measured = rows + numbers;
    T* const block = squares + first;
    for (std::size_t i = 0; i < count; ++i) {
      std::copy_n(block + i * apart, lines, rows + i * row);
      std::fill_n(rows + i * row + lines, row - lines, block[i * apart]);
    }
    if (!kernels_.measure_near(rows, measured, count, job_.steps[axis], measured + numbers))
      measure_lines(rows, measured, row, lines, count, static_cast<T>(job_.steps[axis]), measured + numbers);
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t line = 0; line < lines; ++line) block[i * apart + line] = measured[i * row + line];
    scratch.trim();
  }

  static std::size_t envelope_bytes(std::size_t count) {
    return (2 * count + 2) * sizeof(T) + (count + 2) * sizeof(typename squares_of::index);
  }

  // One line after the other, whose pixels are `apart` numbers from one another, in `memory` of so many bytes.
  static void measure_lines(const T* from, T* to, std::size_t apart, std::size_t lines, std::size_t count, T step, T* memory) {
    T *const line = memory, *const heights = line + count;
    const envelope<T> sites{reinterpret_cast<typename squares_of::index*>(heights + count + 2), heights};
    for (std::size_t k = 0; k < lines; ++k) {
      for (std::size_t i = 0; i < count; ++i) line[i] = from[i * apart + k];
      measure_line(line, count, step, sites);
      for (std::size_t i = 0; i < count; ++i) to[i * apart + k] = line[i];
    }
  }

  // From squares to distances, in `to`. Where the first pixel has met none of the other kind, the mask has no boundary.
  void finish(const T* squares, char* to, std::size_t start, std::size_t count) const {
    double distances[tile];
    if (squares[0] == squares_of::none || squares[0] == -squares_of::none) {
      std::fill_n(distances, count, 0.0);
    } else {
      for (std::size_t i = 0; i < count; ++i) {
        const double square = static_cast<double>(squares[start + i]), root = std::sqrt(std::fabs(square)) * job_.unit;
        distances[i] = square < 0.0 ? -root : root;
      }
    }
    store_(distances, to, {axes_.rank, axes_.shape, axes_.out_strides, start, count}, 1.0, false);
  }

  const distance_job& job_;
  const paired_axes& axes_;
  const std::size_t pixels_;  // of one mask
  const int last_;
  const load_kernel load_;
  const distance_operations& kernels_;
  const store_kernel store_;
};

// Not inlined: it belongs into the floating-point mode that its caller sets.
[[gnu::noinline]] void run(const const_array& mask, const mutable_array& out, const distance_options& options) {
  const distance_job job = check_distance_call(mask, out, options);
  if (element_count(mask.rank, mask.shape) == 0) return;
  check_mask(mask, options.threads);
  if (job.in_float) transform<float>(job).run();
  else transform<double>(job).run();
}

}  // namespace

void signed_distance(const const_array& mask, const mutable_array& out, const distance_options& options) {
  const standard_floating_point mode;
  run(mask, out, options);
}

}  // namespace fastloss

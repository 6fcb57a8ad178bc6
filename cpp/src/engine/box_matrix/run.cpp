// Passes over the pairs of a call. A pass takes the boxes of one set as rows, each of which meets all boxes of the other, the columns:
//
//   input's as rows    the value, and the gradient in input
//   target's as rows   the gradient in target
//
// so that the sum of a box's gradients belongs to one row, no sum is shared by threads, and nothing of the size of the value is needed.
#include "engine/box_matrix/run.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <vector>

#include "engine/box/domains.hpp"
#include "engine/box_matrix/job.hpp"
#include "engine/call/reduction.hpp"
#include "engine/memory/scratch.hpp"
#include "engine/memory/streaming.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// Rows of a part: preparing the columns takes about as long as two rows' pairs.
constexpr std::size_t part_rows = 64;
// Where there are fewer parts than this, rows are cut into segments of columns, whose sums are added up in order; also where there are
// more columns than a thread should walk without looking up: 2^18 of them take some 20 ms.
constexpr std::size_t enough_parts = 64;
constexpr std::size_t most_tiles = 512;
// Pairs that a kernel is handed, in whole rows: their values and factors are still in an L1 cache when they are stored.
constexpr std::size_t pairs_at_once = 1024;

constexpr std::size_t ceil_div(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

class matrix_pass {
 public:
  // `rows`: of which operand they are.
  matrix_pass(const box_matrix_job& job, int rows, bool value, bool gradient)
      : job_(job),
        rows_(rows),
        value_(value),
        gradient_(gradient),
        grad_output_(rows == 0 ? job.grad_output : job.grad_output.transposed()),
        row_count_(static_cast<std::size_t>(job.boxes[rows].shape[0])),
        column_count_(static_cast<std::size_t>(job.boxes[1 - rows].shape[0])),
        tiles_(ceil_div(column_count_, matrix_tile_boxes)),
        row_parts_(ceil_div(row_count_, part_rows)),
        segments_(std::min(std::max(ceil_div(enough_parts, std::max<std::size_t>(1, row_parts_)), ceil_div(tiles_, most_tiles)),
                           std::max<std::size_t>(1, tiles_))) {}

  void run() {
    if (gradient_ && segments_ > 1) partial_.assign(segments_ * row_count_ * upright_numbers, 0.0);
    const double cost = job_.cost_ns_per_pair * static_cast<double>(row_count_) * static_cast<double>(column_count_);
    parallel_for(row_parts_ * segments_, cost, job_.threads, [&](std::size_t part) {
      run_part(part / segments_, part % segments_);
      finish_streaming();
    });
    if (gradient_ && segments_ > 1) add_up_segments();
  }

  bool found_nonfinite() const { return nonfinite_.load(); }

 private:
  struct scratch_of_part {
    char *records, *rows, *columns, *value, *factor;
    double* sums;
  };

  scratch_of_part memory() const {
    thread_local row_scratch scratch;
    constexpr std::size_t prepared = prepared_numbers * matrix_tile_boxes, tile = pairs_at_once + most_pack;
    static_assert(prepared % most_pack == 0 && tile % most_pack == 0 && pairs_at_once >= matrix_tile_boxes);
    char* at = scratch.at_least((upright_numbers * matrix_tile_boxes + 2 * (prepared + tile)) * job_.item + sums_of_part * sizeof(double));
    const auto next = [&](std::size_t numbers) {
      char* const here = at;
      at += numbers * job_.item;
      return here;
    };
    return {
        next(upright_numbers * matrix_tile_boxes), next(prepared), next(prepared), next(tile), next(tile), reinterpret_cast<double*>(at)};
  }

  void prepare(int operand, std::size_t first, std::size_t count, char* records, char* to) const {
    const matrix_view& boxes = job_.boxes[operand];
    if (job_.in_place[operand] && count == padded_columns(count)) {
      job_.kernels->prepare(job_.formats[operand], boxes.base + upright_numbers * first * job_.item, count, to);
      return;
    }
    job_.tiles->load[static_cast<int>(boxes.type)][boxes.byteswapped](records, boxes.base, boxes.rows(first, count));
    job_.tiles->fill(records + upright_numbers * count * job_.item, 0.0, upright_numbers * (padded_columns(count) - count));
    job_.kernels->prepare(job_.formats[operand], records, padded_columns(count), to);
  }

  void run_part(std::size_t row_part, std::size_t segment) {
    const scratch_of_part m = memory();
    const std::size_t first = row_part * part_rows, rows = std::min(part_rows, row_count_ - first);
    prepare(rows_, first, rows, m.records, m.rows);
    if (gradient_) std::fill_n(m.sums, rows * upright_numbers, 0.0);
    for (std::size_t t = segment * tiles_ / segments_; t < (segment + 1) * tiles_ / segments_; ++t) {
      const std::size_t column = t * matrix_tile_boxes, columns = std::min(matrix_tile_boxes, column_count_ - column);
      prepare(1 - rows_, column, columns, m.records, m.columns);
      const std::size_t at_once = std::max<std::size_t>(1, pairs_at_once / padded_columns(columns));
      for (std::size_t r = 0; r < rows; r += at_once) run_rows(m, first, r, std::min(at_once, rows - r), column, columns);
    }
    if (!gradient_) return;
    if (segments_ == 1) store_gradient(first, rows, m.sums);
    else std::copy_n(m.sums, rows * upright_numbers, partial_.data() + (segment * row_count_ + first) * upright_numbers);
  }

  // Some rows of a part and a tile of columns.
  void run_rows(const scratch_of_part& m, std::size_t first, std::size_t r, std::size_t rows, std::size_t column, std::size_t columns) {
    box_matrix_tile tile{};
    tile.rows = m.rows;
    tile.first_row = r;
    tile.row_count = rows;
    tile.columns = m.columns;
    tile.column_count = columns;
    tile.value = value_ ? m.value : nullptr;
    tile.sums = m.sums + r * upright_numbers;
    if (gradient_ && grad_output_.base != nullptr) {
      load_factor(m, first + r, rows, column, columns);
      tile.factor = m.factor;
    }
    (!gradient_ ? job_.kernels->value : rows_ == 0 ? job_.kernels->in_input : job_.kernels->in_target)(job_.options, tile);
    if (!value_) return;
    if (job_.check_finite && job_.tiles->nonfinite(m.value, rows * columns)) nonfinite_.store(true, std::memory_order_relaxed);
    store_value(m.value, first + r, rows, column, columns);
  }

  void load_factor(const scratch_of_part& m, std::size_t row, std::size_t rows, std::size_t column, std::size_t columns) const {
    const std::size_t padded = padded_columns(columns);
    for (std::size_t i = 0; i < rows; ++i) {
      char* const to = m.factor + i * padded * job_.item;
      const char* const from = grad_output_.base + static_cast<std::ptrdiff_t>(row + i) * grad_output_.strides[0];
      job_.tiles->load[static_cast<int>(grad_output_.type)][grad_output_.byteswapped](
          to, from, {1, &grad_output_.shape[1], &grad_output_.strides[1], column, columns});
      job_.tiles->fill(to + columns * job_.item, 0.0, padded - columns);
    }
  }

  void store_value(const char* values, std::size_t row, std::size_t rows, std::size_t column, std::size_t columns) const {
    const matrix_view& to = job_.value;
    char* const base = to.base + static_cast<std::ptrdiff_t>(column) * to.strides[1];
    if (job_.streams) {
      for (std::size_t i = 0; i < rows; ++i)
        job_.tiles->stream(values + i * columns * job_.item, base + static_cast<std::ptrdiff_t>(row + i) * to.strides[0], columns, 1.0);
      return;
    }
    const std::ptrdiff_t shape[] = {to.shape[0], static_cast<std::ptrdiff_t>(columns)};
    job_.tiles->store[static_cast<int>(to.type)][to.byteswapped](values, base, {2, shape, to.strides.data(), row * columns, rows * columns},
                                                                 1.0, false);
  }

  void add_up_segments() {
    double sums[sums_of_part];
    for (std::size_t first = 0; first < row_count_; first += part_rows) {
      const std::size_t rows = std::min(part_rows, row_count_ - first), numbers = rows * upright_numbers;
      std::fill_n(sums, numbers, 0.0);
      for (std::size_t s = 0; s < segments_; ++s)
        for (std::size_t i = 0; i < numbers; ++i) sums[i] += partial_[(s * row_count_ + first) * upright_numbers + i];
      store_gradient(first, rows, sums);
    }
  }

  // From sums in corners to the gradient in the numbers of the format.
  void store_gradient(std::size_t first, std::size_t rows, double* sums) {
    using number = pack<double, 1>;
    for (std::size_t i = 0; i < rows; ++i) {
      double* const g = sums + i * upright_numbers;
      const auto in_format = kernel::gradient_in(job_.formats[rows_], record_packs<number>{{g[0], g[1], g[2], g[3]}});
      for (int k = 0; k < upright_numbers; ++k) g[k] = in_format.of[k].v;
    }
    if (job_.check_finite && !finite(sums, rows * upright_numbers)) nonfinite_.store(true, std::memory_order_relaxed);
    const matrix_view& to = job_.gradients[rows_];
    active_kernels().tiles[1].store[static_cast<int>(to.type)][to.byteswapped](sums, to.base, to.rows(first, rows), job_.flow,
                                                                               job_.accumulate);
  }

  // In the computation dtype.
  bool finite(const double* sums, std::size_t count) const {
    return std::all_of(sums, sums + count, [&](double x) {
      const double g = x * job_.flow;
      return job_.item == sizeof(double) ? std::isfinite(g) : std::isfinite(static_cast<float>(g));
    });
  }

  static constexpr std::size_t sums_of_part = part_rows * upright_numbers;

  const box_matrix_job& job_;
  const int rows_;
  const bool value_, gradient_;
  const matrix_view grad_output_;
  const std::size_t row_count_, column_count_, tiles_, row_parts_, segments_;
  std::vector<double> partial_;  // of each segment, the sums of each row
  std::atomic<bool> nonfinite_{false};
};

// Where what flows in is 0, since 0 times anything is 0, and where there are no pairs.
void store_zeros(const box_matrix_job& job, int k) {
  static constexpr double zeros[part_rows * upright_numbers]{};
  const matrix_view& to = job.gradients[k];
  const auto rows = static_cast<std::size_t>(to.shape[0]);
  for (std::size_t first = 0; first < rows; first += part_rows)
    active_kernels().tiles[1].store[static_cast<int>(to.type)][to.byteswapped](
        zeros, to.base, to.rows(first, std::min(part_rows, rows - first)), 1.0, job.accumulate);
}

}  // namespace

double run_box_matrix(const call_plan& plan, const loss_outputs& outputs, bool in_place) {
  if (plan.call().call.raise_domain) check_boxes(plan);
  box_matrix_job job;
  build_box_matrix_job(plan, outputs, in_place, job);
  bool nonfinite = false;
  const bool empty = job.boxes[0].shape[0] == 0 || job.boxes[1].shape[0] == 0;
  for (const int k : {0, 1}) {
    const bool wanted = job.gradients[k].base != nullptr, flows = job.flow != 0.0 && !empty;
    const bool value = k == 0 && !empty && job.value.base != nullptr, gradient = wanted && flows;
    if (value || gradient) {
      matrix_pass pass(job, k, value, gradient);
      pass.run();
      nonfinite |= pass.found_nonfinite();
    }
    if (wanted && !flows) store_zeros(job, k);
  }
  check_finite(plan, nonfinite);
  return 0.0;
}

}  // namespace fastloss

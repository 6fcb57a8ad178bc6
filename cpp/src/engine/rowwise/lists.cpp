#include "engine/rowwise/lists.hpp"

#include <algorithm>
#include <type_traits>

#include "engine/rowwise/passes.hpp"
#include "fastloss/runtime/threads.hpp"
#include "isa/dispatch.hpp"

namespace fastloss {
namespace {

// Class indices of one task of the check, some 20 us of work, which is worth a thread; and those that are looked at together, 4 KiB
// of int64 on the stack.
constexpr std::size_t checked_indices = 65536, indices_at_once = 512;
constexpr double cost_ns_per_index = 0.3;  // estimated, on one thread
// Indices that are read of a list before its end is looked for: a line of int64 first, then as many again as have been read, so that
// no more than twice a list is read of however many classes there are room for.
constexpr std::size_t first_read = 8;
// Lists of so few classes are read as a whole: a line or two of each row, in one call for the whole tile.
constexpr std::size_t few_classes = 32;
// Shifts of one call of the kernel: sixteen lines each of shifts, masks, values and derivatives are 4 KiB, which stay in L1.
constexpr std::size_t shifts_at_once = 16;
// Additions in a lane before a sum goes on in double: in float32 they lose at most 64 * 2^-24 = 4e-6 of it, mostly far less.
constexpr std::size_t lines_of_a_sum = 64;

bool in_range(const row_job& job, std::size_t start, std::size_t count) {
  const class_view& w = job.lists;
  std::ptrdiff_t strides[max_rank + 1];
  std::copy(w.strides, w.strides + job.rank, strides);
  strides[job.rank] = w.class_stride;
  std::int64_t labels[indices_at_once];
  bool inside = true;
  for (std::size_t done = 0; done < count; done += indices_at_once)
    inside &= active_kernels().rows[1].load_labels[static_cast<int>(w.type)][w.byteswapped](
        labels, w.base, {job.rank + 1, job.shape, strides, start + done, std::min(indices_at_once, count - done)},
        static_cast<std::int64_t>(job.classes), end_of_list);
  return inside;
}

bool is_masked(const row_job& job, std::size_t row) {
  if (job.where.base == nullptr) return false;
  double kept;
  active_kernels().tiles[1].load[static_cast<int>(job.where.type)][job.where.byteswapped](&kept, job.where.base,
                                                                                          {job.rank, job.shape, job.where.strides, row, 1});
  return kept == 0.0;
}

// The lists of a tile whose numbers are of type S: class indices are integers of that size.
template <class S>
struct lists_of_tile {
  using integer = std::conditional_t<sizeof(S) == sizeof(std::int64_t), std::int64_t, std::int32_t>;
  const void *lengths, *classes;
  std::size_t class_count;

  std::size_t length(std::size_t row) const { return static_cast<std::size_t>(static_cast<const integer*>(lengths)[row]); }
  std::ptrdiff_t at(std::size_t row, std::size_t k) const { return static_cast<const integer*>(classes)[row * class_count + k]; }
};

// Sums of terms over the classes of a row, or of a line of rows, for several shifts; all in numbers of type S.
template <class S>
class list_terms {
 public:
  static constexpr std::size_t lanes = 64 / sizeof(S);

  list_terms(const row_kernels& kernels, const void* options, bool wants_d1) : kernels_(kernels), options_(options), wants_d1_(wants_d1) {}

  // Takes away the first n shifts; then each lane may be given its own.
  void clear(std::size_t n) {
    std::fill(shifts_, shifts_ + n * lanes, S(0));
    std::fill(present_, present_ + n * lanes, S(0));
  }
  void set(std::size_t k, std::size_t lane, S shift) {
    shifts_[k * lanes + lane] = shift;
    present_[k * lanes + lane] = S(1);
  }
  void set_line(std::size_t k, S shift) {
    for (std::size_t lane = 0; lane < lanes; ++lane) set(k, lane, shift);
  }

  // For the first n shifts, over the lines of a pass that has scores, targets and derivatives.
  void run(std::size_t n, list_pass p) {
    std::fill(values_, values_ + n * lanes, 0.0);
    std::fill(d1_sums_, d1_sums_ + n * lanes, 0.0);
    const std::size_t lines = p.lines;
    p.shifts = shifts_;
    p.present = present_;
    p.shift_count = n;
    p.values = value_part_;
    p.d1_sums = d1_part_;
    for (std::size_t done = 0; done < lines; done += lines_of_a_sum) {
      p.lines = std::min(lines_of_a_sum, lines - done);
      (wants_d1_ ? kernels_.list_values_and_d1 : kernels_.list_values)(options_, p);
      if (!finite(value_part_, n * lanes)) add_line_by_line(n, p);
      else
        for (std::size_t i = 0; i < n * lanes; ++i) values_[i] += static_cast<double>(value_part_[i]);
      for (std::size_t i = 0; wants_d1_ && i < n * lanes; ++i) d1_sums_[i] += static_cast<double>(d1_part_[i]);
      const std::ptrdiff_t advanced = static_cast<std::ptrdiff_t>(p.lines);
      p.scores = static_cast<const S*>(p.scores) + advanced * p.score_stride;
      p.targets = static_cast<const S*>(p.targets) + advanced * p.target_stride;
      if (wants_d1_) p.d1 = static_cast<S*>(p.d1) + advanced * p.d1_stride;
    }
  }

  double value(std::size_t k, std::size_t lane) const { return values_[k * lanes + lane]; }
  double d1_sum(std::size_t k, std::size_t lane) const { return d1_sums_[k * lanes + lane]; }
  double value_of_line(std::size_t k) const { return sum_of_line(values_ + k * lanes); }
  double d1_sum_of_line(std::size_t k) const { return sum_of_line(d1_sums_ + k * lanes); }

 private:
  static bool finite(const S* numbers, std::size_t count) {
    bool all = true;
    for (std::size_t i = 0; i < count; ++i) all &= numbers[i] - numbers[i] == S(0);
    return all;
  }

  // Where a sum in S overflows, its terms may not.
  void add_line_by_line(std::size_t n, list_pass p) {
    const std::size_t lines = p.lines;
    p.d1 = nullptr;
    p.lines = 1;
    for (std::size_t done = 0; done < lines; ++done) {
      kernels_.list_values(options_, p);
      for (std::size_t i = 0; i < n * lanes; ++i) values_[i] += static_cast<double>(value_part_[i]);
      p.scores = static_cast<const S*>(p.scores) + p.score_stride;
      p.targets = static_cast<const S*>(p.targets) + p.target_stride;
    }
  }

  static double sum_of_line(const double* numbers) {
    double sum = 0.0;
    for (std::size_t lane = 0; lane < lanes; ++lane) sum += numbers[lane];
    return sum;
  }

  const row_kernels& kernels_;
  const void* options_;
  bool wants_d1_;
  alignas(64) S shifts_[shifts_at_once * lanes], present_[shifts_at_once * lanes];
  alignas(64) S value_part_[shifts_at_once * lanes], d1_part_[shifts_at_once * lanes];
  double values_[shifts_at_once * lanes], d1_sums_[shifts_at_once * lanes];
};

std::size_t shifts_from(std::size_t start, std::size_t length) { return start < length ? std::min(shifts_at_once, length - start) : 0; }

// Lanes are classes. A row is copied to where it may have a padding, in which nothing counts.
template <class S>
void evaluate_lists_of_rows(const row_workspace& w, const row_lists& row_lists, row_tile all_scores, const formula_results& f) {
  constexpr std::size_t lanes = list_terms<S>::lanes;
  const bool outputs = w.pass.outputs;
  const std::size_t classes = w.job.classes, padded = (classes + lanes - 1) / lanes * lanes;
  list_terms<S> terms(*w.job.row_formulas, w.job.options, outputs);
  const lists_of_tile<S> lists{row_lists.lengths, row_lists.classes, classes};
  S *const scores = static_cast<S*>(w.tile_memory(u_of_classes_slot)), *const targets = static_cast<S*>(w.tile_memory(target_slot));
  std::fill(scores, scores + padded, S(0));
  std::fill(targets, targets + classes, S(1));
  std::fill(targets + classes, targets + padded, S(0));
  list_pass p{};
  p.scores = scores;
  p.targets = targets;
  p.score_stride = p.target_stride = p.d1_stride = lanes;
  p.lines = padded / lanes;
  for (std::size_t i = 0; i < w.rows.count; ++i) {
    const std::size_t length = lists.length(i);
    S* const own_d1 = static_cast<S*>(f.d1_of_classes.data) + i * classes;  // what its padding overlaps is written later
    if (outputs) std::fill(own_d1, own_d1 + padded, S(0));
    if (length == 0) continue;
    const S* const z = static_cast<const S*>(all_scores.data) + static_cast<std::ptrdiff_t>(i) * all_scores.stride;
    std::copy(z, z + classes, scores);
    for (std::size_t k = 0; k < length; ++k) targets[lists.at(i, k)] = S(0);
    p.d1 = outputs ? own_d1 : nullptr;
    double sum = 0.0;
    for (std::size_t start = 0; start < length; start += shifts_at_once) {
      const std::size_t n = shifts_from(start, length);
      for (std::size_t k = 0; k < n; ++k) terms.set_line(k, z[lists.at(i, start + k)]);
      terms.run(n, p);
      double part = 0.0;
      for (std::size_t k = 0; k < n; ++k) part += terms.value_of_line(k);
      sum += part;
      for (std::size_t k = 0; outputs && k < n; ++k) own_d1[lists.at(i, start + k)] -= static_cast<S>(terms.d1_sum_of_line(k));
    }
    static_cast<S*>(f.loss)[i] = static_cast<S>(sum * class_coef(w));
    for (std::size_t k = 0; k < length; ++k) targets[lists.at(i, k)] = S(1);
  }
}

// Lanes are rows, whose lists may be of different lengths.
template <class S>
void evaluate_lists_of_lines(const row_workspace& w, const row_lists& row_lists, row_tile scores, const formula_results& f) {
  constexpr std::size_t lanes = list_terms<S>::lanes;
  const bool outputs = w.pass.outputs;
  const row_tile d1 = f.d1_of_classes, targets = is_not_listed(w, row_lists, w.tile_at(target_slot));
  list_terms<S> terms(*w.job.row_formulas, w.job.options, outputs);
  const lists_of_tile<S> lists{row_lists.lengths, row_lists.classes, w.job.classes};
  if (outputs) w.fill_tile(d1, 0.0);
  list_pass p{};
  p.score_stride = scores.stride;
  p.target_stride = targets.stride;
  p.d1_stride = d1.stride;
  p.lines = w.job.classes;
  for (std::size_t first = 0; first < w.rows.count; first += lanes) {
    const S* const z = static_cast<const S*>(scores.data) + first;
    S* const own_d1 = static_cast<S*>(d1.data) + first;
    p.scores = z;
    p.targets = static_cast<const S*>(targets.data) + first;
    p.d1 = outputs ? own_d1 : nullptr;
    std::size_t longest = 0;
    for (std::size_t lane = 0; lane < lanes; ++lane) longest = std::max(longest, lists.length(first + lane));
    double sums[lanes] = {};
    for (std::size_t start = 0; start < longest; start += shifts_at_once) {
      const std::size_t n = shifts_from(start, longest);
      const auto for_each_shift = [&](const auto& visit) {
        for (std::size_t lane = 0; lane < lanes; ++lane)
          for (std::size_t k = 0; k < shifts_from(start, lists.length(first + lane)); ++k)
            visit(k, lane, lists.at(first + lane, start + k), static_cast<std::ptrdiff_t>(lane));
      };
      terms.clear(n);
      for_each_shift(
          [&](std::size_t k, std::size_t lane, std::ptrdiff_t c, std::ptrdiff_t at) { terms.set(k, lane, z[c * scores.stride + at]); });
      terms.run(n, p);
      double part[lanes] = {};
      for_each_shift([&](std::size_t k, std::size_t lane, std::ptrdiff_t c, std::ptrdiff_t at) {
        part[lane] += terms.value(k, lane);
        if (outputs) own_d1[c * d1.stride + at] -= static_cast<S>(terms.d1_sum(k, lane));
      });
      for (std::size_t lane = 0; lane < lanes; ++lane) sums[lane] += part[lane];
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) static_cast<S*>(f.loss)[first + lane] = static_cast<S>(sums[lane] * class_coef(w));
  }
}

}  // namespace

bool lists_are_in_range(const row_job& job, int threads) {
  const std::size_t rows_of_task = std::max<std::size_t>(1, checked_indices / std::max<std::size_t>(1, job.classes));
  const std::size_t tasks = (job.row_count + rows_of_task - 1) / rows_of_task;
  std::atomic<bool> inside{true};
  const double indices = static_cast<double>(job.row_count) * static_cast<double>(job.classes);
  parallel_for(tasks, cost_ns_per_index * indices, threads, [&](std::size_t task) {
    const std::size_t first = task * rows_of_task, last = std::min(job.row_count, first + rows_of_task);
    bool found = true;
    if (job.where.base == nullptr) found = in_range(job, first * job.classes, (last - first) * job.classes);
    else
      for (std::size_t row = first; row < last; ++row) found &= is_masked(job, row) || in_range(job, row * job.classes, job.classes);
    if (!found) inside.store(false, std::memory_order_relaxed);
  });
  return inside.load();
}

row_lists load_lists(const row_workspace& w, void* row_weights) {
  const row_job& job = w.job;
  const class_view& from = job.lists;
  void *const lengths = w.row(length_slot), *const lists = w.tile_memory(lists_slot), *const any = w.row(spare_slot);
  const auto load = job.rows->load_labels[static_cast<int>(from.type)][from.byteswapped];
  const std::ptrdiff_t shape[1] = {static_cast<std::ptrdiff_t>(job.classes)}, strides[1] = {from.class_stride};
  const std::int64_t classes = static_cast<std::int64_t>(job.classes);
  std::ptrdiff_t all_strides[max_rank + 1];
  const bool whole = job.classes > 0 && job.classes <= few_classes;
  if (whole) load(lists, from.base, w.memory.class_run(from, all_strides), classes, end_of_list);
  for (std::size_t i = 0; i < w.rows.padded; ++i) {
    std::size_t length = 0, read = whole ? job.classes : 0;
    const auto find_end = [&] {
      while (length < read && w.label(lists, i * job.classes + length) >= 0) ++length;
    };
    if (i < w.rows.count && w.number(row_weights, i) != 0.0) {
      if (whole) find_end();
      const char* const base = whole ? nullptr : row_memory(job, {w.rows.first + i, 1, 1}).first_row(from);
      while (length == read && read < job.classes) {
        const std::size_t n = std::min(job.classes - read, std::max(first_read, read));
        void* const to = static_cast<char*>(lists) + (i * job.classes + read) * job.item;
        load(to, base, {1, shape, strides, read, n}, classes, end_of_list);
        read += n;
        find_end();
      }
    }
    w.set_label(lengths, i, static_cast<std::int64_t>(length));
    w.set_label(any, i, length == 0 ? -1 : 0);
  }
  job.rows->leave_out(any, row_weights, w.rows.count, w.rows.padded);
  return {lengths, lists};
}

row_tile is_not_listed(const row_workspace& w, const row_lists& row_lists, row_tile to) {
  w.fill_tile(to, 1.0);
  const bool lanes_are_rows = w.memory.row_contiguous();
  const std::ptrdiff_t row_stride = lanes_are_rows ? 1 : to.stride, class_stride = lanes_are_rows ? to.stride : 1;
  const auto strike = [&](auto* numbers) {
    using S = std::remove_pointer_t<decltype(numbers)>;
    const lists_of_tile<S> lists{row_lists.lengths, row_lists.classes, w.job.classes};
    for (std::size_t i = 0; i < w.rows.count; ++i)
      for (std::size_t k = 0; k < lists.length(i); ++k)
        numbers[static_cast<std::ptrdiff_t>(i) * row_stride + lists.at(i, k) * class_stride] = S(0);
  };
  w.job.item == sizeof(double) ? strike(static_cast<double*>(to.data)) : strike(static_cast<float*>(to.data));
  return to;
}

std::size_t longest_list(const row_workspace& w, const row_lists& lists) {
  std::size_t longest = 0;
  for (std::size_t i = 0; i < w.rows.count; ++i) longest = std::max(longest, lists.length(w, i));
  return longest;
}

void evaluate_lists(const row_workspace& w, const row_lists& lists, row_tile scores, const formula_results& f) {
  const auto evaluate = [&]<class S>(S) {
    w.memory.row_contiguous() ? evaluate_lists_of_lines<S>(w, lists, scores, f) : evaluate_lists_of_rows<S>(w, lists, scores, f);
  };
  w.job.item == sizeof(double) ? evaluate(double{}) : evaluate(float{});
}

}  // namespace fastloss

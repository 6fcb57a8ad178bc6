// Work in parts, each with a partial sum of its own: the bits of a sum depend on the parts alone, and these on the shape of a call, so
// every number of threads gives the same.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "engine/memory/streaming.hpp"
#include "fastloss/runtime/interruption.hpp"
#include "fastloss/runtime/threads.hpp"

namespace fastloss {

// Sums that are added up beside the partial ones, such as the gradient of a broadcast operand: each task has a copy, and there are at
// most so many copies, with at most so many numbers in all. 2^22 doubles are 32 MB.
inline constexpr std::size_t most_copies = 64, most_copied_numbers = std::size_t{1} << 22;
// Partial sums that need no memory of their own: those of a small call.
inline constexpr std::size_t sums_on_stack = 128;

struct parts_of_work {
  std::size_t count;
  std::size_t copied;  // numbers in a copy
  double cost_ns;      // of all, on one thread
  int threads;         // 0: get_num_threads()
  bool serial;         // parts share threads in themselves
};

// Calls run(part, copy) for every part, in tasks of neighbouring parts. `copies` receives the copies, one behind the other, in the
// order of the tasks. Returns the sum of what run() returned, in the order of the parts.
template <class Sum, class Run>
Sum run_parts(const parts_of_work& work, std::vector<double>& copies, const Run& run) {
  Sum total{};
  if (work.count == 1 && work.copied == 0 && !work.serial) {  // a small call: every instruction counts
    parallel_for(1, 0.0, work.threads, [&](std::size_t) {
      total += run(std::size_t{0}, nullptr);
      finish_streaming();
    });
    return total;
  }
  const std::size_t tasks = work.copied == 0
                                ? work.count
                                : std::min(work.count, std::max<std::size_t>(1, std::min(most_copies, most_copied_numbers / work.copied)));
  copies.assign(work.copied * tasks, 0.0);
  Sum on_stack[sums_on_stack];
  std::unique_ptr<Sum[]> on_heap;
  Sum* partial = on_stack;
  if (work.count > sums_on_stack) {
    on_heap.reset(new Sum[work.count]);
    partial = on_heap.get();
  }
  const auto run_task = [&](std::size_t task) {
    double* const copy = copies.data() + task * work.copied;
    for (std::size_t part = task * work.count / tasks; part < (task + 1) * work.count / tasks; ++part) partial[part] = run(part, copy);
    finish_streaming();
  };
  if (work.serial)
    for (std::size_t task = 0; task < tasks; ++task) {
      const interruptible not_inside(nullptr);  // what runs in an interruption may need this thread's scratch
      run_task(task);
    }
  else parallel_for(tasks, work.cost_ns, work.threads, run_task);
  for (std::size_t part = 0; part < work.count; ++part) total += partial[part];
  return total;
}

}  // namespace fastloss

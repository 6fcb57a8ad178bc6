// The only OpenMP region of the library.
//
// Blocks are handed out by a counter instead of in fixed shares: when another process takes one of the cores, the other
// threads take over its blocks (two threads beside a busy competitor: median 5.4 ms against 7.3 with fixed halves).
//
// A process forked after a parallel region inherits libgomp's idea of a team of threads but not the threads, and a region
// opened there waits for ever. libgomp keeps its team per thread, though, so a region opened from a *new* thread of the
// child works. A child therefore computes on the calling thread, unless it asked for threads itself.
#include "fastloss/runtime/threads.hpp"

#include <omp.h>
#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <system_error>
#include <thread>

#include "fastloss/core/errors.hpp"
#include "fastloss/runtime/floating_point.hpp"
#include "fastloss/runtime/interruption.hpp"
#include "runtime/team.hpp"
#include "runtime/team_policy.hpp"

namespace fastloss {
namespace {

constexpr int most_threads = 1024;           // more would exhaust the process before it helped
constexpr std::size_t most_at_once = 8;      // blocks taken from the counter in one step
constexpr double most_at_once_ns = 50000.0;  // and their work, so that threads finish together
constexpr std::size_t shares_per_thread = 4;

std::atomic<int> chosen_threads{0};  // by set_num_threads; 0: not called
std::atomic<int> openmp_when_chosen{0};
std::atomic<bool> forked{false};
std::atomic<bool> adaptive_teams{true};
team_policy policy;
thread_local int team_size = 1;

// A container's share of the processors, which OpenMP does not look at; 0: no limit.
int cgroup_quota() {
  double quota = 0, period = 0;
  if (std::FILE* file = std::fopen("/sys/fs/cgroup/cpu.max", "re")) {  // version 2; "max" leaves quota at 0
    if (std::fscanf(file, "%lf %lf", &quota, &period) != 2) quota = 0;
    std::fclose(file);
  } else {
    if (std::FILE* v1 = std::fopen("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "re")) {
      if (std::fscanf(v1, "%lf", &quota) != 1) quota = 0;
      std::fclose(v1);
    }
    if (std::FILE* v1 = std::fopen("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "re")) {
      if (std::fscanf(v1, "%lf", &period) != 1) period = 0;
      std::fclose(v1);
    }
  }
  return quota > 0 && period > 0 ? static_cast<int>(std::clamp(std::ceil(quota / period), 1.0, double{most_threads})) : 0;
}

// Numbers that no int of OpenMP's holds (OMP_NUM_THREADS=2147483648) come back negative.
int openmp_threads() {
  const int n = omp_get_max_threads();
  return n < 1 ? most_threads : std::min(n, most_threads);
}

struct defaults {
  int openmp = openmp_threads();
  // OMP_NUM_THREADS is the user's own word and overrides what the machine has for this process.
  bool by_machine = std::getenv("OMP_NUM_THREADS") == nullptr;
  int quota = by_machine ? cgroup_quota() : 0;
};

const defaults& at_load() {
  static const defaults once;
  return once;
}

void after_fork_in_child() {
  forked.store(true, std::memory_order_relaxed);
  chosen_threads.store(0, std::memory_order_relaxed);
}

[[maybe_unused]] const bool registered = [] {
  at_load();
  pthread_atfork(nullptr, nullptr, after_fork_in_child);
  return true;
}();

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Time that the calling thread was running. Asking takes a system call.
std::int64_t thread_ns() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return std::int64_t{t.tv_sec} * 1000000000 + t.tv_nsec;
}

struct loop {
  std::size_t count;
  std::size_t step;
  double serial_ns;
  void (*body)(void* context, std::size_t i);
  void* context;
  std::atomic<std::size_t> next{0};
  std::atomic<bool> failed{false};
  std::atomic<int> came{0};  // threads that were in time for a block
  std::exception_ptr failure{};

  // Returns how many indices it computed. `watch`: of the thread that called the loop.
  std::size_t work(interruptible* watch) noexcept {
    const standard_floating_point mode;
    std::size_t done = 0;
    try {
      for (;;) {
        const std::size_t first = next.fetch_add(step, std::memory_order_relaxed);
        if (first >= count) return done;
        if (done == 0) came.fetch_add(1, std::memory_order_relaxed);
        const std::size_t last = std::min(first + step, count);
        for (std::size_t i = first; i < last; ++i) body(context, i);
        done += last - first;
        if (watch != nullptr) watch->poll();
      }
    } catch (...) {
      // An exception must not leave the region. The first one is kept for the caller, the others would say the same.
      if (!failed.exchange(true)) failure = std::current_exception();
      next.store(count, std::memory_order_relaxed);
    }
    return done;
  }

  // The share of the thread that called the loop: its time, scaled to the whole loop, is what the loop would take without a team.
  // Where the scheduler may have taken the processor away meanwhile, that is the time for which the thread ran.
  double measured_work(interruptible* watch) noexcept {
    constexpr double may_be_interrupted_ns = 500000.0;
    const auto clock = serial_ns < may_be_interrupted_ns ? now_ns : thread_ns;
    const std::int64_t start = clock();
    const std::size_t done = work(watch);
    if (done == 0) return serial_ns;
    return static_cast<double>(clock() - start) * static_cast<double>(count) / static_cast<double>(done);
  }

  int region(int threads, interruptible* watch) {
    int size = 1;
    const std::int64_t start = now_ns();
    double alone_ns = 0;
#pragma omp parallel num_threads(threads)
    {
      if (omp_get_thread_num() == 0) {
        size = omp_get_num_threads();
        alone_ns = measured_work(watch);
      } else if (has_stack_for_work()) {
        work(nullptr);
      }
    }
    team_was(threads);
    const std::int64_t end = now_ns();
    if (size == threads && !failed.load(std::memory_order_relaxed)) {
      policy.learn({threads, threads - came.load(std::memory_order_relaxed), static_cast<double>(end - start), alone_ns}, end);
    }
    return size;
  }

  int run(int wanted, interruptible* watch) {
    const int threads = affordable_team(wanted);
    if (threads > 1) return region(threads, watch);
    work(watch);
    return 1;
  }
};

}  // namespace

int get_num_threads() {
  const int openmp = openmp_threads();
  const int chosen = chosen_threads.load(std::memory_order_relaxed);
  if (chosen == 0) {
    if (forked.load(std::memory_order_relaxed)) return 1;
    const defaults& initial = at_load();
    // A number that OpenMP was told since then is the user's word, too.
    if (!initial.by_machine || openmp != initial.openmp) return openmp;
    // The processors that this thread may run on now, which may be fewer than when OpenMP counted them.
    const int machine = std::max(1, std::min(openmp, omp_get_num_procs()));
    return initial.quota != 0 ? std::min(machine, initial.quota) : machine;
  }
  // A limit set on OpenMP after the choice, as threadpoolctl does, still limits.
  return openmp < openmp_when_chosen.load(std::memory_order_relaxed) ? std::min(openmp, chosen) : chosen;
}

void set_num_threads(int n) {
  if (n < 1) throw value_error("number of threads: got " + std::to_string(n) + ", need at least 1");
  if (n > most_threads) throw value_error("number of threads: got " + std::to_string(n) + ", need at most " + std::to_string(most_threads));
  openmp_when_chosen.store(std::min(openmp_threads(), at_load().openmp), std::memory_order_relaxed);
  chosen_threads.store(n, std::memory_order_relaxed);
}

int last_team_size() { return team_size; }

void set_adaptive_teams(bool on) { adaptive_teams.store(on, std::memory_order_relaxed); }

void parallel_for(std::size_t count, double serial_ns, int threads, void (*body)(void* context, std::size_t i), void* context) {
  team_size = 1;
  interruptible* const watch = serial_ns >= parallel_threshold_ns ? interruptible::current() : nullptr;
  if (count > 1 && serial_ns >= parallel_threshold_ns) {
    const int wanted = threads > 0 ? threads : get_num_threads();
    int team = static_cast<int>(std::min<std::size_t>(count, static_cast<std::size_t>(std::min(wanted, most_threads))));
    if (team > 1 && adaptive_teams.load(std::memory_order_relaxed)) team = policy.threads(team, serial_ns, now_ns);
    if (team > 1 && !omp_in_parallel()) {
      const std::size_t share = count / (static_cast<std::size_t>(team) * shares_per_thread);
      const double longest = most_at_once_ns * static_cast<double>(count) / serial_ns;
      const std::size_t most = longest < most_at_once ? static_cast<std::size_t>(longest) : most_at_once;
      loop work{count, std::max(std::min(share, most), std::size_t{1}), serial_ns, body, context};
      bool done = true;
      if (!forked.load(std::memory_order_relaxed)) {
        team_size = work.run(team, watch);
      } else {
        int size = 1;
        try {
          std::thread([&] { size = work.run(team, nullptr); }).join();
        } catch (const std::system_error&) {
          done = false;  // no thread to be had
        }
        team_size = size;
      }
      if (work.failure) std::rethrow_exception(work.failure);
      if (done) return;
    }
  }
  const standard_floating_point mode;
  for (std::size_t i = 0; i < count; ++i) {
    body(context, i);
    if (watch != nullptr) watch->poll();
  }
}

}  // namespace fastloss

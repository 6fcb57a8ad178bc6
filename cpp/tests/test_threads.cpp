// parallel_for: every index once, team sizes, bits, exceptions, nesting, forks. CTest sets OMP_NUM_THREADS=4.
#include <omp.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <thread>
#include <vector>

#include "check.hpp"
#include "fastloss/core/errors.hpp"
#include "fastloss/runtime/floating_point.hpp"
#include "fastloss/runtime/interruption.hpp"
#include "fastloss/runtime/threads.hpp"

namespace {

using fastloss::get_num_threads;
using fastloss::last_team_size;
using fastloss::parallel_for;
using fastloss::set_num_threads;

constexpr double much_work = 1e6;
constexpr double little_work = 1e3;

// A sum of partial sums in index order, as the engine does it. `team` receives the size of the team.
double blocked_sum(int threads, int* team = nullptr, double work = much_work) {
  constexpr std::size_t blocks = 500, per_block = 512;
  std::vector<double> partial(blocks);
  parallel_for(blocks, work, threads, [&](std::size_t b) {
    double sum = 0;
    for (std::size_t i = 0; i < per_block; ++i) sum += std::sin(static_cast<double>(b * per_block + i));
    partial[b] = sum;
  });
  if (team) *team = last_team_size();
  double total = 0;
  for (double p : partial) total += p;
  return total;
}

bool same_bits(double a, double b) { return std::memcmp(&a, &b, sizeof a) == 0; }

void visits_every_index_once() {
  for (std::size_t count : {0u, 1u, 2u, 7u, 8u, 9u, 1000u, 100001u}) {
    std::vector<std::atomic<int>> visits(count);
    parallel_for(count, much_work, 3, [&](std::size_t i) { visits[i].fetch_add(1); });
    bool once = true;
    for (const auto& v : visits) once = once && v.load() == 1;
    CHECK(once);
  }
}

void team_sizes() {
  int team = 0;
  CHECK(get_num_threads() == 4);
  for (int threads : {1, 2, 3, 7}) {
    blocked_sum(threads, &team);
    CHECK(team == threads);
  }
  blocked_sum(0, &team);
  CHECK(team == 4);
  blocked_sum(7, &team, little_work);
  CHECK(team == 1);
  parallel_for(3, much_work, 7, [](std::size_t) {});
  CHECK(last_team_size() == 3);
  parallel_for(1, much_work, 7, [](std::size_t) {});
  CHECK(last_team_size() == 1);
}

void default_follows_openmp_and_the_choice() {
  omp_set_num_threads(2);
  CHECK(get_num_threads() == 2);
  omp_set_num_threads(4);
  set_num_threads(7);
  CHECK(get_num_threads() == 7);
  int team = 0;
  blocked_sum(0, &team);
  CHECK(team == 7);
  omp_set_num_threads(1);  // a limit set after the choice
  CHECK(get_num_threads() == 1);
  set_num_threads(5);  // a choice made after the limit
  CHECK(get_num_threads() == 5);
  omp_set_num_threads(4);
  CHECK(get_num_threads() == 5);
  bool refused = false;
  try {
    set_num_threads(0);
  } catch (const fastloss::value_error& e) {
    refused = std::strstr(e.what(), "got 0") != nullptr;
  }
  CHECK(refused);
  CHECK(get_num_threads() == 5);
  int seen_elsewhere = 0;
  std::thread([&] { seen_elsewhere = get_num_threads(); }).join();
  CHECK(seen_elsewhere == 5);
}

void bits_do_not_depend_on_the_team() {
  const double expected = blocked_sum(1);
  for (int threads : {2, 3, 7, 64}) {
    for (int repeat = 0; repeat < 20; ++repeat) CHECK(same_bits(blocked_sum(threads), expected));
  }
  omp_set_dynamic(1);  // OpenMP may now give fewer threads
  CHECK(same_bits(blocked_sum(7), expected));
  omp_set_dynamic(0);
}

void no_region_inside_a_region() {
  int inner_team = 0;
#pragma omp parallel num_threads(2)
  {
    int team = 0;
    const double sum = blocked_sum(2, &team);
#pragma omp critical
    {
      inner_team = team > inner_team ? team : inner_team;
      CHECK(std::isfinite(sum));
    }
  }
  CHECK(inner_team == 1);
}

void exceptions_reach_the_caller() {
  for (double work : {little_work, much_work}) {
    bool caught = false;
    try {
      parallel_for(100, work, 4, [](std::size_t i) {
        if (i == 50) throw std::runtime_error("fifty");
      });
    } catch (const std::runtime_error& e) {
      caught = std::strcmp(e.what(), "fifty") == 0;
    }
    CHECK(caught);
  }
}

void calls_from_many_threads() {
  const double expected = blocked_sum(1);
  std::atomic<int> wrong{0};
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t) {
    callers.emplace_back([&] {
      for (int repeat = 0; repeat < 10; ++repeat) wrong += !same_bits(blocked_sum(2), expected);
    });
  }
  for (std::thread& caller : callers) caller.join();
  CHECK(wrong == 0);
}

// Runs `child` in a fork, with an alarm against the hang that this is about; true if it returned true.
template <class F>
bool holds_in_child(F&& child) {
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(250);
    _exit(child() ? 0 : 1);
  }
  int status = -1;
  waitpid(pid, &status, 0);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void forks() {
  const double expected = blocked_sum(4);
  const auto serial = [&] {
    int team = 0;
    const double first = blocked_sum(0, &team);
    return same_bits(first, expected) && team == 1 && get_num_threads() == 1 && same_bits(blocked_sum(0), expected);
  };
  CHECK(holds_in_child(serial));
  CHECK(holds_in_child([&] {
    set_num_threads(2);
    int team = 0;
    const double first = blocked_sum(0, &team);
    return same_bits(first, expected) && team == 2 && same_bits(blocked_sum(0), expected);
  }));
  CHECK(holds_in_child([&] {
    int team = 0;
    return same_bits(blocked_sum(3, &team), expected) && team == 3;
  }));
  CHECK(holds_in_child([&] {
    set_num_threads(2);
    return same_bits(blocked_sum(0), expected) && holds_in_child(serial);
  }));

  bool from_thread = false;
  std::thread([&] { from_thread = holds_in_child(serial); }).join();
  CHECK(from_thread);

  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) blocked_sum(2);
  });
  for (int repeat = 0; repeat < 5; ++repeat) CHECK(holds_in_child(serial));
  stop = true;
  busy.join();

  int team = 0;
  CHECK(same_bits(blocked_sum(4, &team), expected));
  CHECK(team == 4);
}

// The bits of a subnormal product and of a quotient that is rounded, on every thread of a team.
bool computes_in_the_standard_mode(int threads) {
  std::atomic<bool> standard{true};
  parallel_for(100, much_work, threads, [&](std::size_t i) {
    volatile double tiny = 4e-320, three = 3.0 + static_cast<double>(i % 1), half = 0.5;
    if (tiny * half != 2e-320 || 1.0 / three != 0x1.5555555555555p-2) standard.store(false);
  });
  return standard.load();
}

void every_thread_computes_in_the_standard_mode() {
#if defined(__x86_64__)
  const auto read = [] {
    unsigned state;
    __asm__ volatile("stmxcsr %0" : "=m"(state));
    return state;
  };
  const auto write = [](unsigned state) { __asm__ volatile("ldmxcsr %0" : : "m"(state) : "memory"); };
  const unsigned before = read();
  for (const unsigned mode : {0x9fc0u, 0x5f80u, 0x3f80u, 0x7f80u, 0x1900u}) {
    bool standard = true;
    write(mode);
    for (int threads : {1, 2, 4}) standard = computes_in_the_standard_mode(threads) && standard;
    const bool given_back = (read() & 0xffc0u) == mode;
    const unsigned flags = read() & 0x3fu;
    {
      const fastloss::quiet_floating_point quiet;
      volatile double zero = 0.0, infinite = 1.0 / zero;
      standard = infinite > 1.0 && standard;
    }
    const bool flags_given_back = (read() & 0x3fu) == flags;
    write(before);
    CHECK(standard);
    CHECK(given_back);
    CHECK(flags_given_back);
  }
#endif
}

std::atomic<int> polls{0};

void loops_stop_when_they_are_told_to() {
  const auto endless = [](std::size_t) { std::this_thread::sleep_for(std::chrono::milliseconds(1)); };
  for (int threads : {1, 3}) {
    polls = 0;
    bool stopped = false;
    try {
      const fastloss::interruptible watched([] { return ++polls == 2; });
      parallel_for(1000000, 1e15, threads, endless);
    } catch (const fastloss::interrupted&) {
      stopped = true;
    }
    CHECK(stopped);
    CHECK(polls == 2);
  }
  CHECK(fastloss::interruptible::current() == nullptr);
  polls = 0;
  {
    const fastloss::interruptible watched([] { return ++polls > 0; });
    const fastloss::interruptible not_inside(nullptr);
    parallel_for(100, 1e9, 1, endless);
  }
  CHECK(polls == 0);
}

}  // namespace

int main() {
  fastloss::set_adaptive_teams(false);  // what runs beside these tests must not decide what they test
  visits_every_index_once();
  team_sizes();
  bits_do_not_depend_on_the_team();
  no_region_inside_a_region();
  every_thread_computes_in_the_standard_mode();
  loops_stop_when_they_are_told_to();
  exceptions_reach_the_caller();
  calls_from_many_threads();
  default_follows_openmp_and_the_choice();
  forks();
  return report();
}

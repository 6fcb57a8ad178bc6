// How many threads pay: the policy on a clock of its own, and a loop beside threads that come late.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>

#include "check.hpp"
#include "fastloss/runtime/threads.hpp"
#include "runtime/team_policy.hpp"

namespace {

using fastloss::last_team_size;
using fastloss::parallel_for;
using fastloss::region_cost;
using fastloss::team_policy;

constexpr double call_ns = 100e3, wait_ns = 5e6;

// A machine whose calls the test prices itself.
struct machine {
  team_policy policy;
  std::int64_t now_ns = 0;
  int trials = 0;

  // One call, and what it has: one thread takes `call_ns`, a team its share and `late_ns`.
  int call(int wanted, int absent, double late_ns, double serial_ns = call_ns) {
    const int threads = policy.threads(wanted, serial_ns, [&] { return now_ns; });
    double took = serial_ns;
    if (threads > 1) {
      took = serial_ns / threads + late_ns;
      now_ns += static_cast<std::int64_t>(took);
      policy.learn({threads, threads > wanted - absent ? threads - (wanted - absent) : 0, took, serial_ns}, now_ns);
      trials += threads == wanted;
    } else {
      now_ns += static_cast<std::int64_t>(took);
    }
    return threads;
  }
};

void all_threads_where_they_pay() {
  machine idle;
  for (int i = 0; i < 1000; ++i) CHECK(idle.call(2, 0, 0) == 2);
  CHECK(idle.call(16, 0, 0) == 16);
}

void one_thread_beside_a_neighbour() {
  machine busy;
  for (int i = 0; i < 120; ++i) busy.call(2, 1, wait_ns);
  CHECK(busy.trials >= 2);
  CHECK(busy.trials <= 6);  // of 120: the 95th percentile is a call of one thread
  const std::int64_t start = busy.now_ns;
  for (int i = 0; i < 20000; ++i) busy.call(2, 1, wait_ns);
  CHECK(static_cast<double>(busy.now_ns - start) < 1.1 * 20000 * call_ns);
}

// Also where calls are far apart, and the time between trials has passed long ago.
void rare_calls_try_rarely() {
  machine busy;
  for (int i = 0; i < 1200; ++i) {
    busy.now_ns += 1000000000;
    busy.call(2, 1, wait_ns);
  }
  CHECK(busy.trials <= 12);
}

void the_team_comes_back() {
  machine m;
  for (int i = 0; i < 10000; ++i) m.call(2, 1, wait_ns);
  int calls = 0;
  while (m.call(2, 0, 0) != 2) ++calls;
  CHECK(calls < 1000);  // at most 16 times what was lost: 80 ms
  for (int i = 0; i < 1000; ++i) CHECK(m.call(2, 0, 0) == 2);
  // What went wrong is forgotten by then: one more late thread costs two calls, not hundreds.
  m.call(2, 1, wait_ns);
  m.now_ns += static_cast<std::int64_t>(wait_ns);
  CHECK(m.call(2, 0, 0) == 1);
  CHECK(m.call(2, 0, 0) == 1);
  CHECK(m.call(2, 0, 0) == 2);
}

// A thread that comes late half of the time costs the more, the more often it is waited for.
void sometimes_is_not_good_enough() {
  machine m;
  int late = 0;
  for (int i = 0; i < 1200; ++i) {
    const double wait = m.trials % 2 == 0 ? wait_ns : 0.0;
    const int threads = m.call(2, wait > 0 ? 1 : 0, wait);
    late += threads == 2 && wait > 0;
  }
  CHECK(late <= 12);
}

void threads_that_come_stay() {
  machine m;
  m.call(16, 3, wait_ns);
  CHECK(m.call(16, 3, 0) == 13);
  CHECK(m.call(8, 0, 0) == 8);
  m.policy.learn({8, 0, wait_ns, call_ns}, m.now_ns);  // late, though every thread came in time for a block
  CHECK(m.call(16, 0, 0) == 7);
}

void long_calls_may_lose_what_short_ones_may_not() {
  machine m;
  for (int i = 0; i < 10; ++i) m.call(2, 1, wait_ns);
  CHECK(m.call(2, 0, 0) == 1);
  const std::int64_t before_ns = m.now_ns;
  CHECK(m.call(2, 1, wait_ns, 100 * wait_ns) == 2);
  m.now_ns = before_ns;  // or the next trial would be due
  CHECK(m.call(2, 0, 0) == 1);
}

// A team that has to be woken costs half a call: such trials are cheap, and frequent enough to see when it need not be.
void cheap_trials_are_not_far_apart() {
  machine m;
  for (int i = 0; i < 1000; ++i) m.call(2, 0, call_ns);
  int calls = 0;
  while (m.call(2, 0, 0) != 2) ++calls;
  CHECK(calls <= 20);
}

// --- the loop itself: bodies that sleep take as long on a busy machine as on an idle one

constexpr auto nap = std::chrono::milliseconds(1);
constexpr double estimated_ns = 1e5;

void helpers_that_are_late_are_left_out() {
  const auto caller = std::this_thread::get_id();
  int alone = 0;
  for (int i = 0; i < 20; ++i) {
    parallel_for(8, estimated_ns, 2,
                 [&](std::size_t) { std::this_thread::sleep_for(std::this_thread::get_id() == caller ? nap : 50 * nap); });
    alone += last_team_size() == 1;
  }
  CHECK(alone >= 10);
  int calls = 0;
  do {
    parallel_for(8, estimated_ns, 2, [&](std::size_t) { std::this_thread::sleep_for(nap); });
  } while (last_team_size() == 1 && ++calls < 5000);
  CHECK(last_team_size() == 2);
}

void teams_can_be_fixed() {
  const auto caller = std::this_thread::get_id();
  fastloss::set_adaptive_teams(false);
  for (int i = 0; i < 5; ++i) {
    parallel_for(4, estimated_ns, 2,
                 [&](std::size_t) { std::this_thread::sleep_for(std::this_thread::get_id() == caller ? nap : 20 * nap); });
    CHECK(last_team_size() == 2);
  }
  fastloss::set_adaptive_teams(true);
}

}  // namespace

int main() {
  all_threads_where_they_pay();
  one_thread_beside_a_neighbour();
  rare_calls_try_rarely();
  the_team_comes_back();
  sometimes_is_not_good_enough();
  threads_that_come_stay();
  long_calls_may_lose_what_short_ones_may_not();
  cheap_trials_are_not_far_apart();
  helpers_that_are_late_are_left_out();
  teams_can_be_fixed();
  return report();
}

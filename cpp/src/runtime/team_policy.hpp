// How many of the threads that a loop may have pay at present.
//
// OpenMP waits for every thread of a team at the end of a region, for one that has not started, too. Beside a busy neighbour that
// takes as long as the system's scheduler pleases: 4 to 10 ms for a call of 0.1 ms. What a region costs is therefore measured
// against what it would have cost the calling thread alone. After one that did not pay, calls make do with fewer threads, and the
// next trial is the further away the more trials went wrong.
#pragma once

#include <atomic>
#include <cstdint>

namespace fastloss {

// What was seen of one region.
struct region_cost {
  int threads;       // that it was asked for
  int absent;        // of them, those that came when all the work had been handed out, or not at all
  double took_ns;    // with the making of the team, and the waiting for it
  double serial_ns;  // what the calling thread would have needed alone
};

// One for the process: a neighbour is everybody's. Several threads may ask and tell at once; what they overwrite of each other
// costs a trial, not a result.
class team_policy {
 public:
  // At most `wanted`, at least 1. `serial_ns` is an estimate, `now_ns` is read only where fewer threads than wanted may pay.
  template <class Clock>
  int threads(int wanted, double serial_ns, const Clock& now_ns) {
    if (wanted <= limit_.load(std::memory_order_relaxed)) return wanted;
    return limited(wanted, serial_ns, now_ns());
  }

  void learn(const region_cost& region, std::int64_t now_ns);

 private:
  int limited(int wanted, double serial_ns, std::int64_t now_ns);

  static constexpr int no_limit = INT32_MAX;
  std::atomic<int> limit_{no_limit};
  std::atomic<int> level_{0};  // how many trials went wrong, less what was forgiven
  std::atomic<int> good_in_a_row_{0};
  std::atomic<int> calls_to_wait_{0};  // until the next trial; and the time until then:
  std::atomic<std::int64_t> not_before_ns_{0};
  std::atomic<double> lost_ns_{0};
};

}  // namespace fastloss

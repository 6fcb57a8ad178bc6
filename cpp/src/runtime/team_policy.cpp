#include "runtime/team_policy.hpp"

#include <algorithm>
#include <cmath>

namespace fastloss {
namespace {

// Beside a neighbour that takes a whole processor, two threads of which one sometimes comes and sometimes does not lose with these
// distances in fewer than one call of twenty.
constexpr int highest_level = 5;
constexpr int good_to_forgive = 8;

// A region that takes about as long as the thread alone says nothing: it neither pays nor costs.
constexpr double costs_from = 1.25;

// A call whose work is several times what was lost is worth a team that may lose that again.
constexpr double worth_the_loss = 4.0;

// A trial follows after 2, 8, 32, 128, 512 calls, and after 1, 2, 4, 8, 16 times what was lost. But as soon as the calls between
// have taken 16 times what was lost, the trial is cheap: on an idle machine a team that had to be woken costs half a call.
constexpr int calls_between_trials(int level) { return 2 << (2 * (level - 1)); }
constexpr double losses_between_trials(int level) { return static_cast<double>(1 << (level - 1)); }
constexpr double most_losses_between_trials = losses_between_trials(highest_level);

}  // namespace

int team_policy::limited(int wanted, double serial_ns, std::int64_t now_ns) {
  if (serial_ns > worth_the_loss * lost_ns_.load(std::memory_order_relaxed)) return wanted;
  const bool called_often =
      calls_to_wait_.load(std::memory_order_relaxed) <= 0 || calls_to_wait_.fetch_sub(1, std::memory_order_relaxed) <= 0;
  if (called_often && now_ns >= not_before_ns_.load(std::memory_order_relaxed)) return wanted;
  return std::min(wanted, limit_.load(std::memory_order_relaxed));  // another thread may have lifted it
}

void team_policy::learn(const region_cost& region, std::int64_t now_ns) {
  const double lost_before = lost_ns_.load(std::memory_order_relaxed);
  int level = level_.load(std::memory_order_relaxed);
  if (region.took_ns > costs_from * region.serial_ns) {
    level = std::min(level + 1, highest_level);
    const double lost = std::max(region.took_ns - region.serial_ns, 0.5 * lost_before);
    lost_ns_.store(lost, std::memory_order_relaxed);
    const double cheap_after = most_losses_between_trials * lost / region.serial_ns;
    const int calls = calls_between_trials(level);
    calls_to_wait_.store(cheap_after < calls ? static_cast<int>(cheap_after) + 1 : calls, std::memory_order_relaxed);
    not_before_ns_.store(now_ns + std::llround(lost * losses_between_trials(level)), std::memory_order_relaxed);
    limit_.store(std::max(1, region.threads - std::max(1, region.absent)), std::memory_order_relaxed);
    level_.store(level, std::memory_order_relaxed);
    good_in_a_row_.store(0, std::memory_order_relaxed);
  } else if (region.took_ns < region.serial_ns && region.serial_ns <= worth_the_loss * lost_before) {  // longer calls prove nothing
    if (region.threads > limit_.load(std::memory_order_relaxed)) limit_.store(no_limit, std::memory_order_relaxed);
    if (level > 0 && good_in_a_row_.fetch_add(1, std::memory_order_relaxed) + 1 >= good_to_forgive) {
      level_.store(level - 1, std::memory_order_relaxed);
      good_in_a_row_.store(0, std::memory_order_relaxed);
    }
  }
}

}  // namespace fastloss

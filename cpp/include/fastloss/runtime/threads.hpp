// The one place where work is spread over threads.
#pragma once

#include <cstddef>

#include "fastloss/core/config.hpp"

namespace fastloss {

// Work below this many nanoseconds (estimated, one thread) stays on the calling thread: waking a sleeping team costs that much.
inline constexpr double parallel_threshold_ns = 20000.0;

// Runs body(context, i) for every i in [0, count), on at most `threads` threads (0: get_num_threads()), fewer where a busy machine
// makes more of them wait, handing blocks out dynamically. `serial_ns` is the estimated work in nanoseconds on one thread. The body must
// not throw.
FASTLOSS_API void parallel_for(std::size_t count, double serial_ns, int threads, void (*body)(void* context, std::size_t i), void* context);

template <class F>
FASTLOSS_FN void parallel_for(std::size_t count, double serial_ns, int threads, const F& body) {
  parallel_for(count, serial_ns, threads, [](void* f, std::size_t i) { (*static_cast<const F*>(f))(i); }, const_cast<F*>(&body));
}

// Threads used by default: what set_num_threads said, else what OpenMP says (OMP_NUM_THREADS, threadpoolctl).
FASTLOSS_API int get_num_threads();
// Sets the default for the whole process; n >= 1, or value_error.
FASTLOSS_API void set_num_threads(int n);
// The number of threads that the calling thread's latest parallel_for really had.
FASTLOSS_API int last_team_size();
// For tests: false gives every loop as many threads as it may have, whether they pay beside what else runs or not.
FASTLOSS_API void set_adaptive_teams(bool on);

}  // namespace fastloss

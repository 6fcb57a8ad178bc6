// Stores that went past the caches.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace fastloss {

// Streamed lines must be in memory before another thread is told that they are.
inline void finish_streaming() {
#if defined(__x86_64__)
  _mm_sfence();
#endif
}

}  // namespace fastloss

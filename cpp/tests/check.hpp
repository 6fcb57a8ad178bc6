// The whole test framework: CHECK prints what does not hold and counts it; main returns report().
#pragma once

#include <cstdio>

inline int failed_checks = 0;

#define CHECK(condition)                                                         \
  do {                                                                           \
    if (!(condition)) {                                                          \
      std::printf("%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition); \
      ++failed_checks;                                                           \
    }                                                                            \
  } while (false)

inline int report() {
  if (failed_checks == 0) return 0;
  std::printf("%d checks failed\n", failed_checks);
  return 1;
}

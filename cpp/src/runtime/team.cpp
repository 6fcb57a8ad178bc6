#include "runtime/team.hpp"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

namespace fastloss {
namespace {

// Every loss has run on threads of 16 KiB, the least that the system makes; the frame of a signal with the registers of AVX-512 takes
// 3.5 KiB, and a handler some more.
constexpr std::size_t stack_for_work = std::size_t{32} << 10;

// What libgomp and the thread's own memory take for each thread beside its stack, with room to spare.
constexpr std::size_t bytes_beside_stack = std::size_t{1} << 20;

// A trial takes about as long as making the team. Teams that shrink and grow are not tried at every turn, nor is one that was
// refused.
constexpr std::chrono::seconds between_trials{1};

thread_local int present_team = 1;

// Stack of a thread of OpenMP, read as libgomp reads it: a number with an optional unit, kibibytes without one. 0: the system's.
std::size_t openmp_stack_bytes() {
  for (const char* const name : {"OMP_STACKSIZE", "GOMP_STACKSIZE"}) {
    const char* const text = std::getenv(name);
    if (text == nullptr) continue;
    char* end = nullptr;
    const unsigned long long number = std::strtoull(text, &end, 10);
    if (end == text) continue;
    while (std::isspace(static_cast<unsigned char>(*end)) != 0) ++end;
    int shift = 10;
    switch (std::tolower(static_cast<unsigned char>(*end))) {
      case 'b':
        shift = 0;
        break;
      case 'm':
        shift = 20;
        break;
      case 'g':
        shift = 30;
        break;
      default:
        break;
    }
    return static_cast<std::size_t>(number) << shift;
  }
  return 0;
}

// Threads that wait until all of them have been made, so that the system's room for all at once is seen.
class trial {
 public:
  explicit trial(int wanted) {
    try {
      threads_.resize(static_cast<std::size_t>(wanted));
    } catch (const std::bad_alloc&) {
      return;
    }
    pthread_attr_t attributes;
    if (pthread_attr_init(&attributes) != 0) return;
    static const std::size_t stack = openmp_stack_bytes();
    if (stack != 0) pthread_attr_setstacksize(&attributes, stack);  // libgomp, too, ignores one that is refused
    for (made_ = 0; made_ < wanted; ++made_) {
      member& m = threads_[static_cast<std::size_t>(made_)];
      m.of = this;
      if (pthread_create(&m.thread, &attributes, wait, &m) != 0) break;
    }
    pthread_attr_destroy(&attributes);
  }
  trial(const trial&) = delete;
  trial& operator=(const trial&) = delete;
  ~trial() {
    {
      const std::lock_guard lock(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    for (int i = 0; i < made_; ++i) {
      const member& m = threads_[static_cast<std::size_t>(i)];
      pthread_join(m.thread, nullptr);
      // A thread that was joined counts against the user's limit until the kernel has let go of it.
      for (int spin = 0; spin < most_spins && syscall(SYS_tgkill, getpid(), m.id, 0) == 0; ++spin) sched_yield();
    }
  }

  // How many of the threads have room for the rest of what they need, too.
  int count() const {
    for (int left = made_; left > 0; --left) {
      const std::size_t bytes = static_cast<std::size_t>(left) * bytes_beside_stack;
      void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
      if (memory == MAP_FAILED) continue;
      munmap(memory, bytes);
      return left;
    }
    return 0;
  }

 private:
  struct member {
    trial* of = nullptr;
    pthread_t thread{};
    pid_t id = 0;
  };
  static constexpr int most_spins = 10000;

  static void* wait(void* self) {
    member& m = *static_cast<member*>(self);
    m.id = static_cast<pid_t>(syscall(SYS_gettid));
    std::unique_lock lock(m.of->mutex_);
    m.of->changed_.wait(lock, [&] { return m.of->over_; });
    return nullptr;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool over_ = false;
  std::vector<member> threads_;
  int made_ = 0;
};

bool measure_stack() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return false;
  void* lowest = nullptr;
  std::size_t bytes = 0;
  const bool known = pthread_attr_getstack(&attributes, &lowest, &bytes) == 0;
  pthread_attr_destroy(&attributes);
  const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
  return known && here - reinterpret_cast<std::uintptr_t>(lowest) >= stack_for_work;
}

}  // namespace

int affordable_team(int wanted) {
  using clock = std::chrono::steady_clock;
  // What the latest trial of this thread was asked for and found, and until when it is believed.
  thread_local int asked_for = 1, found = 1;
  thread_local clock::time_point believed_until{};
  if (wanted <= present_team) return wanted;
  const clock::time_point now = clock::now();
  if (now >= believed_until || (wanted > found && found >= asked_for)) {
    asked_for = wanted;
    found = present_team + trial(wanted - present_team).count();
    believed_until = now + between_trials;
  }
  return std::min(wanted, std::max(found, present_team));
}

void team_was(int wanted) { present_team = wanted; }

bool has_stack_for_work() {
  thread_local const bool has = measure_stack();
  return has;
}

}  // namespace fastloss

// Figures that decided this (40 MB result, two threads): faulting fresh huge pages in costs 0.8 to 1.7 ms, fresh small pages
// 6 to 8 ms, the computation itself 0.9 ms. Telling the kernel with MADV_FREE that it may take a kept block back costs
// 0.01 ms on huge pages, but 2 ms on small ones, where it is therefore left out.
#include "fastloss/runtime/memory.hpp"

#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <string>

#include "runtime/environment.hpp"

namespace fastloss {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr std::size_t huge_page = 2 * mebibyte;
constexpr std::size_t default_limit_mb = 256;
constexpr std::size_t most_blocks = 64;

struct block {
  void* data;
  std::size_t bytes;
};

// Sixteen sizes between one power of two and the next: at most 1/16 of a block is unused, and it is never touched.
std::size_t size_class(std::size_t bytes) {
  if (bytes > std::numeric_limits<std::size_t>::max() / 4) throw std::bad_alloc();
  const std::size_t step = std::max(huge_page, std::bit_floor(bytes) / 16);
  return std::max(step, (bytes + step - 1) / step * step);
}

void* map(std::size_t bytes) {
  const std::size_t mapped = bytes + huge_page;  // room to align in
  void* raw = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (raw == MAP_FAILED) return nullptr;
  const auto begin = reinterpret_cast<std::uintptr_t>(raw);
  const std::uintptr_t aligned = (begin + huge_page - 1) & ~(huge_page - 1);
  const std::size_t before = aligned - begin;
  if (before) munmap(raw, before);
  munmap(reinterpret_cast<void*>(aligned + bytes), huge_page - before);
  madvise(reinterpret_cast<void*>(aligned), bytes, MADV_HUGEPAGE);
  return reinterpret_cast<void*>(aligned);
}

// Freed blocks, the oldest first. Constant-initialised and trivially destroyed: arrays may be freed after static
// destructors have run.
struct kept_blocks {
  std::mutex mutex;
  std::array<block, most_blocks> blocks;
  std::size_t count = 0;
  std::size_t bytes = 0;

  block remove(std::size_t position) {
    const block taken = blocks[position];
    for (std::size_t i = position + 1; i < count; ++i) blocks[i - 1] = blocks[i];
    --count;
    bytes -= taken.bytes;
    return taken;
  }

  void add(block freed) {
    blocks[count++] = freed;
    bytes += freed.bytes;
  }

  void unmap_all() {
    for (std::size_t i = 0; i < count; ++i) munmap(blocks[i].data, blocks[i].bytes);
    count = bytes = 0;
  }
};

constinit kept_blocks kept{};

struct settings {
  std::size_t limit = default_limit_mb * mebibyte;
  bool huge_pages = true;
  std::string error;

  settings() {
    read_limit(std::getenv("FASTLOSS_CACHE_MB"));
    if (std::FILE* file = std::fopen("/sys/kernel/mm/transparent_hugepage/enabled", "re")) {
      char line[128] = {};
      huge_pages = std::fgets(line, sizeof line, file) && !std::strstr(line, "[never]");
      std::fclose(file);
    } else {
      huge_pages = false;
    }
  }

  void read_limit(const char* text) {
    if (text == nullptr || *text == '\0') return;
    std::size_t value = 0;
    for (const char* c = text; *c; ++c) {
      if (*c < '0' || *c > '9' || value > std::numeric_limits<std::size_t>::max() / mebibyte / 10 - 1) {
        error = "FASTLOSS_CACHE_MB: got \"" + std::string(text) + "\", need a whole number of MiB (0 turns the cache off)";
        return;
      }
      value = value * 10 + static_cast<std::size_t>(*c - '0');
    }
    limit = value * mebibyte;
  }
};

const settings& at_load() {
  static const settings& once = *new settings;  // never destroyed, for the same reason
  return once;
}

// The mutex is held over a fork, so that the child never sees a half-changed list. The child gives its copies up: they
// are shared with the parent page by page, and writing to them would copy every page first.
void before_fork() { kept.mutex.lock(); }
void after_fork_in_parent() { kept.mutex.unlock(); }
void after_fork_in_child() {
  kept.unmap_all();
  kept.mutex.unlock();
}

[[maybe_unused]] const bool registered = [] {
  at_load();
  pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  return true;
}();

std::size_t read_last_level_cache() {
  std::size_t largest_level = 0, bytes = 0;
  for (int index = 0; index < 8; ++index) {
    const std::string directory = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
    std::size_t level = 0, kibibytes = 0;
    if (std::FILE* file = std::fopen((directory + "/level").c_str(), "re")) {
      if (std::fscanf(file, "%zu", &level) != 1) level = 0;
      std::fclose(file);
    }
    if (std::FILE* file = std::fopen((directory + "/size").c_str(), "re")) {
      if (std::fscanf(file, "%zuK", &kibibytes) != 1) kibibytes = 0;
      std::fclose(file);
    }
    if (level > largest_level && kibibytes > 0) {
      largest_level = level;
      bytes = kibibytes * 1024;
    }
  }
  if (largest_level >= 2) return bytes;
#if defined(_SC_LEVEL3_CACHE_SIZE)
  if (const long reported = sysconf(_SC_LEVEL3_CACHE_SIZE); reported > 0) return static_cast<std::size_t>(reported);
#endif
  return 32 * mebibyte;
}

}  // namespace

result_block acquire_result(std::size_t bytes) {
  const std::size_t wanted = size_class(bytes);
  {
    const std::lock_guard lock(kept.mutex);
    for (std::size_t i = kept.count; i-- > 0;) {  // the latest is the likeliest to be in a cache
      if (kept.blocks[i].bytes == wanted) return {kept.remove(i).data, wanted, true};
    }
  }
  void* data = map(wanted);
  if (data == nullptr) {
    empty_cache();
    data = map(wanted);
  }
  if (data == nullptr) throw std::bad_alloc();
  return {data, wanted, false};
}

void release_result(void* data, std::size_t bytes) noexcept {
  const std::size_t limit = at_load().limit;
  if (bytes > limit) {
    munmap(data, bytes);
    return;
  }
  if (at_load().huge_pages) madvise(data, bytes, MADV_FREE);
  std::array<block, most_blocks> evicted;
  std::size_t evicted_count = 0;
  {
    const std::lock_guard lock(kept.mutex);
    while (kept.count > 0 && (kept.count == most_blocks || kept.bytes > limit - bytes)) evicted[evicted_count++] = kept.remove(0);
    kept.add({data, bytes});
  }
  for (std::size_t i = 0; i < evicted_count; ++i) munmap(evicted[i].data, evicted[i].bytes);
}

void empty_cache() noexcept {
  const std::lock_guard lock(kept.mutex);
  kept.unmap_all();
}

cache_state get_cache_state() noexcept {
  const std::lock_guard lock(kept.mutex);
  return {at_load().limit, kept.bytes, kept.count};
}

std::size_t streaming_bytes() noexcept {
  // Of a larger one, which dozens of processors share, others have their part: with 300 MiB, streaming stores take 0.7 of the time of
  // others at 48 MB of traffic (squared errors, 2 processors), and at 24 MB 1.05.
  static const std::size_t bytes = std::min(read_last_level_cache(), 32 * mebibyte);
  return bytes;
}

const char* cache_environment_error() noexcept { return at_load().error.empty() ? nullptr : at_load().error.c_str(); }

}  // namespace fastloss

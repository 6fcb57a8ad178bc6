// The cache of result blocks: alignment, reuse, bound, eviction, concurrency, forks.
#include "fastloss/runtime/memory.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <thread>
#include <vector>

#include "check.hpp"

namespace {

using fastloss::acquire_result;
using fastloss::empty_cache;
using fastloss::get_cache_state;
using fastloss::release_result;
using fastloss::result_block;

constexpr std::size_t mebibyte = std::size_t{1} << 20;

void blocks_are_aligned_and_writable() {
  empty_cache();
  for (std::size_t bytes : {std::size_t{0}, std::size_t{1}, 2 * mebibyte, 33 * mebibyte, 100 * mebibyte + 1}) {
    const result_block block = acquire_result(bytes);
    CHECK(reinterpret_cast<std::uintptr_t>(block.data) % (2 * mebibyte) == 0);
    CHECK(block.bytes >= bytes);
    CHECK(block.bytes <= bytes + bytes / 8 + 2 * mebibyte);
    CHECK(!block.recycled);
    auto* last = static_cast<unsigned char*>(block.data) + block.bytes - 1;
    CHECK(*last == 0);
    *last = 1;
    release_result(block.data, block.bytes);
    empty_cache();
  }
  CHECK(get_cache_state().kept_bytes == 0);
  CHECK(get_cache_state().kept_blocks == 0);
}

void freed_blocks_come_back() {
  empty_cache();
  const result_block first = acquire_result(40 * mebibyte);
  const result_block second = acquire_result(40 * mebibyte);
  CHECK(first.data != second.data);
  release_result(first.data, first.bytes);
  CHECK(get_cache_state().kept_bytes == first.bytes);
  const result_block other_size = acquire_result(80 * mebibyte);
  CHECK(!other_size.recycled);
  const result_block third = acquire_result(40 * mebibyte - 5);
  CHECK(third.recycled);
  CHECK(third.data == first.data);
  CHECK(get_cache_state().kept_blocks == 0);
  for (const result_block& block : {second, third, other_size}) release_result(block.data, block.bytes);
  empty_cache();
}

void bounded_and_oldest_first() {
  empty_cache();
  const std::size_t limit = get_cache_state().limit_bytes;
  CHECK(limit == 256 * mebibyte);
  std::vector<result_block> blocks;
  for (int i = 0; i < 7; ++i) blocks.push_back(acquire_result(40 * mebibyte));
  for (const result_block& block : blocks) {
    release_result(block.data, block.bytes);
    CHECK(get_cache_state().kept_bytes <= limit);
  }
  CHECK(get_cache_state().kept_blocks == 6);
  std::vector<result_block> again;
  for (int i = 0; i < 6; ++i) again.push_back(acquire_result(40 * mebibyte));
  for (const result_block& block : again) {
    CHECK(block.recycled);
    release_result(block.data, block.bytes);
  }
  const result_block too_large = acquire_result(limit + 1);
  release_result(too_large.data, too_large.bytes);
  CHECK(get_cache_state().kept_blocks == 6);
  empty_cache();
  for (int i = 0; i < 100; ++i) blocks.push_back(acquire_result(1));
  for (std::size_t i = 7; i < blocks.size(); ++i) release_result(blocks[i].data, blocks[i].bytes);
  CHECK(get_cache_state().kept_bytes <= limit);
  empty_cache();
}

void impossible_sizes_are_refused() {
  for (std::size_t bytes : {std::numeric_limits<std::size_t>::max(), std::numeric_limits<std::size_t>::max() / 8}) {
    bool refused = false;
    try {
      acquire_result(bytes);
    } catch (const std::bad_alloc&) {
      refused = true;
    }
    CHECK(refused);
  }
}

// Every thread stamps its block; a block in two hands would show the other's stamp.
void never_in_two_hands() {
  std::atomic<int> wrong{0};
  std::vector<std::thread> workers;
  for (std::uint64_t t = 0; t < 4; ++t) {
    workers.emplace_back([&, t] {
      for (std::uint64_t round = 0; round < 500; ++round) {
        const result_block block = acquire_result((34 + round % 3 * 4) * mebibyte);
        auto* stamp = static_cast<volatile std::uint64_t*>(block.data);
        stamp[0] = t * 1000 + round;
        std::this_thread::yield();
        wrong += stamp[0] != t * 1000 + round;
        release_result(block.data, block.bytes);
        if (round % 100 == 99) empty_cache();
      }
    });
  }
  for (std::thread& worker : workers) worker.join();
  CHECK(wrong == 0);
  CHECK(get_cache_state().kept_bytes <= get_cache_state().limit_bytes);
}

void fork_drops_the_list() {
  empty_cache();
  const result_block held = acquire_result(40 * mebibyte);
  std::memset(held.data, 7, 1000);
  const result_block freed = acquire_result(48 * mebibyte);
  release_result(freed.data, freed.bytes);
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) {
      const result_block block = acquire_result(36 * mebibyte);
      release_result(block.data, block.bytes);
    }
  });
  for (int repeat = 0; repeat < 20; ++repeat) {
    const pid_t pid = fork();
    if (pid == 0) {
      alarm(250);
      bool holds = get_cache_state().kept_blocks == 0 && static_cast<unsigned char*>(held.data)[999] == 7;
      const result_block block = acquire_result(48 * mebibyte);
      holds = holds && !block.recycled;
      release_result(block.data, block.bytes);
      release_result(held.data, held.bytes);
      _exit(holds ? 0 : 1);
    }
    int status = -1;
    waitpid(pid, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  stop = true;
  busy.join();
  CHECK(static_cast<unsigned char*>(held.data)[999] == 7);
  const result_block again = acquire_result(48 * mebibyte);
  CHECK(again.recycled);
  release_result(again.data, again.bytes);
  release_result(held.data, held.bytes);
}

}  // namespace

int main() {
  blocks_are_aligned_and_writable();
  freed_blocks_come_back();
  bounded_and_oldest_first();
  impossible_sizes_are_refused();
  never_in_two_hands();
  fork_drops_the_list();
  CHECK(fastloss::streaming_bytes() >= 64 * 1024);
  return report();
}

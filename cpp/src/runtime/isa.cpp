// Compiled for the oldest processor of the architecture: this code decides whether newer code may run.
#include "fastloss/runtime/isa.hpp"

#include <cstdlib>
#include <cstring>
#include <string>

#include "fastloss/core/errors.hpp"
#include "isa/dispatch.hpp"
#include "isa/kernel_table.hpp"
#include "runtime/environment.hpp"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fastloss {

constinit std::atomic<const kernel_table*> active_kernel_table{nullptr};

namespace {

// The kernels in this build, from least to most capable. `level` is what the processor must reach.
struct built_isa {
  int level;
  const kernel_table* table;
};

constexpr built_isa built[] = {
#if defined(FASTLOSS_HAS_V2)
    {2, &fastloss_kernels_v2},
#endif
#if defined(FASTLOSS_HAS_V3)
    {3, &fastloss_kernels_v3},
#endif
#if defined(FASTLOSS_HAS_V4)
    {4, &fastloss_kernels_v4},
#endif
#if defined(FASTLOSS_HAS_NEON)
    {0, &fastloss_kernels_neon},
#endif
};
constexpr int built_count = sizeof(built) / sizeof(built[0]);

#if defined(__x86_64__)

enum cpuid_register { eax, ebx, ecx, edx };

struct feature {
  const char* name;
  int level;  // of the psABI's x86-64-v2, v3, v4
  unsigned leaf;
  cpuid_register where;
  int bit;
};

constexpr feature features[] = {
    {"CMPXCHG16B", 2, 1, ecx, 13}, {"LAHF/SAHF", 2, 0x80000001, ecx, 0},
    {"POPCNT", 2, 1, ecx, 23},     {"SSE3", 2, 1, ecx, 0},
    {"SSSE3", 2, 1, ecx, 9},       {"SSE4.1", 2, 1, ecx, 19},
    {"SSE4.2", 2, 1, ecx, 20},     {"AVX", 3, 1, ecx, 28},
    {"AVX2", 3, 7, ebx, 5},        {"BMI1", 3, 7, ebx, 3},
    {"BMI2", 3, 7, ebx, 8},        {"F16C", 3, 1, ecx, 29},
    {"FMA", 3, 1, ecx, 12},        {"LZCNT", 3, 0x80000001, ecx, 5},
    {"MOVBE", 3, 1, ecx, 22},      {"OSXSAVE", 3, 1, ecx, 27},
    {"AVX512F", 4, 7, ebx, 16},    {"AVX512BW", 4, 7, ebx, 30},
    {"AVX512CD", 4, 7, ebx, 28},   {"AVX512DQ", 4, 7, ebx, 17},
    {"AVX512VL", 4, 7, ebx, 31},
};

bool has(const feature& f) {
  unsigned registers[4] = {0, 0, 0, 0};
  if (!__get_cpuid_count(f.leaf, 0, &registers[eax], &registers[ebx], &registers[ecx], &registers[edx])) return false;
  return ((registers[f.where] >> f.bit) & 1u) != 0;
}

bool has_all_of(int level) {
  for (const feature& f : features) {
    if (f.level == level && !has(f)) return false;
  }
  return true;
}

// Which register state the operating system saves on a context switch. Needs OSXSAVE.
unsigned saved_state() {
  unsigned low, high;
  __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low;
}

int processor_level() {
  constexpr unsigned avx_state = 0x06, avx512_state = 0xe6;
  if (!has_all_of(2)) return 1;
  if (!has_all_of(3) || (saved_state() & avx_state) != avx_state) return 2;
  if (!has_all_of(4) || (saved_state() & avx512_state) != avx512_state) return 3;
  return 4;
}

std::string list_missing() {
  std::string names;
  for (const feature& f : features) {
    if (f.level == 2 && !has(f)) names += (names.empty() ? "" : ", ") + std::string(f.name);
  }
  return names;
}

#else

int processor_level() { return 0; }
std::string list_missing() { return {}; }

#endif

struct state {
  const char* available[built_count + 1] = {};
  const kernel_table* tables[built_count] = {};
  int count = 0;
  std::string missing;
  std::string environment_error;

  state() {
    const int level = processor_level();
    for (const built_isa& isa : built) {
      if (isa.level > level) continue;
      available[count] = isa.table->isa;
      tables[count++] = isa.table;
    }
    missing = list_missing();
    if (count == 0) {
      if (missing.empty()) missing = "an instruction set that this build has kernels for";
      return;
    }
    active_kernel_table.store(tables[count - 1], std::memory_order_release);
    const char* wanted = std::getenv("FASTLOSS_ISA");
    if (wanted == nullptr || *wanted == '\0') return;
    if (const kernel_table* table = find(wanted)) {
      active_kernel_table.store(table, std::memory_order_release);
    } else {
      environment_error = "FASTLOSS_ISA: " + unavailable(wanted);
    }
  }

  const kernel_table* find(const char* name) const {
    for (int i = 0; i < count; ++i) {
      if (std::strcmp(available[i], name) == 0) return tables[i];
    }
    return nullptr;
  }

  std::string unavailable(const char* name) const {
    std::string message = "this machine has no instruction set \"" + std::string(name) + "\"; available:";
    for (int i = 0; i < count; ++i) message += (i ? ", " : " ") + std::string(available[i]);
    return message;
  }
};

const state& detected() {
  static const state& once = *new state;  // never destroyed: other static objects may still ask
  return once;
}

// Runs at load, so that active_kernels() needs no check.
[[maybe_unused]] const state& at_load = detected();

}  // namespace

const char* const* available_isas() { return detected().available; }

const char* active_isa() {
  const kernel_table* table = active_kernel_table.load(std::memory_order_acquire);
  return table ? table->isa : "none";
}

void use_isa(const char* name) {
  const kernel_table* table = detected().find(name);
  if (table == nullptr) throw value_error(detected().unavailable(name));
  active_kernel_table.store(table, std::memory_order_release);
}

const char* missing_features() { return detected().missing.empty() ? nullptr : detected().missing.c_str(); }

const char* isa_environment_error() noexcept {
  return detected().environment_error.empty() ? nullptr : detected().environment_error.c_str();
}

}  // namespace fastloss

// The floating-point mode that everything is computed in: to nearest, subnormal numbers kept, no traps. A caller may have
// another one (torch.set_flush_denormal, fesetround, feenableexcept), and the threads of a team have their own: without a
// mode of ours, results would depend on it and on which thread computed them, and a flag raised by the arm of a choice that is
// not taken could end the process.
#pragma once

#if defined(__x86_64__) || defined(__aarch64__)
#include <cstdint>
#else
#include <cfenv>
#endif

namespace fastloss {

// Sets the mode for the calling thread and gives the caller's back, flags included, when it is destroyed. What is to be computed
// in the mode belongs into a function that is not inlined beside it: a compiler may move arithmetic across the change.
class standard_floating_point {
 public:
  standard_floating_point() noexcept : callers_(read()) {
    if (is_other()) [[unlikely]]
      write(standard);
  }
  ~standard_floating_point() {
    if (is_other()) [[unlikely]]
      write(callers_);
  }
  standard_floating_point(const standard_floating_point&) = delete;
  standard_floating_point& operator=(const standard_floating_point&) = delete;

 protected:
#if defined(__x86_64__)
  // MXCSR: the six flags are no part of the mode; all exceptions masked, to nearest, neither flushing nor denormals as zeros.
  using state = std::uint32_t;
  static constexpr state flags = 0x3f, standard = 0x1f80;
  // The memory clobber keeps loads and stores of what is computed on their side.
  static state read() noexcept {
    state s;
    __asm__ volatile("stmxcsr %0" : "=m"(s));
    return s;
  }
  static void write(state s) noexcept { __asm__ volatile("ldmxcsr %0" : : "m"(s) : "memory"); }
  bool is_other() const noexcept { return (callers_ & ~flags & 0xffffu) != standard; }
#elif defined(__aarch64__)
  // FPCR: all zero is to nearest, no flushing, NaN propagated, no traps. The flags are in a register of their own.
  using state = std::uint64_t;
  static constexpr state standard = 0;
  static state read() noexcept {
    state s;
    __asm__ volatile("mrs %0, fpcr" : "=r"(s));
    return s;
  }
  static void write(state s) noexcept { __asm__ volatile("msr fpcr, %0" : : "r"(s) : "memory"); }
  bool is_other() const noexcept { return callers_ != standard; }
#else
  struct state {
    std::fenv_t environment;
  };
  static constexpr const std::fenv_t* standard = FE_DFL_ENV;
  static state read() noexcept {
    state s;
    std::fegetenv(&s.environment);
    return s;
  }
  static void write(const std::fenv_t* s) noexcept { std::fesetenv(s); }
  static void write(const state& s) noexcept { std::fesetenv(&s.environment); }
  bool is_other() const noexcept { return true; }
#endif

  const state callers_;
};

// The same, and no flag that is raised while it lives stays raised: formulas compute both arms of a choice, and NumPy reports the
// flags of its ufuncs as warnings.
class quiet_floating_point : public standard_floating_point {
 public:
  quiet_floating_point() noexcept : flags_(read_flags()) {}
  ~quiet_floating_point() { write_flags(flags_); }

 private:
#if defined(__aarch64__)
  static state read_flags() noexcept {
    state s;
    __asm__ volatile("mrs %0, fpsr" : "=r"(s));
    return s;
  }
  static void write_flags(state s) noexcept { __asm__ volatile("msr fpsr, %0" : : "r"(s) : "memory"); }
#else
  // The flags are part of what the base class holds.
  state read_flags() const noexcept { return callers_; }
  static void write_flags(const state& s) noexcept { write(s); }
#endif

  const state flags_;
};

}  // namespace fastloss

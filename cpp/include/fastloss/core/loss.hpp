// How a loss describes itself: operands (arrays or numbers that are broadcast and may have a gradient) and options (numbers
// that shape the formula). A loss struct holds its options as members and carries these descriptions as data; the front
// door, the Python bindings and the tests read them, so that nothing is said twice.
#pragma once

#include <cstddef>
#include <limits>
#include <span>

#include "fastloss/core/array.hpp"
#include "fastloss/core/config.hpp"

namespace fastloss {

inline constexpr int max_operands = 6;
inline constexpr int max_options = 12;
inline constexpr std::size_t max_initial = 16;  // numbers in the default of one operand
inline constexpr std::size_t max_loss_bytes = 128;

// The values an operand or an option may take. NaN passes where it can come back as NaN, which is everywhere but in counts.
struct domain {
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  bool lower_open = false;
  bool upper_open = false;
  bool ends_only = false;  // only the two ends themselves, such as labels -1 and 1
  bool whole = false;      // of an option: how many of something, below 2^53
  bool always = false;     // checked in every call, not only under errstate(domain="raise")
  // Checked by the pass that computes, which may have written results before the error. For losses whose operands of full size all
  // have domains: a pass that only checks would read everything that they read.
  bool in_pass = false;

  constexpr bool everything() const {
    return lower == -std::numeric_limits<double>::infinity() && upper == std::numeric_limits<double>::infinity() && !ends_only;
  }
  FASTLOSS_FN constexpr bool contains(double x) const {
    if (x != x) return !whole;
    if (ends_only) return x == lower || x == upper;
    if (whole && !(x < 0x1p53 && x == static_cast<double>(static_cast<long long>(x)))) return false;
    return (lower_open ? x > lower : x >= lower) && (upper_open ? x < upper : x <= upper);
  }
};

constexpr domain everywhere() { return {}; }
constexpr domain above(double lower) { return {.lower = lower, .lower_open = true}; }
constexpr domain at_least(double lower) { return {.lower = lower}; }
constexpr domain count_from(double lower, double upper) { return {.lower = lower, .upper = upper, .whole = true}; }
constexpr domain at_most(double upper) { return {.upper = upper}; }
constexpr domain between(double lower, double upper) { return {.lower = lower, .upper = upper}; }
constexpr domain strictly_between(double lower, double upper) {
  return {.lower = lower, .upper = upper, .lower_open = true, .upper_open = true};
}
constexpr domain either(double a, double b) { return {.lower = a, .upper = b, .ends_only = true}; }
constexpr domain checked_always(domain d) {
  d.always = true;
  return d;
}
constexpr domain checked_in_pass(domain d) {
  d.always = d.in_pass = true;
  return d;
}

// What an operand is to every engine. An engine's own flags, its roles, start at bit 8: engines/<name>.hpp.
enum operand_flags : unsigned {
  differentiable = 1u,  // has a gradient
  optional = 2u,        // may be left out; the formula then sees the constant 1
  multiplies = 4u,      // torch's `weight`: multiplies the loss outside the formula, which never sees it
  integer = 8u,         // class indices or counts: only integer dtypes are accepted
  trailing = 16u,       // aligns to the trailing axes of the input (torch's weight and pos_weight)
  leading = 32u,        // one rank less than the input aligns to its leading axes (the Gaussian variance)
};
inline constexpr int first_role = 8;

struct operand {
  const char* name;
  unsigned flags = 0;
  domain values{};
  // What the formula sees when the operand is left out: a number, or one number for each element of the last axis.
  std::span<const double> initial{};

  constexpr bool may_be_left_out() const { return is(optional) || !initial.empty(); }
  constexpr bool is(unsigned flag) const { return (flags & flag) != 0; }
};

// A member of the loss struct that shapes its formula: a number, a switch, or one of several named choices.
template <class L>
struct option {
  const char* name;
  double L::* number = nullptr;
  bool L::* toggle = nullptr;
  int L::* choice = nullptr;
  domain values{};
  const char* const* choices = nullptr;
  int choice_count = 0;
  double none = std::numeric_limits<double>::quiet_NaN();  // the number that Python's None stands for; NaN: it is refused

  constexpr option(const char* n, double L::* m, domain d) : name(n), number(m), values(d) {}
  constexpr option(const char* n, double L::* m, domain d, double for_none) : name(n), number(m), values(d), none(for_none) {}
  constexpr option(const char* n, bool L::* m) : name(n), toggle(m) {}
  template <int N>
  constexpr option(const char* n, int L::* m, const char* const (&c)[N]) : name(n), choice(m), choices(c), choice_count(N) {}
};

// What each unit adds to the denominator of the mean: 1, its weight, or what the loss says in `denominator_term`. The different
// denominators of torch are choices of this.
enum class denominator : unsigned char { count, weight, term };

enum class option_kind : unsigned char { number, toggle, choice };

struct option_info {
  const char* name;
  option_kind kind;
  domain values;
  const char* const* choices;
  int choice_count;
  double initial;  // the default
  double none;     // the number that None stands for, or NaN
};

// What not every call has. A loss takes some of it; a call that gives or asks for the rest is refused.
enum call_part : unsigned {
  part_hess = 1u,           // hess(), grad_and_hess()
  part_vector = 2u,         // hvp()
  part_extras = 4u,         // return_
  part_axis = 8u,           // axis
  part_ignore_index = 16u,  // ignore_index
  part_ufunc = 32u,         // a unit by itself, as a numpy.ufunc
  part_no_axis = 64u,       // axis may say that there is none
};
inline constexpr const char* part_names[] = {"hess", "vector", "extras", "axis", "ignore_index", "ufunc", "no_axis"};

// What errors call an argument, where a function that is a loss under another name takes it under another name too.
struct argument_names {
  const char* axis = "axis";
  const char* vector = "vector";
  const char* out = nullptr;  // the one output of a call; null: it is said which output it is
};

struct engine;
struct loss_info;

// From and to the struct of a loss, whose type is erased. All get the description that they belong to, so that losses which are
// made while a program runs can share them.
struct loss_functions {
  void (*construct)(const loss_info&, void* loss);  // fills in the defaults
  void (*set)(const loss_info&, void* loss, int option, double value);
  double (*get)(const loss_info&, const void* loss, int option);
  domain (*values)(const loss_info&, const void* loss, int operand);  // of an operand under these options; null: as the operands say
};

// A loss with its type erased: what is needed to check and run a call.
struct loss_info {
  const char* name;
  const fastloss::engine* engine;
  std::span<const operand> operands;
  std::span<const option_info> options;
  std::size_t bytes;  // sizeof the struct
  loss_functions functions;
  denominator mean_over;
  unsigned parts;              // bits of call_part that its calls may have
  unsigned default_wrt;        // bits: the operands that a gradient is in unless a call says which
  double cost_ns_per_element;  // estimated cost of value and gradient, one thread, in the engine's unit of work: decides when threads pay
  const void* traits;          // the engine's own description: engines/<name>.hpp
  int index;                   // position in the registry, or -1 for a user's own loss
  const void* kernels;         // a user's own, of the engine's type; null for a registered loss, whose kernels the dispatcher picks
  argument_names arguments{};

  void construct(void* loss) const { functions.construct(*this, loss); }
  void set(void* loss, int option, double value) const { functions.set(*this, loss, option, value); }
  double get(const void* loss, int option) const { return functions.get(*this, loss, option); }
  domain values_of(const void* loss, int k) const {
    return functions.values != nullptr ? functions.values(*this, loss, k) : operands[static_cast<std::size_t>(k)].values;
  }
};

}  // namespace fastloss

// How a loss describes itself: operands (arrays or numbers that stretch and may have a gradient) and options (numbers
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
inline constexpr int max_options = 8;
inline constexpr std::size_t max_initial = 16;  // numbers in the default of one operand
inline constexpr std::size_t max_loss_bytes = 128;

// The values an operand or an option may take. NaN always passes: it is data, and comes back as NaN.
struct domain {
  double lower = -std::numeric_limits<double>::infinity();
  double upper = std::numeric_limits<double>::infinity();
  bool lower_open = false;
  bool upper_open = false;
  bool ends_only = false;  // only the two ends themselves, such as labels -1 and 1
  bool always = false;     // checked in every call, not only under errstate(domain="raise")
  // Checked by the pass that computes, which may have written results before the error. For losses whose operands of full size all
  // have domains: a pass that only checks would read everything that they read.
  bool in_pass = false;

  constexpr bool everything() const {
    return lower == -std::numeric_limits<double>::infinity() && upper == std::numeric_limits<double>::infinity() && !ends_only;
  }
  FASTLOSS_FN constexpr bool contains(double x) const {
    if (x != x) return true;
    if (ends_only) return x == lower || x == upper;
    return (lower_open ? x > lower : x >= lower) && (upper_open ? x < upper : x <= upper);
  }
};

constexpr domain everywhere() { return {}; }
constexpr domain above(double lower) { return {.lower = lower, .lower_open = true}; }
constexpr domain at_least(double lower) { return {.lower = lower}; }
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

enum operand_flags : unsigned {
  differentiable = 1u,  // has a gradient
  optional = 2u,        // may be left out; the formula then sees the constant 1
  multiplies = 4u,      // torch's `weight`: multiplies the loss outside the formula, which never sees it
  integer = 8u,         // class indices or counts: only integer dtypes are accepted
  trailing = 16u,       // aligns to the trailing axes of the input (torch's weight and pos_weight)
  leading = 32u,        // one rank less than the input aligns to its leading axes (the Gaussian variance)
  // Row-wise losses only:
  class_index = 64u,      // class indices, of any integer dtype, one for each row
  distribution = 128u,    // one number for each class of each row; with class_index: either, as the dtype says
  per_class = 256u,       // one number for each class
  in_logit = 512u,        // an argument of the loss's `logit`, not of its `value`
  over_least = 1024u,     // with per_class: divided by the least of its numbers before any formula sees it
  as_logits = 2048u,      // with distribution: scores like the input's; formulas see the logarithms of their probabilities
  in_label_term = 4096u,  // class indices beside a distribution: an argument of the loss's `of_label`, not of its `value`
  // Class indices of any integer dtype, of the input's shape: those of a row up to its first -1. The formula sees u of every class
  // that the row does not list, with t = 1, relative to each class that it does list.
  class_list = 8192u,
  // Class indices that may be an array of one where the input is a row by itself: the loss then has that shape, too.
  one_of_a_row = 16384u,
};

// What the formula of a row-wise loss sees of a class is u = x - r: the class's score, or logit, less a reference of its row.
enum class row_reference : unsigned char {
  absent,       // not a row-wise loss: elements are on their own
  log_sum_exp,  // u is the logarithm of a softmax probability
  zero,         // u is the score itself
  runner_up,    // the largest score of the other classes: u is the margin of the target class
  picked,       // the score of the target class: u is by how much a class is ahead of it
  sparsemax,    // the conjugate of the squared norm on the simplex, whose gradient is sparsemax
};

struct operand {
  const char* name;
  unsigned flags = 0;
  domain values{};
  // What the formula sees when the operand is left out: a number, or one number for each element of the last axis.
  std::span<const double> initial{};

  constexpr bool may_be_left_out() const { return is(optional) || !initial.empty(); }
  constexpr bool is(unsigned flag) const { return (flags & flag) != 0; }
};

// Whether the operand is an argument of the loss's `value`.
constexpr bool is_seen_by_value(const operand& o) { return !o.is(multiplies) && !o.is(in_logit) && !o.is(in_label_term); }

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

// What each element adds to the denominator of the mean: torch's different denominators are choices of this.
enum class denominator : unsigned char { count, weight, share };

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

// The value of a head h(S, D) and its derivatives in S and D.
struct head_value {
  double value, by_sum, by_denominator;
};

// What a row-wise loss is under its options: what is not there need not be computed.
struct row_traits {
  double label_smoothing = 0.0;  // the share of a target that is spread over all classes
  bool linear = false;           // value(u, t) = -t u
  bool transforms = false;       // `logit` is not the identity
  bool regularises = false;      // `of_reference` is not 0
  // Where there are class indices beside a distribution: the share of `value` in the loss. `of_label` has the rest.
  double distribution_share = 1.0;
};

struct loss_kernels;  // engine/pointwise_kernels.hpp

// A loss with its type erased: what the front door needs to check and run a call.
struct loss_info {
  const char* name;
  std::span<const operand> operands;
  std::span<const option_info> options;
  std::size_t bytes;              // sizeof the struct
  void (*construct)(void* loss);  // fills in the defaults
  void (*set)(void* loss, int option, double value);
  double (*get)(const void* loss, int option);
  domain (*values)(const void* loss, int operand);                       // of an operand under these options; null: as the operands say
  head_value (*head)(const void* loss, double sum, double denominator);  // null: sum / denominator
  denominator share;
  bool of_difference;                   // a formula of input - target: the target's gradient is minus the input's
  bool elementwise;                     // no head: Hessians and ufuncs exist
  row_reference reference;              // of a row-wise loss
  bool mean_over_classes;               // the loss of a row is the mean over its classes, not the sum
  row_traits (*row)(const void* loss);  // of a row-wise loss
  const char* linear_of;                // of a loss of linear scores: the row-wise loss of these; null: neither
  double nanoseconds;                   // estimated cost per element of value and gradient, one thread: decides when threads pay
  int index;                            // position in the registry, or -1 for a user's own loss
  const loss_kernels* kernels;          // a user's own kernels; null for a registered loss, whose kernels the dispatcher picks

  domain values_of(const void* loss, int k) const {
    return values != nullptr ? values(loss, k) : operands[static_cast<std::size_t>(k)].values;
  }
};

}  // namespace fastloss

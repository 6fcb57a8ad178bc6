// Contrastive losses, each written in what an anchor's similarity with others exceeds that with its positives by
// (engines/similarity.hpp).
#pragma once

#include <array>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/similarity.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

inline constexpr double a_tenth[] = {0.1}, a_half[] = {0.5};
inline constexpr double ten[] = {10.0}, minus_ten[] = {-10.0};
inline constexpr double log_of_clip[] = {2.6592600369327779};  // log(1 / 0.07)
inline constexpr domain temperature_domain = checked_always(above(0));

// The cross-entropy of a positive among negatives, or of one pair, of which the excess is: log(1 + exp(u)).
template <class U>
FASTLOSS_FN auto positive_among_negatives(U u) {
  return softplus2(u).positive;
}

struct info_nce {
  bool symmetric = false, in_batch = true;

  static constexpr const char* name = "info_nce_loss";
  static constexpr similarity_traits traits{};
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"positive", differentiable | embedding_rows},
                                         {"negative", differentiable | optional | negative_rows},
                                         {"temperature", differentiable | as_temperature, temperature_domain, a_tenth}};
  static constexpr auto options() {
    using L = info_nce;
    return std::array{option<L>{"symmetric", &L::symmetric}, option<L>{"in_batch", &L::in_batch}};
  }
  constexpr similarity_form form() const { return {.both_ways = symmetric, .in_batch = in_batch}; }

  template <class U>
  FASTLOSS_FN auto value(U excess) const {
    return positive_among_negatives(excess);
  }
};

struct nt_xent {
  static constexpr const char* name = "nt_xent_loss";
  static constexpr similarity_traits traits{};
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"other", differentiable | optional | embedding_rows},
                                         {"labels", optional | integer | group_index},
                                         {"memory", differentiable | optional | memory_rows},
                                         {"memory_labels", optional | integer | memory_index},
                                         {"temperature", differentiable | as_temperature, temperature_domain, a_half}};
  constexpr similarity_form form() const { return {.one_set = true, .each_positive = true}; }

  template <class U>
  FASTLOSS_FN auto value(U excess) const {
    return positive_among_negatives(excess);
  }
};

struct clip {
  static constexpr const char* name = "clip_loss";
  static constexpr similarity_traits traits{};
  static constexpr operand operands[] = {{"image", differentiable},
                                         {"text", differentiable | embedding_rows},
                                         {"logit_scale", differentiable | as_log_scale, {}, log_of_clip}};
  constexpr similarity_form form() const { return {.both_ways = true}; }

  template <class U>
  FASTLOSS_FN auto value(U excess) const {
    return positive_among_negatives(excess);
  }
};

// The loss of a pair is the binary cross-entropy of whether it is a positive.
struct siglip {
  static constexpr const char* name = "siglip_loss";
  static constexpr similarity_traits traits{};
  static constexpr operand operands[] = {{"image", differentiable},
                                         {"text", differentiable | embedding_rows},
                                         {"scale", differentiable | as_scale, {}, ten},
                                         {"bias", differentiable | as_bias, {}, minus_ten}};
  constexpr similarity_form form() const { return {.each_pair = true}; }

  template <class U>
  FASTLOSS_FN auto value(U excess) const {
    return positive_among_negatives(excess);
  }
};

// The sum of its excess is over all other rows, positives too.
struct supcon {
  double base_temperature = 0.0;

  static constexpr const char* name = "supcon_loss";
  static constexpr similarity_traits traits{};
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"target", integer | group_index},
                                         {"memory", differentiable | optional | memory_rows},
                                         {"memory_labels", optional | integer | memory_index},
                                         {"temperature", differentiable | as_temperature, temperature_domain, a_tenth}};
  static constexpr auto options() { return std::array{option<supcon>{"base_temperature", &supcon::base_temperature, at_least(0), 0.0}}; }
  constexpr similarity_form form() const { return {.one_set = true, .base_temperature = base_temperature}; }

  template <class U>
  FASTLOSS_FN auto value(U excess) const {
    return excess;
  }
};

// A loss without the positive in the denominator.
struct dcl {
  double sigma = 0.0;

  static constexpr const char* name = "dcl_loss";
  static constexpr similarity_traits traits{};
  static constexpr operand operands[] = {{"input", differentiable},
                                         {"positive", differentiable | embedding_rows},
                                         {"temperature", differentiable | as_temperature, temperature_domain, a_tenth}};
  static constexpr auto options() { return std::array{option<dcl>{"sigma", &dcl::sigma, at_least(0), 0.0}}; }
  constexpr similarity_form form() const { return {.one_set = true, .unit_of_pair = true, .sigma = sigma}; }

  template <class U>
  FASTLOSS_FN auto value(U excess) const {
    return excess;
  }
};

using similarity_losses = type_list<info_nce, nt_xent, clip, siglip, supcon, dcl>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

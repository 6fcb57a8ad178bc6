// Contrastive losses: of the cosine similarities of all pairs of a batch, whose matrix is never held. An anchor is a row of embeddings
// whose positives are to be more like it than its negatives are. The struct of a loss has
//
//   value(u)   the loss of an anchor, a function of its excess: the logarithm of the sum of the exponentials of its similarities with
//              other rows, less its mean similarity with its positives, or with each of them. Similarities are cosines times a scale
//   form()     a similarity_form: which rows are anchors, and of which rows that sum is
//   traits     similarity_traits
//   positive(c)  may be there: what stands for the cosine of an anchor with its positive, such as that of an angle with a margin, and its
//                derivative, as this is no number where the angle is 0
//
// Operands, with N samples of D features, in this order:
//   the first       (N, D)
//   embedding_rows  (N, D), of the same samples: each row is the positive of its row of the first. Or there are labels
//   proxy_rows      or (C, D), with k subcenters (C k, D), those of a class one after the other: proxies of classes, of which an anchor's
//   own
//                   is its positive and the others its negatives
//   class_index     (N,) integers: the classes of the anchors
//   negative_rows   may be absent: further negatives, (M, D) of every anchor of the first, or (N, K, D), K of each
//   group_index     (N,) integers, labels: the rows of one label are positives of one another
//   memory_rows     may be absent: (M, D), further rows that anchors meet, which are no anchors
//   memory_index    (M,) integers, labels of these, where there are labels
//   as_temperature, as_log_scale or as_scale: the number that the scale is the inverse or the exponential of, or itself
//   as_bias         a number that is added to all similarities, where every pair has a loss of its own
#pragma once

#include "fastloss/engine/class_roles.hpp"
#include "fastloss/engine/engine.hpp"
#include "fastloss/engine/loss_members.hpp"
#include "fastloss/engine/similarity_loop.hpp"

namespace fastloss {

FASTLOSS_API extern const engine similarity_engine;

// The roles of operands.
inline constexpr unsigned embedding_rows = 1u << 13, negative_rows = 1u << 14, group_index = 1u << 15, as_temperature = 1u << 16,
                          as_log_scale = 1u << 17, as_scale = 1u << 18, as_bias = 1u << 19, memory_rows = 1u << 20, memory_index = 1u << 21,
                          proxy_rows = 1u << 22;
inline constexpr const char* similarity_roles[] = {"class_index", "distribution", "per_class", "class_list",    "one_of_a_row",
                                                   "embeddings",  "negatives",    "labels",    "temperature",   "log_scale",
                                                   "scale",       "bias",         "memory",    "memory_labels", "proxies"};

struct similarity_form {
  bool one_set = false;        // each row of every operand meets all others; or else the rows of the first meet those of the others
  bool both_ways = false;      // of two sets: rows of the second are anchors, too, and a unit's loss is the mean of both
  bool in_batch = true;        // of two sets: the positives of others are negatives
  bool each_positive = false;  // of labels: the loss is that of each positive among the negatives, and an anchor's the mean of these
  // Of two sets: value(u) is the loss of each pair, with minus the similarity of a positive as its excess, and that of a negative; an
  // anchor's is their sum.
  bool each_pair = false;
  bool unit_of_pair = false;  // of one set: a sample's two rows are one unit, whose loss is their mean; or else each is one
  // A temperature that the losses are divided by, once they were multiplied with that of the similarities; or 0: neither.
  double base_temperature = 0.0;
  // Of proxies: those of each class, of which the one that is most like an anchor counts.
  std::size_t subcenters = 1;
  // What the number that similarities are scaled with is multiplied with.
  double scale_factor = 1.0;
  // Positives are weighted by 2 - exp(cosine / sigma) / mean of that, a constant in the gradient; or 0: they are not.
  double sigma = 0.0;
};

struct similarity_traits {
  denominator mean_over = denominator::count;
  double cost_ns_per_element = 0.03;  // of each pair and feature
};

// A loss to the engine.
struct similarity_loss {
  similarity_form (*form)(const void* loss);
};
inline const similarity_loss& similarity_loss_of(const loss_info& info) { return *static_cast<const similarity_loss*>(info.traits); }

inline namespace FASTLOSS_ISA {

template <class L>
inline constexpr similarity_loss described_similarity{[](const void* loss) { return static_cast<const L*>(loss)->form(); }};

}  // namespace FASTLOSS_ISA

template <>
struct engine_of<similarity_traits> {
  static constexpr const engine* description = &similarity_engine;

  // Numbers come last; one operand says what similarities are scaled with. Of positives and labels both may be there where both may be
  // left out: a call has one of them. Only rows of one set have a memory.
  template <class L>
  static constexpr bool has_operands() {
    int scales = 0, positives = 0;
    bool numbers = false, memory = false, memory_labels = false, proxies = false, classes = false;
    for (std::size_t k = 1; k < std::size(L::operands); ++k) {
      const operand& o = L::operands[k];
      const bool number = o.is(as_temperature | as_log_scale | as_scale | as_bias);
      if (numbers && !number) return false;
      numbers |= number;
      memory |= o.is(memory_rows);
      memory_labels |= o.is(memory_index);
      proxies |= o.is(proxy_rows);
      classes |= o.is(class_index);
      scales += o.is(as_temperature | as_log_scale | as_scale) ? 1 : 0;
      positives += !o.is(embedding_rows | group_index | proxy_rows) ? 0 : o.is(optional) ? 1 : 2;
      if (!o.is(embedding_rows | negative_rows | group_index | memory_rows | memory_index | proxy_rows | class_index) && !number)
        return false;
    }
    return scales == 1 && positives == 2 && memory == memory_labels && (!memory || L{}.form().one_set) && proxies == classes;
  }

  template <class L>
  static constexpr bool validate() {
    static_assert(L::operands[0].flags == differentiable && has_operands<L>(),
                  "a loss of similarities has embeddings, positives or labels, perhaps further negatives, and one scale");
    static_assert(L::traits.mean_over == denominator::count, "the mean of a loss of similarities is over its units");
    static_assert(requires(const L& l) { similarity_form(l.form()); }, "a loss of similarities has a form");
    static_assert(
        requires(const L& l, native_pack<double> x) { l.value(detail::make_dual(x, one_t{})).tangent; },
        "a loss of similarities has value(), of an anchor's excess");
    members::refuse_those_of_rows<L>();
    members::refuse_those_of_elements<L, 1>();
    return true;
  }

  template <class L>
  static constexpr unsigned parts() {
    for (const operand& o : L::operands)
      if (o.is(class_index)) return part_ignore_index;
    return 0u;
  }

  // All embeddings and proxies.
  template <class L>
  static constexpr unsigned default_wrt() {
    unsigned found = 1u;
    for (std::size_t k = 1; k < std::size(L::operands); ++k)
      if (L::operands[k].is(embedding_rows | negative_rows | proxy_rows)) found |= 1u << k;
    return found;
  }

  template <class L>
  static constexpr const void* traits() {
    return &described_similarity<L>;
  }

  template <class L>
  static constexpr similarity_kernels kernels() {
    return kernel::make_similarity_kernels<L>();
  }
};

}  // namespace fastloss

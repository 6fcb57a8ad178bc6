// Losses of embeddings: a unit is a pair, a triplet or a quadruplet of vectors. The struct of a loss has
//
//   value(of)       the formula of a unit: of.measure<K>() is what is measured of pair K, of.target() or of.label() the number of the unit
//   measure()       what is measured, of which pairs, with its parameters (distance_form)
//   traits          distance_traits
//
// Operands are two to four embeddings of one shape, whose role is `embedding`, and optionally a number for each unit. The axis of features
// is that of the call, the last one where it does not say; the units have the other axes. A function of two embeddings, such as the
// distance itself, is described as a loss is; it is not reduced.
#pragma once

#include <iterator>
#include <type_traits>

#include "fastloss/engine/distance_kernels.hpp"
#include "fastloss/engine/engine.hpp"
#include "fastloss/engine/loss_members.hpp"
#include "fastloss/simd/partials.hpp"

namespace fastloss {

FASTLOSS_API extern const engine distance_engine;

// The roles of operands.
inline constexpr unsigned embedding = 1u << first_role;

struct distance_traits {
  bool is_function = false;
  bool input_alone = false;  // where a call does not say which gradients: not that of the other embeddings
  denominator mean_over = denominator::count;
  double cost_ns_per_element = 0.5;  // of a feature of all embeddings
};

// A loss to the engine.
struct distance_loss {
  distance_form (*form)(const void* loss);
  std::size_t embeddings;
  bool is_function;
};

inline const distance_loss& distance_loss_of(const loss_info& info) { return *static_cast<const distance_loss*>(info.traits); }

inline namespace FASTLOSS_ISA {

// What a formula of embeddings is a function of: packs of units, and where Differentiable variables.
template <bool Differentiable>
class embedding_terms {
 public:
  using P = native_pack<double>;
  FASTLOSS_FN embedding_terms(const distance_tile& t, std::size_t i) : t_(t), i_(i) {}

  template <int K>
  FASTLOSS_FN auto measure() const {
    return term<K>(P::load(t_.measures[K] + i_));
  }
  FASTLOSS_FN auto target() const { return term<static_cast<int>(most_embedding_pairs)>(label()); }
  FASTLOSS_FN P label() const { return P::load(t_.target + i_); }  // the same, of which there is no derivative

 private:
  template <int K>
  FASTLOSS_FN auto term(P x) const {
    if constexpr (Differentiable) return variable_of<K, static_cast<int>(most_embedding_pairs) + 1>(x);
    else return x;
  }

  const distance_tile& t_;
  const std::size_t i_;
};

namespace kernel {

// Unnamed, as other kernels are: each object has its own.
namespace {

template <class L>
[[gnu::flatten]] void distance_value(const void* loss, const distance_tile& t) {
  using P = native_pack<double>;
  const L& l = *static_cast<const L*>(loss);
  for (std::size_t i = 0; i < t.count; i += P::width) value_of<P>(l.value(embedding_terms<false>(t, i))).store(t.value + i);
}

template <class L>
[[gnu::flatten]] void distance_gradients(const void* loss, const distance_tile& t) {
  using P = native_pack<double>;
  const L& l = *static_cast<const L*>(loss);
  for (std::size_t i = 0; i < t.count; i += P::width) {
    const auto result = l.value(embedding_terms<true>(t, i));
    value_of<P>(result).store(t.value + i);
    const auto store = [&]<int K>(std::integral_constant<int, K>, double* to) {
      if (to != nullptr) value_of<P>(detail::partial_at<K>(result.tangent)).store(to + i);
    };
    store(std::integral_constant<int, 0>{}, t.d1[0]);
    store(std::integral_constant<int, 1>{}, t.d1[1]);
    store(std::integral_constant<int, 2>{}, t.d1[2]);
    store(std::integral_constant<int, 3>{}, t.d1_target);
  }
}

}  // namespace
}  // namespace kernel

template <class L>
constexpr std::size_t count_embeddings() {
  std::size_t count = 0;
  for (const operand& o : L::operands) count += o.is(embedding);
  return count;
}

template <class L>
inline constexpr distance_loss described_distance{[](const void* loss) { return static_cast<const L*>(loss)->measure(); },
                                                  count_embeddings<L>(), L::traits.is_function};

}  // namespace FASTLOSS_ISA

template <>
struct engine_of<distance_traits> {
  static constexpr const engine* description = &distance_engine;

  template <class L>
  static constexpr bool validate() {
    constexpr std::size_t embeddings = count_embeddings<L>();
    static_assert(embeddings >= 2 && embeddings <= most_embeddings, "a loss of embeddings has two to four of them");
    static_assert(std::size(L::operands) <= embeddings + 1,
                  "a loss of embeddings has one more operand at most, with a number for each unit");
    static_assert(operands_are_in_order<L>(), "embeddings come first, and each may have a gradient");
    static_assert(L::traits.mean_over == denominator::count, "the mean of a loss of embeddings is over its units");
    static_assert(requires(const L& l) { distance_form(l.measure()); }, "a loss of embeddings says what it measures");
    static_assert(
        requires(const L& l, const embedding_terms<true>& of) { l.value(of); }, "a loss of embeddings has value(), of embedding_terms");
    members::refuse_those_of_rows<L>();
    members::refuse_those_of_elements<L, 2>();
    return true;
  }

  template <class L>
  static constexpr unsigned parts() {
    return part_axis;
  }

  template <class L>
  static constexpr unsigned default_wrt() {
    return L::traits.input_alone ? 1u : (1u << count_embeddings<L>()) - 1u;
  }

  template <class L>
  static constexpr const void* traits() {
    return &described_distance<L>;
  }

  template <class L>
  static constexpr distance_kernels kernels() {
    return {kernel::distance_value<L>, kernel::distance_gradients<L>};
  }

 private:
  template <class L>
  static constexpr bool operands_are_in_order() {
    bool behind = false;
    for (const operand& o : L::operands) {
      if (o.is(embedding) && (behind || !o.is(differentiable))) return false;
      behind |= !o.is(embedding);
    }
    return true;
  }
};

}  // namespace fastloss

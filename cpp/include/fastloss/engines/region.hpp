// Losses of regions: of how much a predicted region and a true one overlap, from sums over pixels. The struct of a loss has
//
//   value(sums)   the formula, of region_terms: what the two regions have in common and their sizes
//   form          a region_form: the options that every such loss has
//   traits        region_traits
//
// and where the classes of a sample have one index, and a class has a part in it by its size,
//
//   class_weights(target_sizes, weights)   what the sums of each class are multiplied with before they are added up
//
// and where there is a term of each pixel beside that of the regions, whose reduction is its own,
//
//   of_logit(logit, target), of_log_probability(u, target)   the formula of a class of a pixel, as pointwise and row-wise losses are
//
// Operands are input and target of one shape, or class indices in the place of the target; and the weights of the classes, where they
// have an index each. Integers of a second operand that may not be class indices are numbers, and no mask. Units are samples and classes
// (N, C), or what of these `batch` and `merge_classes` leave.
#pragma once

#include "fastloss/engine/class_roles.hpp"
#include "fastloss/engine/engine.hpp"
#include "fastloss/engine/formula_loop.hpp"
#include "fastloss/engine/loss_members.hpp"
#include "fastloss/engine/region_kernels.hpp"
#include "fastloss/simd/partials.hpp"
#include "fastloss/simd/pow.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {

FASTLOSS_API extern const engine region_engine;

// What a class of which the target has nothing counts.
enum class absent_class : unsigned char { count, zero, skip };
// How probabilities are made of the input.
enum class region_activation : unsigned char { none, by_target, sigmoid, softmax };

// Options of every loss of regions. A loss that lacks one has its default.
struct region_form {
  region_activation from_logits;
  absent_class absent;
  bool include_background, batch, merge_classes, squared, l1_intersection;
  double overlap_weight = 1.0, term_weight = 0.0;  // of the loss of the units, and of that of the pixels
  // Above 0: the intersection is the sum of (p - t)^2 (d_p^a + d_t^a) for this power a of the distances from the boundaries of p > 0.5
  // and t > 0.5, which are constants to the gradients; their pixels are `spacing` apart.
  double distance_power = 0.0, spacing = 1.0;
};

struct region_traits {
  denominator mean_over = denominator::weight;
  double cost_ns_per_element = 0.6;  // of a pixel of a class
};

// A loss to the engine.
struct region_loss {
  region_form (*form)(const void* loss);
  bool has_terms;  // of each pixel
};
inline const region_loss& region_loss_of(const loss_info& info) { return *static_cast<const region_loss*>(info.traits); }

inline namespace FASTLOSS_ISA {

// What a formula of regions is a function of. Differentiated in three of them; the number of pixels is a constant.
class region_terms {
 public:
  using P = pack<double, 1>;
  explicit region_terms(const region_statistics& s) : of_(s) {}

  template <int K>
  FASTLOSS_FN auto term() const {
    return variable_of<K, region_sums>(P(of_.of[K]));
  }

  FASTLOSS_FN auto intersection() const { return term<region_intersection>(); }
  FASTLOSS_FN auto input_size() const { return term<region_input>(); }
  FASTLOSS_FN auto target_size() const { return term<region_target>(); }
  FASTLOSS_FN auto false_positives() const { return input_size() - intersection(); }
  FASTLOSS_FN auto false_negatives() const { return target_size() - intersection(); }
  FASTLOSS_FN auto true_negatives() const { return (of_.pixels - target_size()) - false_positives(); }
  FASTLOSS_FN double pixels() const { return of_.pixels; }

 private:
  const region_statistics& of_;
};

namespace kernel {

template <class L>
inline constexpr bool has_class_weights = requires(const L& l) { l.class_weights(std::span<const double>{}, std::span<double>{}); };

// Unnamed, as other kernels are: each object has its own.
namespace {

template <class L>
void region_class_weights(const void* loss, std::span<const double> target_sizes, std::span<double> weights) {
  static_cast<const L*>(loss)->class_weights(target_sizes, weights);
}

template <class L>
inline constexpr bool has_pixel_terms = requires(const L& l, native_pack<double> x) {
  l.of_logit(x, x);
  l.of_log_probability(x, x);
};

struct pixel_logit_formula {
  template <class L, class X, class T>
  FASTLOSS_FN auto operator()(const L& loss, X logit, T target) const {
    return loss.of_logit(logit, target);
  }
};
struct pixel_log_probability_formula {
  template <class L, class U, class T>
  FASTLOSS_FN auto operator()(const L& loss, U log_probability, T target) const {
    return loss.of_log_probability(log_probability, target);
  }
};

template <class L, class S, class Formula>
constexpr pixel_kernels make_pixel_kernels() {
  return {loop<L, S, Formula, 2, -1, true, false, false, 2>::run, loop<L, S, Formula, 2, 0, false, true, false, 2>::run,
          loop<L, S, Formula, 2, 1, false, true, false, 2>::run};
}

// Flattened, as formula loops are.
template <class L>
[[gnu::flatten]] region_result region_head(const void* loss, const region_statistics& s) {
  const auto result = static_cast<const L*>(loss)->value(region_terms(s));
  using P = region_terms::P;
  const auto d1 = [&]<int K>(std::integral_constant<int, K>) { return value_of<P>(detail::partial_at<K>(result.tangent)).v; };
  return {value_of<P>(result).v,
          {d1(std::integral_constant<int, region_intersection>{}), d1(std::integral_constant<int, region_input>{}),
           d1(std::integral_constant<int, region_target>{})}};
}

}  // namespace
}  // namespace kernel

template <class L>
inline constexpr region_loss described_region{[](const void* loss) { return static_cast<const L*>(loss)->form(); },
                                              kernel::has_pixel_terms<L>};

}  // namespace FASTLOSS_ISA
template <>
struct engine_of<region_traits> {
  static constexpr const engine* description = &region_engine;

  template <class L>
  static constexpr bool validate() {
    static_assert(std::size(L::operands) == (kernel::has_class_weights<L> ? 2 : 3) && L::operands[0].is(differentiable) &&
                      L::operands[1].is(differentiable),
                  "a loss of regions has the operands input and target, and the weights of classes if each has an index");
    if constexpr (!kernel::has_class_weights<L>)
      static_assert(L::operands[2].is(multiplies) && L::operands[2].is(per_class), "the third operand is the weights of classes");
    static_assert(L::traits.mean_over == denominator::weight, "the mean of a loss of regions is over the weights of its units");
    static_assert(requires(const L& l) { region_form(l.form()); }, "a loss of regions has a form");
    static_assert(requires(const L& l, const region_terms& of) { l.value(of); }, "a loss of regions has value(), of region_terms");
    members::refuse_those_of_rows<L>();
    members::refuse_those_of_elements<L, 3>();
    return true;
  }

  template <class L>
  static constexpr unsigned parts() {
    return part_axis | part_no_axis | (L::operands[1].is(class_index) ? part_ignore_index : 0u);
  }

  template <class L>
  static constexpr const void* traits() {
    return &described_region<L>;
  }

  template <class L>
  static constexpr region_kernels kernels() {
    region_kernels all{};
    all.head = kernel::region_head<L>;
    if constexpr (kernel::has_class_weights<L>) all.class_weights = kernel::region_class_weights<L>;
    if constexpr (kernel::has_pixel_terms<L>) {
      all.of_logit[0] = kernel::make_pixel_kernels<L, float, kernel::pixel_logit_formula>();
      all.of_logit[1] = kernel::make_pixel_kernels<L, double, kernel::pixel_logit_formula>();
      all.of_log_probability[0] = kernel::make_pixel_kernels<L, float, kernel::pixel_log_probability_formula>();
      all.of_log_probability[1] = kernel::make_pixel_kernels<L, double, kernel::pixel_log_probability_formula>();
    }
    return all;
  }
};

}  // namespace fastloss

// Losses of regions by the distances of pixels to boundaries, which are given or measured.
#pragma once

#include <cmath>
#include <span>

#include "fastloss/core/type_list.hpp"
#include "fastloss/engines/region.hpp"
#include "fastloss/losses/region.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {

inline constexpr operand region_and_distances[] = {
    region_input_operand, {"distance_map", differentiable}, {"weight", optional | multiplies | per_class}};

// The mean of p d
struct boundary {
  int from_logits = 0;
  bool include_background = true, batch = false, merge_classes = false;

  static constexpr const char* name = "boundary_loss";
  static constexpr region_traits traits{};
  static constexpr std::span<const operand> operands = region_and_distances;
  static constexpr auto options() { return region_options<boundary>(); }
  region_form form() const { return region_form_of(*this); }
  constexpr domain values(int operand) const { return operand == 0 && from_logits == 0 ? probability : everywhere(); }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    return of.intersection() * (1.0 / of.pixels());
  }
};

// The mean of (p - t)^2 (d_p^alpha + d_t^alpha), of distances from the boundaries of p > 0.5 and t > 0.5
struct hausdorff_dt {
  int from_logits = 0;
  bool include_background = true, batch = false, merge_classes = false;
  double alpha = 2.0, spacing = 1.0;

  static constexpr const char* name = "hausdorff_dt_loss";
  static constexpr region_traits traits{.cost_ns_per_element = 6.0};
  static constexpr std::span<const operand> operands = regions;
  static constexpr auto options() {
    using L = hausdorff_dt;
    return region_options<L>(option<L>{"alpha", &L::alpha, above(0)}, option<L>{"spacing", &L::spacing, above(0)});
  }
  region_form form() const {
    region_form f = region_form_of(*this);
    f.distance_power = alpha;
    f.spacing = unit();
    return f;
  }
  constexpr domain values(int operand) const { return region_domain(*this, operand); }

  template <class Terms>
  FASTLOSS_FN auto value(const Terms& of) const {
    const auto sum = of.intersection();
    const double factor = std::pow(spacing / unit(), alpha) / of.pixels();
    return sum * (std::isinf(factor) && sum.value.v == 0.0 ? 0.0 : factor);  // no error costs nothing, whatever the spacing
  }

 private:
  // What distances are multiplied with, whose power stays far within every dtype; the rest of the spacing's power is a factor of the sum.
  FASTLOSS_FN double unit() const {
    const double most = alpha > 0.5 ? std::exp2(32.0 / alpha) : 0x1p64, least = 1.0 / most;
    return spacing > most ? most : spacing < least ? least : spacing;
  }
};

using region_distance_losses = type_list<boundary, hausdorff_dt>;

}  // namespace FASTLOSS_ISA
}  // namespace fastloss

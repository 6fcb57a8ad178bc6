// From the formula of a pixel's error to its kernel.
#pragma once

#include "fastloss/engine/lovasz_kernels.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace kernel {
namespace {

template <class L, class S>
void lovasz_errors(const void* loss, const lovasz_tile& t) {
  using P = native_pack<S>;
  using I = integer_pack<S, P::width>;
  using integer = typename I::integer;
  const L& l = *static_cast<const L*>(loss);
  const S* const input = static_cast<const S*>(t.input);
  const integer* const labels = static_cast<const integer*>(t.labels);
  const I label(static_cast<integer>(t.label)), zero(0);
  for (std::size_t i = 0; i < t.count; i += P::width) {
    I of_pixel;
    __builtin_memcpy(&of_pixel.v, labels + i, sizeof of_pixel.v);
    const auto positive = of_pixel == label;
    const auto error = l.error(detail::make_dual(P::load(input + i), one_t{}), select(positive, P(1), P(0)));
    const P slope = detail::as_pack<P>(error.tangent);
    select(of_pixel < zero, P(0), error.value).store(static_cast<S*>(t.errors) + i);
    const I marks = select(positive, I(lovasz_positive), zero) | select(slope < P(0), I(lovasz_falling), zero);
    __builtin_memcpy(static_cast<integer*>(t.marks) + i, &marks.v, sizeof marks.v);
  }
}

}  // namespace

template <class L, class S>
constexpr lovasz_kernels_of_dtype make_lovasz_kernels() {
  return {lovasz_errors<L, S>};
}

}  // namespace kernel
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

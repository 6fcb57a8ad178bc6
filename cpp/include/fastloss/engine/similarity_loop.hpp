// From the formula of an anchor's loss to its kernel.
#pragma once

#include "fastloss/engine/similarity_kernels.hpp"
#include "fastloss/simd/primitives.hpp"

namespace fastloss {
inline namespace FASTLOSS_ISA {
namespace kernel {
namespace {

template <class L>
void losses_of_anchors(const void* loss, const double* excess, double* values, double* d1, std::size_t count) {
  using P = native_pack<double>;
  const L& l = *static_cast<const L*>(loss);
  for (std::size_t i = 0; i < count; i += P::width) {
    const auto value = l.value(detail::make_dual(P::load(excess + i), one_t{}));
    value.value.store(values + i);
    detail::as_pack<P>(value.tangent).store(d1 + i);
  }
}

}  // namespace

template <class L>
constexpr similarity_kernels make_similarity_kernels() {
  return {losses_of_anchors<L>};
}

}  // namespace kernel
}  // namespace FASTLOSS_ISA
}  // namespace fastloss

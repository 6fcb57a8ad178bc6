// The kernels of one instruction set. Compiled once for each, with that set's flags; exports FASTLOSS_KERNEL_TABLE alone.
#include <array>

#include "fastloss/losses/registry.hpp"
#include "isa/elementary.hpp"
#include "isa/family.hpp"
#include "isa/kernel_table.hpp"
#include "isa/strided.hpp"
#include "isa/tiles.hpp"

namespace fastloss {

FASTLOSS_FAMILIES(FASTLOSS_DECLARE_FAMILY)

namespace {

constexpr auto pointwise_kernel_table = [] {
  std::array<const loss_kernels*, pointwise_losses::size> all{};
  std::size_t n = 0;
#define FASTLOSS_ADD_FAMILY(FAMILY) \
  for (const loss_kernels& k : FASTLOSS_FAMILY_KERNELS(FAMILY).of) all[n++] = &k;
  FASTLOSS_FAMILIES(FASTLOSS_ADD_FAMILY)
#undef FASTLOSS_ADD_FAMILY
  return all;
}();

template <class S, dtype T>
constexpr void add_dtype(tile_operations& t) {
  using E = element<T>;
  constexpr int k = static_cast<int>(T);
  t.load[k][0] = load<S, E, false>;
  t.load[k][1] = load<S, E, true>;
  if constexpr (is_floating(T)) {
    t.store[k][0] = store<S, E, false>;
    t.store[k][1] = store<S, E, true>;
  }
}

template <class S, class V, int... T>
constexpr tile_operations make_tiles(std::integer_sequence<int, T...>) {
  tile_operations t{};
  (add_dtype<S, static_cast<dtype>(T)>(t), ...);
  t.stream = stream<S>;
  t.scatter_add = scatter_add<S>;
  t.fill = fill<S>;
  t.multiply = multiply<S>;
  t.combine = combine<S>;
  t.blend = blend<S>;
  t.propagate_nan = propagate_nan<S>;
  t.sum = sum<S, V>;
  t.outside = outside<S, V>;
  t.nonfinite = nonfinite<S>;
  return t;
}

}  // namespace

extern const kernel_table FASTLOSS_KERNEL_TABLE;
const kernel_table FASTLOSS_KERNEL_TABLE = {
    FASTLOSS_ISA_NAME,
    pointwise_kernel_table.data(),
    {make_tiles<float, vector_of_float>(std::make_integer_sequence<int, dtype_count>{}),
     make_tiles<double, vector_of_double>(std::make_integer_sequence<int, dtype_count>{})},
    elementary_functions,
    sizeof(elementary_functions) / sizeof(elementary_functions[0]),
};

}  // namespace fastloss

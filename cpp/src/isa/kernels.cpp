// The kernels of one instruction set. Compiled once for each, with that set's flags; exports FASTLOSS_KERNEL_TABLE alone.
#include "fastloss/engine/pointwise_kernel.hpp"
#include "fastloss/losses/registry.hpp"
#include "isa/elementary.hpp"
#include "isa/kernel_table.hpp"
#include "isa/strided.hpp"
#include "isa/tiles.hpp"

namespace fastloss {
namespace {

template <class... L>
struct all_kernels;
template <class... L>
struct all_kernels<type_list<L...>> {
  static constexpr loss_kernels table[] = {kernel::all<L>()...};
};
constexpr const loss_kernels* pointwise_kernel_table = all_kernels<pointwise_losses>::table;

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
    pointwise_kernel_table,
    {make_tiles<float, vector_of_float>(std::make_integer_sequence<int, dtype_count>{}),
     make_tiles<double, vector_of_double>(std::make_integer_sequence<int, dtype_count>{})},
    elementary_functions,
    sizeof(elementary_functions) / sizeof(elementary_functions[0]),
};

}  // namespace fastloss

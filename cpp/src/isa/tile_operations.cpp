// Loads, stores and arithmetic on tiles, for one instruction set.
#include <utility>

#include "isa/parts.hpp"
#include "isa/strided.hpp"
#include "isa/tiles.hpp"

namespace fastloss {
namespace {

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
  t.multiply_scaled = multiply_scaled<S>;
  t.axpby = axpby<S>;
  t.blend = blend<S>;
  t.propagate_nan = propagate_nan<S>;
  t.sum = sum<S, V>;
  t.sum_of_products = sum_of_products<S, V>;
  t.count_true = count_true;
  t.outside = outside<S, V>;
  t.nonfinite = nonfinite<S>;
  return t;
}

}  // namespace

constexpr tile_operations_of_dtypes FASTLOSS_TILE_OPERATIONS = {
    {make_tiles<float, vector_of_float>(std::make_integer_sequence<int, dtype_count>{}),
     make_tiles<double, vector_of_double>(std::make_integer_sequence<int, dtype_count>{})}};

}  // namespace fastloss

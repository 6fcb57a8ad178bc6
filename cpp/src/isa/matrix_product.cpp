// Matrix products, for one instruction set.
#include "isa/matrix_product.hpp"

#include "isa/parts.hpp"

namespace fastloss {
namespace {

template <class S>
constexpr product_operations make_products() {
  using B = register_block<S>;
  return {B::rows, B::columns, pack_panels<S, B::rows>, pack_panels<S, B::columns>, multiply_panels<S>};
}

}  // namespace

constexpr product_operations_of_dtypes FASTLOSS_PRODUCT_OPERATIONS = {{make_products<float>(), make_products<double>()}};

}  // namespace fastloss

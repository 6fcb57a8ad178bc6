// Cosines of pairs of embeddings from their dot products and lengths, and the coefficients of the way back.
#pragma once

#include <cstddef>

#include "isa/kernel_table.hpp"

namespace fastloss {

// Numbers of the units of a tile, in double, as embedding_operations have them.
struct product_arrays {
  double* squares;       // of the length of each embedding, times the square of its scale
  double* scales;        // powers of two, of embeddings whose squares would leave the range of double
  double* coefficients;  // of each embedding in the gradient of each
  std::size_t stride;
  bool scaled = false;
};

// `wide`: embeddings are in float64, whose squares may leave the range of double.
void measure_cosines(const embedding_operations&, const unit_rows&, const distance_form&, bool wide, double* cosines, product_arrays&);
// Of cosines or dot products, and what flows back to them. Whether the scales count.
bool coefficients_of_products(const distance_form&, const unit_rows&, const double* measures, const double* flow, product_arrays&);

}  // namespace fastloss

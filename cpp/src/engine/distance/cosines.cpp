#include "engine/distance/cosines.hpp"

#include <algorithm>
#include <cmath>

#include "engine/call/reduction.hpp"

namespace fastloss {
namespace {

// Squares of doubles that stay apart from the ends of their range.
bool is_tame(double square) { return square > 1e-280 && square < 1e280; }

// What a cosine is divided by for an embedding, times its scale, and whether it depends on the embedding.
struct divisor_of_cosine {
  double length;
  bool varies;
};
divisor_of_cosine divisor_for(const distance_form& form, double square, double scale) {
  if (form.measure == embedding_measure::cosine_eps_inside) return {std::sqrt(square + form.eps * scale * scale), true};
  const double length = std::sqrt(square), least = form.eps * scale;
  return length < least ? divisor_of_cosine{least, false} : divisor_of_cosine{length, true};
}

// A power of two by which an embedding is about as long as 1, or as what is added to its length.
double scale_for(const distance_form& form, double largest) {
  constexpr int most = 500;  // the square of the scale, too, is a number
  const double least = form.measure == embedding_measure::cosine_eps_inside ? std::sqrt(form.eps) : form.eps;
  const double x = std::max(largest, least);
  return x > 0.0 && std::isfinite(x) ? std::ldexp(1.0, std::clamp(-std::ilogb(x), -1022, most)) : 1.0;
}

double scale_of(const product_arrays& arrays, std::size_t embedding, std::size_t row) {
  return arrays.scaled ? arrays.scales[embedding * arrays.stride + row] : 1.0;
}

bool all_tame(const unit_rows& rows, std::size_t embeddings, const product_arrays& arrays) {
  for (std::size_t e = 0; e < embeddings; ++e)
    for (std::size_t row = 0; row < rows.rows; ++row)
      if (!is_tame(arrays.squares[e * arrays.stride + row])) return false;
  return true;
}

}  // namespace

void measure_cosines(const embedding_operations& operations, const unit_rows& rows, const distance_form& form, bool wide, double* cosines,
                     product_arrays& arrays) {
  const embedding_pair_list pairs = pairs_of(form.pairs);
  operations.products(rows, form.pairs, nullptr, cosines, arrays.squares, arrays.stride);
  arrays.scaled = wide && !all_tame(rows, pairs.embeddings, arrays);
  if (arrays.scaled) {
    operations.largest(rows, pairs.embeddings, arrays.scales, arrays.stride);
    for (std::size_t e = 0; e < pairs.embeddings; ++e)
      for (std::size_t row = 0; row < rows.rows; ++row) {
        double& scale = arrays.scales[e * arrays.stride + row];
        scale = scale_for(form, scale);
      }
    operations.products(rows, form.pairs, arrays.scales, cosines, arrays.squares, arrays.stride);
  }
  for (std::size_t k = 0; k < pairs.count; ++k)
    for (std::size_t row = 0; row < rows.rows; ++row) {
      double divisor = 1.0;
      for (const std::size_t e : {std::size_t{pairs.of[k].first}, std::size_t{pairs.of[k].second}})
        divisor *= divisor_for(form, arrays.squares[e * arrays.stride + row], scale_of(arrays, e, row)).length;
      double& cosine = cosines[k * arrays.stride + row];
      cosine = divisor == 0.0 ? 0.0 : cosine / divisor;
      if (std::fabs(cosine) > 1.0) cosine = std::copysign(1.0, cosine);  // by a rounding; NaN stays
    }
}

bool coefficients_of_products(const distance_form& form, const unit_rows& rows, const double* measures, const double* flow,
                              product_arrays& arrays) {
  const embedding_pair_list pairs = pairs_of(form.pairs);
  const bool cosines = form.measure != embedding_measure::dot;
  std::fill_n(arrays.coefficients, most_embeddings * most_embeddings * arrays.stride, 0.0);
  const auto at = [&](std::size_t to, std::size_t of, std::size_t row) -> double& {
    return arrays.coefficients[(to * most_embeddings + of) * arrays.stride + row];
  };
  for (std::size_t k = 0; k < pairs.count; ++k)
    for (std::size_t row = 0; row < rows.rows; ++row) {
      const std::size_t a = pairs.of[k].first, b = pairs.of[k].second;
      const double f = flow[k * arrays.stride + row];
      if (f == 0.0) continue;
      if (!cosines) {
        at(a, b, row) += f;
        at(b, a, row) += f;
        continue;
      }
      divisor_of_cosine of[2];
      for (int i = 0; i < 2; ++i) {
        const std::size_t e = i == 0 ? a : b;
        of[i] = divisor_for(form, arrays.squares[e * arrays.stride + row], scale_of(arrays, e, row));
      }
      if (of[0].length == 0.0 || of[1].length == 0.0) continue;
      const double cross = f / of[0].length / of[1].length, own = -f * measures[k * arrays.stride + row];
      at(a, b, row) += cross;
      at(b, a, row) += cross;
      if (of[0].varies) at(a, a, row) += own / of[0].length / of[0].length;
      if (of[1].varies) at(b, b, row) += own / of[1].length / of[1].length;
    }
  return cosines && arrays.scaled;
}

}  // namespace fastloss

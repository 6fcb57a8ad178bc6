// The boundary between the similarity engine and the formulas of its losses.
#pragma once

#include <cstddef>

namespace fastloss {

// Cosines of the rows of a block with those of another. Rows of the tile are whole packs long; what is no pair is minus infinity.
// Similarities are the cosines times `scale`; where that is small, a bound of theirs serves as the maximum of every sum.
struct similarity_tile {
  void* cosines;
  std::size_t stride, rows, columns;
  double scale;
  bool bounded;  // by `scale`
};
inline constexpr std::size_t most_tile_columns = 256;

// What pairs that are evaluated one by one have of their rows, and of their columns where these are anchors, too. The excess of a pair is
// the anchor's logarithm less the similarity; or plus the similarity, where it is to be small.
struct similarity_anchors {
  const void* logarithm;
  const void* coefficient;  // times the derivative: what becomes of the cosines, added up for both anchors
  double *values, *d1;      // sums over the anchor's pairs, of losses and derivatives, instead
};
struct similarity_pairs {
  similarity_tile tile;
  similarity_anchors rows, columns;  // columns without a logarithm are no anchors
  bool rises;                        // with the similarity
  bool weighs;                       // coefficients are given, or else sums wanted
};

// A loss of similarities is compiled for anchors, in double; and for single pairs, in the dtype of the computation. All else that is done
// for each pair is the same for all losses.
struct similarity_kernels {
  // Losses of anchors and their derivatives; `excess` is of each anchor. Whole packs.
  void (*of_anchors)(const void* loss, const double* excess, double* values, double* d1, std::size_t count);
  void (*of_pairs[2])(const void* loss, const similarity_pairs&);  // float32, float64
  // What stands for the cosines of anchors with their positives, and its derivatives; null: the cosines themselves. Whole packs.
  void (*of_positives)(const void* loss, const double* cosines, double* values, double* d1, std::size_t count);
};

}  // namespace fastloss

// What one instruction set offers: the only thing that its objects export.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fastloss/core/array.hpp"
#include "fastloss/core/loss.hpp"
#include "fastloss/engine/distance_kernels.hpp"
#include "fastloss/engine/elementary.hpp"
#include "fastloss/engine/region_kernels.hpp"
#include "fastloss/engine/similarity_kernels.hpp"

namespace fastloss {

// Where a run of elements lies: position `start` to `start + count` of a walk in C order over `rank` axes.
struct strided_run {
  int rank;
  const std::ptrdiff_t* shape;
  const std::ptrdiff_t* strides;  // in bytes
  std::size_t start;
  std::size_t count;
};

// Gathers a run of any dtype into a contiguous tile of the computation dtype.
using load_kernel = void (*)(void* tile, const void* base, const strided_run&);
// Scatters a tile, times a scale, to a run of any floating dtype; adds to what is there if asked.
using store_kernel = void (*)(const void* tile, void* base, const strided_run&, double scale, bool accumulate);

// Operations on tiles of one computation dtype S; counts are whole packs except where said.
struct tile_operations {
  load_kernel load[dtype_count][2];    // [byteswapped]
  store_kernel store[dtype_count][2];  // null for the dtypes that hold no gradient
  // Streaming stores to contiguous memory of dtype S: any count; lines written in part get ordinary stores.
  void (*stream)(const void* tile, void* destination, std::size_t count, double scale);
  // Adds a run of the tile to doubles through strides, 0 where an operand was broadcast.
  void (*scatter_add)(const void* tile, double* base, const strided_run&);
  void (*fill)(void* tile, double value, std::size_t count);
  // c * a, and 0 where c is 0.
  void (*multiply)(void* out, const void* c, const void* a, std::size_t count);
  // The same times `scale`, to contiguous memory of dtype S; any count.
  void (*multiply_scaled)(void* out, const void* c, const void* a, double scale, std::size_t count);
  // alpha * a + beta * b, where b may be null (then the constant 1).
  void (*axpby)(void* out, double alpha, const void* a, double beta, const void* b, std::size_t count);
  // a where the mask is not 0, `otherwise` where it is.
  void (*blend)(void* out, const void* mask, const void* a, double otherwise, std::size_t count);
  // a, but NaN where `from` is NaN.
  void (*propagate_nan)(void* out, const void* from, const void* a, std::size_t count);
  double (*sum)(const void* tile, std::size_t count);
  double (*sum_of_products)(const void* c, const void* a, std::size_t count);  // of what `multiply` gives
  std::size_t (*count_true)(const void* base, const strided_run&);             // elements of a run of bool that are true
  bool (*outside)(const void* tile, const domain&, std::size_t count);         // any element outside the domain
  bool (*nonfinite)(const void* tile, std::size_t count);                      // any element infinite or NaN; any count
};

// A tile of rows of class scores lies in one of two ways: a row's classes side by side, or a class's rows side by side. Strides
// are in elements, from row to row or from class to class. Arrays over rows are padded to whole packs; where rows lie side by
// side, so are the rows of a tile. Class indices are integers of the size of S; -1 is none.
enum class arrangement : unsigned char { class_contiguous, row_contiguous };

struct row_tile {
  void* data;
  std::ptrdiff_t stride;
};

struct row_extent {
  std::size_t rows, classes;
};

// What a row is measured from, and the weights of its classes in the derivative of that shift. With m the largest score:
// exps are exp(score - m), tail is their sum less 1; or, for sparsemax, the projection, and tail is 0.
struct shift_pass {
  row_extent extent;
  row_tile scores, exps;  // exps without data are not kept
  const void* labels;     // may be null
  void *maximum, *tail;
  void* label_score;    // the label's score less the maximum
  void* weighted;       // sum over classes of weight times (score less the maximum); null: not wanted
  const void* weights;  // of the classes; null: ones
  bool maximum_given;   // `maximum` is read, not written
  row_tile copy;        // rows side by side: where to put the scores before anything else, may be `exps`; without data: nowhere
  std::size_t ahead;    // bytes from a score to one that will be read soon, and is fetched meanwhile
  double* parts;        // of each row, in place of the tail: the sum of the exponentials below 1, and how many are 1; may be null
  void* shift;          // sparsemax: the shift less the maximum
};

// out = coef_d1 * d1 + coef_exp * exp + constant * weight, each part where it is given, row by row; 0 where a factor is 0.
// The label's class gets `at_label` instead.
struct gradient_pass {
  row_extent extent;
  row_tile d1, exps;
  const void *coef_d1, *coef_exp, *constant;
  const void* weights;
  const void *labels, *at_label;
  row_tile out;
  bool streams;  // past the caches; every row, or every class, of `out` is aligned to 16 bytes
};

// From the derivative in u of the label's class to the coefficients of the gradient pass, for each row. A row's `factor` is 0 where
// it counts nowhere.
struct coefficient_pass {
  std::size_t count;
  const void *d1, *tail, *label_score;
  const void* label_exp;     // null: exp(label_score)
  const void* factor;        // multiplies d1
  const void* row_factor;    // multiplies what follows
  const void* d_shift_term;  // derivative of the shift's own term; null: none
  double smoothing;          // what each class gets of the target
  double weight_sum;         // of the classes
  const void* label_weight;  // null: ones
  void *coef_exp, *constant, *at_label;
};

// Second derivatives of the loss of each row in its scores, where its shift has probabilities: the diagonal, or the product with
// a vector. Formulas that are not linear have second derivatives in u of every class, or of the label's class alone.
struct hess_pass {
  row_extent extent;
  row_tile exps;    // of the shift's pass
  row_tile vector;  // no data: the diagonal
  row_tile d2;      // second derivatives of every class; no data: of the label's at most
  bool supports;    // sparsemax
  const void* tail;
  const void* coef_exp;                             // of the gradient pass: the coefficient of the shift's own second derivative
  const void* coef_square;                          // second derivative of the shift's own term
  const void* coef_d2;                              // multiplies the second derivatives of every class
  const void* labels;                               // null: no class has a second derivative of its own
  const void *label_d2, *label_exp, *label_vector;  // of the label's class: its second derivative with all that multiplies it
  row_tile out;
  bool streams;
};

// Of each row, over its classes: the sum of the targets, and of each target times (score - first) - second, where 0 times anything
// is 0.
struct product_pass {
  row_extent extent;
  row_tile scores, targets;
  const void *first, *second;
  void *sums, *products;
  std::size_t ahead;  // bytes from a target to one that will be read soon
};

struct row_operations_of_arrangement {
  void (*softmax)(const shift_pass&);
  void (*sparsemax)(const shift_pass&);
  void (*gradient)(const gradient_pass&);
  void (*hess)(const hess_pass&);
  void (*products)(const product_pass&);
  void (*maximum)(row_extent, row_tile scores, void* maximum);
  // The largest score of each row, the label's class left out where labels are given, and the first class that has it.
  void (*largest)(row_extent, row_tile scores, const void* labels, void* maximum, void* index);
  void (*gather)(row_extent, row_tile scores, const void* labels, void* label_score);  // 0 without a label
  void (*scatter)(row_extent, const void* labels, const void* values, row_tile out);   // a number at each label, as it is elsewhere
  void (*subtract)(row_extent, row_tile scores, const void* first, const void* second, row_tile out);  // (score - first) - second
  void (*scale)(row_extent, row_tile, const void* weights);                         // times the class's weight; 0 * x is 0
  void (*broadcast)(row_extent, const void* numbers, row_tile out);                 // one number for each class
  void (*sum)(row_extent, row_tile, void* sums);                                    // over classes
  void (*add_to_classes)(row_extent, row_tile, const void* factors, double* sums);  // += factor * x, over rows
};

struct row_operations {
  row_operations_of_arrangement of[2];
  // A run of class indices, -1 for those to ignore; false if one is out of range (then -1 too).
  bool (*load_labels[dtype_count][2])(void* labels, const void* base, const strided_run&, std::int64_t classes, std::int64_t ignored);
  // Rows without a label count nowhere, and rows that count nowhere have no label; nor has the padding behind `rows`.
  void (*leave_out)(void* labels, void* counts, std::size_t rows, std::size_t padded);
  void (*coefficients)(const coefficient_pass&);
  // (d_shift_term * row_factor - factor * d1_sum) / (tail + 1), where either may be null; 0 where the row counts nowhere.
  void (*class_coefficients)(std::size_t count, const void* tail, const void* factor, const void* d1_sum, const void* row_factor,
                             const void* d_shift_term, void* coef_exp);
  // The sum of count * weight * x in double, 0 where either factor is 0; weights may be null.
  double (*weighted_sum)(const void* counts, const void* weights, const void* x, std::size_t count);
  void (*log1p)(const void* x, void* out, std::size_t count);
  void (*take)(const void* numbers, const void* labels, void* out, std::size_t count);  // numbers[label]; 0 without a label
  // Between rows with contiguous classes in memory and a tile with rows side by side: few classes, any number of rows.
  void (*transpose_in)(const void* from, std::ptrdiff_t row_stride, row_extent, row_tile to);
  void (*transpose_out)(row_tile from, row_extent, void* to, std::ptrdiff_t row_stride);
};

struct row_operations_of_dtypes {
  row_operations of[2];  // float32, float64
};

struct tile_operations_of_dtypes {
  tile_operations of[2];  // float32, float64
};

// The gradient of a unit's loss in one of its regions, a pixel at a time: by_other * other + constant + by_own * own; and
// where_less where own < other, half of it where they are equal.
struct region_slope {
  double by_other, constant, by_own, where_less;
};
struct region_places {
  void* out;
  const void *own, *other, *mask;  // mask may be null
  bool streams;  // past the caches, to memory aligned to 16 bytes; not of masked regions, and where the other region alone decides
};

// Pixels with class indices. A class's pixels lie side by side, `stride` numbers from class to class. `inverse` is of the sum of a pixel's
// exponentials, and 0 where it does not count; it has no label then, -1. `label_score` and `tail` are as in shift_pass.
struct label_region {
  void* exps;
  std::size_t stride, classes;
  const void *inverse, *labels, *label_score, *tail;
  bool whole;  // every pixel counts
};
struct label_slopes {
  // Scores that the exponentials are to be made of first, with the largest of each pixel; without data they are there already.
  const void* scores;
  std::ptrdiff_t scores_stride;
  const void* maximum;
  const double *by_size, *by_common;  // of each class: in its probability, and what is added where it is the label
  const void* terms;                  // of each pixel: in the logarithm of the label's probability; may be null
  void *common, *own;                 // numbers for each pixel: room
  void* out;
  std::ptrdiff_t stride;
  bool streams;  // past the caches; every class of `out` is aligned to 16 bytes
};

// Regions, a tile of neighbouring pixels of one class at a time: whole packs. `mask` is 0 where a pixel is masked and 1 elsewhere, or
// null; what is masked is never looked at.
struct region_operations {
  // Adds to sums[0] to sums[2] what the two have in common and their sizes. In common: the product, or the smaller of the two, which
  // is half of what the sizes exceed the distance by. Sizes: the sums, or those of squares.
  void (*add_sums)(const void* input, const void* target, const void* mask, std::size_t count, bool l1, bool squared, double* sums);
  void (*slope)(const region_slope&, const region_places&, std::size_t count);
  void (*sigmoid)(void* probability, void* derivative, const void* logits, std::size_t count);
  // From slopes in probabilities to those in logits; slopes in the logits themselves are added, where there are any.
  void (*through_sigmoid)(void* out, const void* slopes, const void* derivative, const void* logit_slopes, const void* mask,
                          std::size_t count, bool streams);
  void (*inverse_sum)(void* inverse, const void* tail, const void* mask, std::size_t count);  // 1 / (tail + 1), 0 where masked
  // Exponentials become probabilities, 0 where the inverse is.
  void (*normalise)(void* exps, std::size_t stride, std::size_t classes, const void* inverse, std::size_t count);
  void (*add_label_sums)(const label_region&, std::size_t first_class, std::size_t count, region_statistics* sums);
  void (*label_gradient)(const label_region&, const label_slopes&, std::size_t count);
  // From slopes in the probabilities to those in the scores, in their place: p * (slope - sum over classes of p * slope); slopes in
  // the logarithms of probabilities, where there are any, are taken along.
  void (*through_softmax)(void* slopes, const void* probabilities, const void* logit_slopes, std::size_t stride, std::size_t classes,
                          std::size_t count);
  std::size_t (*count_labels)(const void* labels, std::size_t count);  // that are not negative; any count
  // Whether a run of integers holds any but 0 and 1; null for the other dtypes.
  bool (*any_bit_beyond_the_first[dtype_count][2])(const void* base, const strided_run&);
  void (*one_class)(void* out, const void* labels, std::int64_t label, std::size_t count);  // 1 where the label is this one, else 0
  // Takes from a mask, or makes one of null, the pixels that have this value.
  void (*unlike)(void* mask, const void* given, const void* x, double value, std::size_t count);
};

struct region_operations_of_dtypes {
  region_operations of[2];  // float32, float64
};

// Squared distances of pixels in neighbouring lines: a row of numbers for each place along the lines, `distance_row_bytes` long.
inline constexpr std::size_t distance_row_bytes = 64;

struct distance_operations {
  // A further axis, as measure_line() in engine/distance_transform/line.hpp, where pixels of the other kind are near: each looks for one
  // along its line until the way alone is longer. False where that takes many steps, and then `out` is undefined. `memory` is for
  // distance_memory(count) bytes; no array overlaps another.
  bool (*measure_near)(const void* squares, void* out, std::size_t count, double step, void* memory);

  // The errors of predictions, by their distances. Tiles of whole packs; `mask` is as in region_operations.
  void (*above_half)(void* out, const void* x, const void* mask, std::size_t count);  // 1 where x > 0.5 and is not masked, else 0
  // += |unit * distance|^exponent; any count
  void (*add_power)(void* sum, const void* distance, double unit, double exponent, std::size_t count);
  // Adds weight * (input - target)^2: 0 where these are equal, whatever the weight is, as in the following.
  void (*add_squares)(const void* input, const void* target, const void* weight, const void* mask, std::size_t count, double* sum);
  // scale * weight * (input - target)
  void (*square_slope)(void* out, const void* input, const void* target, const void* weight, const void* mask, double scale,
                       std::size_t count);
};

// Rows that a look along a line may go too far, at each of its ends.
inline constexpr std::size_t distance_margin = 4;
constexpr std::size_t distance_memory(std::size_t count) {
  return 2 * (count + 2 * distance_margin) * distance_row_bytes + (count + distance_margin) * sizeof(double);
}

struct distance_operations_of_dtypes {
  distance_operations of[2];  // float32, float64
};

// Rows of features of embeddings, `features` numbers of each, one row behind the other.
struct unit_rows {
  const void* of[most_embeddings];
  std::size_t rows, features;
};
// Where gradients in embeddings go, as their rows lie; null: not wanted. A gradient may be any of the embeddings.
struct unit_gradients {
  void* of[most_embeddings];
  bool streams;  // past the caches; every row is aligned to 16 bytes
};

// Sums over features, in double whatever the dtype of these, and the way back. Numbers of units are in double, arrays of `stride` of them
// for each pair or embedding. Where all that flows back to a unit is 0, its gradients are, and its features are not looked at.
struct embedding_operations {
  // Distances of each pair, or their squares, as the form says.
  void (*distances)(const unit_rows&, const distance_form&, double* to, std::size_t stride);
  // `flow`: what flows back to each distance.
  void (*distance_gradients)(const unit_rows&, const distance_form&, const double* distances, const double* flow, std::size_t stride,
                             const unit_gradients&);
  // Dot products of each pair, and of each embedding with itself; of embeddings times `scales`, where they are not null.
  void (*products)(const unit_rows&, embedding_pairs, const double* scales, double* dots, double* squares, std::size_t stride);
  // The gradient in embedding i is scale_i times the sum of coefficients[i][j] scale_j x_j, of two or three embeddings:
  // most_embeddings^2 arrays.
  void (*product_gradients)(const unit_rows&, std::size_t embeddings, const double* coefficients, const double* scales, std::size_t stride,
                            const unit_gradients&);
  // The largest magnitude in each row of each embedding.
  void (*largest)(const unit_rows&, std::size_t embeddings, double* to, std::size_t stride);
};

struct embedding_operations_of_dtypes {
  embedding_operations of[2];  // float32, float64
};

// A product of panels: `rows` x `columns` results, in rows of `stride` numbers.
struct product_task {
  void* result;
  std::size_t stride;
  const void* left;   // panels, side by side
  const void* right;  // likewise
  std::size_t rows, columns, depth;
  const void* first;  // a row that is added to every row of the results, or null
  bool accumulate;    // adds to the results instead, without `first`
};

// Packs `lines` lines of `depth` numbers into panels; strides in numbers.
using pack_kernel = void (*)(void* panels, const void* from, std::ptrdiff_t line_stride, std::ptrdiff_t depth_stride, std::size_t lines,
                             std::size_t depth);

// Matrix products of one computation dtype.
struct product_operations {
  std::size_t left_lines, right_lines;  // in a panel of the left operand (rows of it) and of the right one (columns)
  pack_kernel pack_left, pack_right;
  void (*multiply)(const product_task&);
};

struct product_operations_of_dtypes {
  product_operations of[2];  // float32, float64
};

// Sums of exponentials, each a sum times the exponential of a maximum.
struct exponential_sums {
  double *maximum, *sum;
};

// The weights of pairs in a gradient: of a pair coefficient * exp(similarity - shift) of its row, and of its column where that is an
// anchor, too. Of bounded tiles all shifts are the bound.
struct similarity_weights {
  const void *row_coefficient, *row_shift;
  const void *column_coefficient, *column_shift;  // null: columns are none
};

struct similarity_operations {
  // Of the similarities of each row, and of each column where `columns` has memory.
  void (*sum_exponentials)(const similarity_tile&, const exponential_sums& rows, const exponential_sums& columns);
  void (*weigh_pairs)(const similarity_tile&, const similarity_weights&);  // in place of the cosines
  // Of each row and some columns at a time: the first that is largest stays, the others become minus infinity.
  void (*keep_largest)(const similarity_tile&, std::size_t columns);
  // Moves the pairs of equal labels, integers of the size of the dtype, to another tile of the same stride.
  void (*part_by_label)(const similarity_tile&, const void* row_labels, const void* column_labels, void* alike);
};

struct similarity_operations_of_dtypes {
  similarity_operations of[2];  // float32, float64
};

struct elementary_table {
  const elementary_function* functions;
  std::size_t count;
};

struct kernel_table {
  const char* isa;
  std::size_t vector_bytes;  // of a register
  // In the order of the registry: where each family holds the kernels of a loss, of the type that the loss's engine casts to.
  const void* const* const* losses;
  const tile_operations* tiles;  // float32, float64
  const row_operations* rows;    // float32, float64
  const elementary_table* elementary;
  const product_operations* products;         // float32, float64
  const region_operations* regions;           // float32, float64
  const distance_operations* distances;       // float32, float64
  const embedding_operations* embeddings;     // float32, float64
  const similarity_operations* similarities;  // float32, float64
};

// The kernels of a loss, of the type of its engine: its own, or those of this instruction set.
template <class Kernels>
const Kernels& kernels_of(const loss_info& loss, const kernel_table& table) {
  return *static_cast<const Kernels*>(loss.kernels != nullptr ? loss.kernels : *table.losses[loss.index]);
}

}  // namespace fastloss

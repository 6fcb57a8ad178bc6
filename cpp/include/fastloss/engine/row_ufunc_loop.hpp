// The loop behind the generalised numpy.ufunc objects of a row-wise loss: one value, or one gradient, for each row, on the
// calling thread.
#pragma once

#include <cstddef>

#include "fastloss/engine/ufunc_loop.hpp"

namespace fastloss {

// Whether an argument for this operand has an axis of classes.
FASTLOSS_API bool has_class_axis(const operand& o);

// Whether it is class indices or lists of them, of type int64.
FASTLOSS_API bool is_class_indices(const operand& o);

// Computes `rows` rows of `classes` classes. Arguments are as those of run_ufunc_loop(), the output last; it has an axis of
// classes if it is the gradient. steps[i] (bytes, may be 0) goes from row to row of the i-th argument; behind them are the
// steps from class to class of those arguments that have an axis of classes, in the same order. The output shares no memory
// with the other arguments. Where an option or a class index is out of range, the result is NaN: a loop cannot raise. The
// floating-point environment is left as it was found. Throws std::bad_alloc.
FASTLOSS_API void run_row_ufunc_loop(const ufunc_loop& loop, char* const* data, std::ptrdiff_t rows, std::ptrdiff_t classes,
                                     const std::ptrdiff_t* steps);

}  // namespace fastloss

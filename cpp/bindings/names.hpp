// Interned strings. Keyword names that the compiler of Python has interned are recognised by identity.
#pragma once

#include "fastloss/engine/call.hpp"
#include "numpy_api.hpp"

namespace fastloss::bindings {

// The keywords that calls share.
enum keyword : int {
  kw_reduction,
  kw_sample_weight,
  kw_where,
  kw_normalizer,
  kw_grad_output,
  kw_wrt,
  kw_out,
  kw_accumulate,
  // Of row-wise losses only.
  kw_axis,
  kw_ignore_index,
  kw_return,
  kw_vector,
  keyword_count
};

struct interned_names {
  PyObject* keywords[keyword_count];
  PyObject* reductions[4];            // in the order of enum reduction
  PyObject* normalizers[2];           // "count", "weight"
  PyObject* extras[row_extra_count];  // in the order of enum row_extra
};

extern interned_names names;

void intern_names();  // at import

// Equality of two str objects, the first of them interned.
inline bool same_name(PyObject* interned, PyObject* text) { return interned == text || PyUnicode_Compare(interned, text) == 0; }

}  // namespace fastloss::bindings

// Interned strings. Keyword names that the compiler of Python has interned are recognised by identity.
#pragma once

#include "numpy_api.hpp"

namespace fastloss::bindings {

// The keywords that calls share, in the order of signatures.
enum keyword : int {
  kw_reduction,
  kw_sample_weight,
  kw_where,
  kw_normalizer,
  kw_grad_output,
  kw_wrt,
  kw_out,
  kw_accumulate,
  keyword_count
};

struct interned_names {
  PyObject* keywords[keyword_count];
  PyObject* reductions[4];   // in the order of enum reduction
  PyObject* normalizers[2];  // "count", "weight"
};

extern interned_names names;

void intern_names();  // at import

// Equality of two str objects, the first of them interned.
inline bool same_name(PyObject* interned, PyObject* text) { return interned == text || PyUnicode_Compare(interned, text) == 0; }

}  // namespace fastloss::bindings

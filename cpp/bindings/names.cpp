#include "names.hpp"

#include "python_objects.hpp"

namespace fastloss::bindings {

interned_names names;

namespace {
template <int N>
void intern(PyObject* (&to)[N], const char* const (&from)[N]) {
  for (int i = 0; i < N; ++i) to[i] = checked(PyUnicode_InternFromString(from[i])).release();
}
}  // namespace

void intern_names() {
  intern(names.keywords, {"reduction", "sample_weight", "where", "normalizer", "grad_output", "wrt", "out", "accumulate", "axis",
                          "ignore_index", "return_", "vector"});
  intern(names.reductions, {"none", "mean", "sum", "batchmean"});
  intern(names.normalizers, {"count", "weight"});
  intern(names.extras, {"lse", "probabilities", "log_probabilities", "prediction", "correct"});
}

}  // namespace fastloss::bindings

#include "numpy_api.hpp"

#include <string>

#include "fastloss/engine/pointwise.hpp"
#include "fastloss/engine/ufunc_loop.hpp"
#include "ufuncs.hpp"

namespace py = pybind11;

namespace fastloss::bindings {
namespace {

// What a ufunc points into for as long as the process lives: NumPy copies none of it, and never says when it is done.
struct ufunc_data {
  std::string name, documentation;
  ufunc_loop loops[2];
  void* loop_data[2];
  PyUFuncGenericFunction functions[2];
  char types[2 * (max_operands + max_options + 1)];
};

void run_loop(char** data, const npy_intp* dimensions, const npy_intp* steps, void* loop) {
  run_ufunc_loop(*static_cast<const ufunc_loop*>(loop), data, dimensions[0], extents(steps));
}

py::object make_ufunc(const std::string& loss_name, bool gradient, const std::string& name, const std::string& documentation) {
  const loss_info* const loss = find_loss(loss_name.c_str());
  if (loss == nullptr || !loss->elementwise) throw py::value_error(loss_name + " is not an elementwise loss of the core");
  const int inputs = ufunc_operand_count(*loss) + static_cast<int>(loss->options.size());
  auto* const d = new ufunc_data{};
  d->name = name;
  d->documentation = documentation;
  for (int wide = 0; wide < 2; ++wide) {
    d->loops[wide] = {.loss = loss, .gradient = gradient, .wide = wide == 1};
    d->loop_data[wide] = &d->loops[wide];
    d->functions[wide] = run_loop;
    for (int i = 0; i <= inputs; ++i) d->types[wide * (inputs + 1) + i] = wide == 1 ? NPY_DOUBLE : NPY_FLOAT;
  }
  PyObject* const made = PyUFunc_FromFuncAndData(d->functions, d->loop_data, d->types, 2, inputs, 1, PyUFunc_None, d->name.c_str(),
                                                 d->documentation.c_str(), 0);
  if (made == nullptr) {
    delete d;
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::object>(made);
}

}  // namespace

void add_ufunc_functions(py::module_& module) {
  module.def("make_ufunc", make_ufunc, py::arg("loss"), py::arg("gradient"), py::arg("name"), py::arg("documentation"),
             "A new numpy.ufunc of an elementwise loss. Internal: fastloss.ufuncs makes each of them once.");
}

}  // namespace fastloss::bindings

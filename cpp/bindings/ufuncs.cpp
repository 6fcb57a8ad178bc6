#include "numpy_api.hpp"

#include <string>

#include "fastloss/engine/plan.hpp"
#include "fastloss/engine/row_ufunc_loop.hpp"
#include "gil.hpp"
#include "loss_type.hpp"
#include "python_objects.hpp"
#include "ufuncs.hpp"

namespace py = pybind11;

namespace fastloss::bindings {
namespace {

// What a ufunc points into for as long as the process lives: NumPy copies none of it, and never says when it is done.
struct ufunc_data {
  std::string name, documentation, types, signature;
  ufunc_loop loops[2];
  void* loop_data[2];
  PyUFuncGenericFunction functions[2];
};

void run_loop(char** data, const npy_intp* dimensions, const npy_intp* steps, void* loop) {
  run_ufunc_loop(*static_cast<const ufunc_loop*>(loop), data, dimensions[0], extents(steps));
}

void run_row_loop(char** data, const npy_intp* dimensions, const npy_intp* steps, void* loop) {
  try {
    run_row_ufunc_loop(*static_cast<const ufunc_loop*>(loop), data, dimensions[0], dimensions[1], extents(steps));
  } catch (...) {
    const with_gil held;
    set_error_from_current_exception();
  }
}

// The types of the arguments in the float32 and in the float64 loop, and for a row-wise loss which have an axis of classes.
void describe_arguments(ufunc_data& d, const loss_info& loss, bool gradient) {
  std::string wide;
  const auto add = [&](bool class_axis, bool indices) {
    d.types += static_cast<char>(indices ? NPY_INT64 : NPY_FLOAT);
    wide += static_cast<char>(indices ? NPY_INT64 : NPY_DOUBLE);
    d.signature += class_axis ? "(c)," : "(),";
  };
  for (const operand& o : loss.operands)
    if (!o.is(multiplies)) add(has_class_axis(o), is_class_indices(o));
  for (std::size_t o = 0; o < loss.options.size(); ++o) add(false, false);
  d.signature.replace(d.signature.size() - 1, 1, "->");
  add(gradient, false);
  d.signature.pop_back();
  d.types += wide;
}

py::object make_ufunc(const std::string& loss_name, bool gradient, const std::string& name, const std::string& documentation) {
  const loss_info* const loss = find_loss(loss_name.c_str());
  if (loss == nullptr || (loss->parts & part_ufunc) == 0)
    throw py::value_error(loss_name + " is not a loss of elements or of rows of the core");
  const int inputs = ufunc_operand_count(*loss) + static_cast<int>(loss->options.size());
  const bool by_rows = loss->engine == &rowwise_engine;
  auto* const d = new ufunc_data{};
  d->name = name;
  d->documentation = documentation;
  describe_arguments(*d, *loss, gradient);
  for (int wide = 0; wide < 2; ++wide) {
    d->loops[wide] = {.loss = loss, .gradient = gradient, .wide = wide == 1};
    d->loop_data[wide] = &d->loops[wide];
    d->functions[wide] = by_rows ? run_row_loop : run_loop;
  }
  PyObject* const made =
      PyUFunc_FromFuncAndDataAndSignature(d->functions, d->loop_data, d->types.data(), 2, inputs, 1, PyUFunc_None, d->name.c_str(),
                                          d->documentation.c_str(), 0, by_rows ? d->signature.c_str() : nullptr);
  if (made == nullptr) {
    delete d;
    throw py::error_already_set();
  }
  return py::reinterpret_steal<py::object>(made);
}

}  // namespace

void add_ufunc_functions(py::module_& module) {
  module.def("make_ufunc", make_ufunc, py::arg("loss"), py::arg("gradient"), py::arg("name"), py::arg("documentation"),
             "A new numpy.ufunc of a loss. Internal: fastloss.ufuncs makes each of them once.");
}

}  // namespace fastloss::bindings

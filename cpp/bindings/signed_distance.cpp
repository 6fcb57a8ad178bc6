#include "numpy_api.hpp"

#include <pybind11/stl.h>

#include <vector>

#include "context.hpp"
#include "fastloss/engine/signed_distance.hpp"
#include "fastloss/runtime/interruption.hpp"
#include "gil.hpp"
#include "results.hpp"
#include "signals.hpp"
#include "signed_distance.hpp"
#include "views.hpp"

namespace py = pybind11;

namespace fastloss::bindings {
namespace {

py::object measure(const py::object& mask, const std::vector<double>& spacing, const std::vector<int>& axes, bool single,
                   const py::object& out) {
  const owned name = checked(PyUnicode_FromString("signed_distance"));
  const caller who{.loss = name.get(), .has_where = false};
  call_options settings;
  apply_context(settings);
  view_storage storage;
  const_array from;
  read_array(mask.ptr(), "mask", who, storage, from);
  if (!out.is_none()) check_output(out.ptr(), "out", who);
  storage.make_views(who);
  mutable_array to;
  owned result;
  if (out.is_none()) {
    result = new_array({single ? dtype::float32 : dtype::float64, from.rank, from.shape, from.strides}, to);
  } else {
    to = output_view(out.ptr(), "out", who, storage);
    result = borrowed(out.ptr());
  }
  {
    const without_gil released;
    const interruptible watched(stop_on_signals());
    signed_distance(from, to, {.spacing = spacing, .axes = axes, .threads = settings.threads});
  }
  return py::reinterpret_steal<py::object>(result.release());
}

}  // namespace

void add_signed_distance(py::module_& module) {
  module.def(
      "signed_distance", measure, py::arg("mask"), py::arg("spacing"), py::arg("axes"), py::arg("single"), py::arg("out"),
      "The signed distance transform of a mask: spacing of none, one or each axis, axes (none: all), whether a new array is of float32.");
}

}  // namespace fastloss::bindings

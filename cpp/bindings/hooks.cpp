#include <cstring>
#include <string>
#include <vector>

#include "numpy_api.hpp"

#include <pybind11/numpy.h>

#include "fastloss/engine/elementary.hpp"
#include "fastloss/runtime/isa.hpp"
#include "fastloss/runtime/threads.hpp"
#include "gil.hpp"
#include "hooks.hpp"

namespace py = pybind11;

namespace fastloss::bindings {
namespace {

py::dict elementary_names() {
  py::dict names;
  for (const elementary_function& f : active_elementary_functions()) names[f.name] = f.arity;
  return names;
}

const elementary_function& find_elementary(const std::string& name) {
  for (const elementary_function& f : active_elementary_functions())
    if (name == f.name) return f;
  throw py::value_error("no elementary function is named '" + name + "'");
}

template <class S>
py::array apply(void (*function)(const S* const*, S*, std::size_t), const py::args& given) {
  std::vector<py::array_t<S, py::array::c_style>> arrays;
  std::vector<const S*> data;
  for (const py::handle g : given) {
    if (!py::isinstance<py::array_t<S>>(g)) throw py::type_error("elementary: arrays must all be float32 or all be float64");
    arrays.push_back(py::array_t<S, py::array::c_style>::ensure(g));
    if (arrays.back().size() != arrays.front().size()) throw py::value_error("elementary: arrays must have one size");
    data.push_back(arrays.back().data());
  }
  py::array_t<S> result(arrays.front().size());
  const auto count = static_cast<std::size_t>(result.size());
  S* const out = result.mutable_data();
  {
    const without_gil released;
    function(data.data(), out, count);
  }
  return result;
}

py::array elementary(const std::string& name, const py::args& arrays) {
  const elementary_function& f = find_elementary(name);
  if (static_cast<int>(arrays.size()) != f.arity) throw py::value_error(name + " takes " + std::to_string(f.arity) + " arrays");
  return py::isinstance<py::array_t<float>>(arrays[0]) ? apply<float>(f.f32, arrays) : apply<double>(f.f64, arrays);
}

}  // namespace

void add_test_hooks(py::module_& module) {
  module.def("elementary_names", elementary_names, "For tests: the elementary functions and how many arguments each takes.");
  module.def("elementary", elementary, py::arg("name"), "For tests: an elementary function of float32 or of float64 arrays.");
  module.def(
      "use_isa", [](const std::string& name) { use_isa(name.c_str()); }, py::arg("name"),
      "For tests: compute with this instruction set from now on.");
  module.def("last_team_size", last_team_size, "For tests: threads of this thread's latest parallel loop.");
  module.def("set_adaptive_teams", set_adaptive_teams, py::arg("on"), "For tests: whether a loop has fewer threads where more do not pay.");
}

}  // namespace fastloss::bindings

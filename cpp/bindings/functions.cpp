#include "numpy_api.hpp"

#include <string>
#include <vector>

#include "fastloss/runtime/isa.hpp"
#include "fastloss/runtime/memory.hpp"
#include "fastloss/runtime/threads.hpp"
#include "functions.hpp"

namespace py = pybind11;

namespace fastloss::bindings {
namespace {

std::vector<std::string> isa_names() {
  std::vector<std::string> found;
  for (const char* const* isa = available_isas(); *isa != nullptr; ++isa) found.emplace_back(*isa);
  return found;
}

py::dict cache() {
  const cache_state state = get_cache_state();
  py::dict d;
  d["limit_bytes"] = state.limit_bytes;
  d["kept_bytes"] = state.kept_bytes;
  d["kept_blocks"] = state.kept_blocks;
  d["last_level_cache_bytes"] = last_level_cache_bytes();
  return d;
}

py::dict build() {
  py::dict d;
#if defined(__clang__)
  d["compiler"] = "Clang " __clang_version__;
#else
  d["compiler"] = "GCC " __VERSION__;
#endif
#if defined(Py_GIL_DISABLED)
  d["free_threaded"] = true;
#else
  d["free_threaded"] = false;
#endif
  return d;
}

}  // namespace

void add_functions(py::module_& module) {
  module.def("set_num_threads", set_num_threads, py::arg("n"), "Threads by default, for the whole process.");
  module.def("get_num_threads", get_num_threads, "Threads by default: set_num_threads, else what OpenMP says.");
  module.def("empty_cache", empty_cache, py::call_guard<py::gil_scoped_release>(), "Gives the kept result blocks back to the system.");
  module.def("cache", cache, "State of the result-block cache, in bytes.");
  module.def("build", build, "How this module was compiled.");
  module.def("available_isas", isa_names, "Instruction sets that this machine can run, least first.");
  module.def("active_isa", [] { return std::string(active_isa()); }, "The instruction set in use.");
  module.def("use_isa", [](const std::string& name) { use_isa(name.c_str()); }, py::arg("name"), "For tests: compute with this instruction set from now on.");
  module.def("last_team_size", last_team_size, "For tests: threads of this thread's latest parallel loop.");
}

}  // namespace fastloss::bindings

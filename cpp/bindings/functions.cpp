#include "numpy_api.hpp"

#include <dlfcn.h>

#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "fastloss/runtime/isa.hpp"
#include "fastloss/runtime/memory.hpp"
#include "fastloss/runtime/threads.hpp"
#include "fastloss/version.hpp"
#include "functions.hpp"
#include "gil.hpp"

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
  d["streaming_bytes"] = streaming_bytes();
  return d;
}

// File name of the OpenMP library in use; compilers differ in theirs.
std::string openmp_library() {
  Dl_info found{};
  void* const function = dlsym(RTLD_DEFAULT, "omp_get_max_threads");
  if (function == nullptr || dladdr(function, &found) == 0 || found.dli_fname == nullptr) return "unknown";
  const std::string path = found.dli_fname;
  return path.substr(path.rfind('/') + 1);
}

py::dict build() {
  py::dict d;
  d["compiler"] = FASTLOSS_COMPILER;
  d["build_type"] = FASTLOSS_BUILD_TYPE;
  d["openmp"] = openmp_library();
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
  module.def("empty_cache", empty_cache, py::call_guard<without_gil>(), "Gives the kept result blocks back to the system.");
  module.def("cache", cache, "State of the result-block cache, in bytes.");
  module.def("build", build, "How this module was compiled.");
  module.def("available_isas", isa_names, "Instruction sets that this machine can run, least first.");
  module.def("active_isa", [] { return std::string(active_isa()); }, "The instruction set in use.");
  module.attr("version") = FASTLOSS_VERSION;
}

}  // namespace fastloss::bindings

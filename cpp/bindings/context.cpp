#include "context.hpp"

namespace fastloss::bindings {

PyObject* settings_variable = nullptr;

void create_settings_variable() { settings_variable = checked(PyContextVar_New("fastloss_settings", nullptr)).release(); }

void apply_context(call_options& options) {
  PyObject* settings = nullptr;
  if (PyContextVar_Get(settings_variable, nullptr, &settings) < 0) throw python_error{};
  if (settings == nullptr) return;
  const owned hold(settings);
  if (settings == Py_None) return;
  const auto number = [&](Py_ssize_t i) { return static_cast<int>(PyLong_AsLong(PyTuple_GET_ITEM(settings, i))); };
  options.threads = number(0);
  options.raise_nonfinite = number(1) != 0;
  options.raise_domain = number(2) != 0;
  options.empty = static_cast<empty_policy>(number(3));
}

}  // namespace fastloss::bindings

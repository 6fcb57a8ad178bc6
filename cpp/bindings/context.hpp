// The context-local settings, fl.threads() and fl.errstate(), as the core takes them.
#pragma once

#include "fastloss/engine/plan.hpp"
#include "python_objects.hpp"

namespace fastloss::bindings {

// The context variable behind both: a tuple that begins with (threads, nonfinite, domain, empty), small ints where 0 is
// the default; or None.
// Created at import; one look-up per call.
extern PyObject* settings_variable;

void create_settings_variable();
void apply_context(call_options& options);

}  // namespace fastloss::bindings

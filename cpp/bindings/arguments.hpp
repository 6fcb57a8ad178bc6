// The arguments of a call, matched with the parameters of a loss.
#pragma once

#include "loss_type.hpp"
#include "views.hpp"

namespace fastloss::bindings {

// Null where nothing was given.
struct arguments {
  PyObject* operands[max_operands] = {};
  PyObject* options[max_options] = {};
  PyObject* keywords[keyword_count] = {};
  bool any_option = false;
  object_list<max_operands + max_options + keyword_count> kept;  // all of the above
};

// The keywords that a call of the loss takes, as bits.
unsigned keywords_of(const loss_info& info, call_kind kind);

// Fills `result`, and runs no Python code while it does; raises TypeError in Python's words for what does not match.
void match_arguments(const loss_object& loss, call_kind kind, PyObject* const* args, Py_ssize_t positional, PyObject* keyword_names,
                     arguments& result);

}  // namespace fastloss::bindings

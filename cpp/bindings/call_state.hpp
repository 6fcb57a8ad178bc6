// What one call from Python is made of: the arguments as given, their views, what the core is asked for, and the results.
#pragma once

#include "arguments.hpp"
#include "fastloss/engine/call.hpp"

namespace fastloss::bindings {

struct call_state {
  call_state(const loss_object& l, call_kind k) : loss(l), kind(k), who{l.name} {}
  const loss_object& loss;
  const call_kind kind;
  const caller who;
  arguments given{};
  view_storage storage{};
  loss_call call{};
  loss_outputs outputs{};
  bool several_gradients = false;  // wrt was a sequence
  int extra_count = -1;            // of the names in return_; -1: it was not given
  row_extra extras[row_extra_count];
  owned extra_out[row_extra_count]{};  // where they go; empty where an array is to be made
  owned results[max_operands + 1]{};   // gradients, then the Hessian
  owned value{};
  owned extra_arrays{};  // a dict, where return_ was given
  owned out_items{};     // out as a tuple, where it was one or a list
  alignas(double) unsigned char options[max_loss_bytes];
};

// None is as good as nothing.
inline PyObject* given_or_null(PyObject* p) { return p == Py_None ? nullptr : p; }

// From the arguments to the core's call. What is allowed is the plan's business; only Python's own forms (strings, tuples, None)
// are read here.
void read_call(call_state& s);

// The arrays given as out=, in the order of the results; null where one is to be made.
void read_out(call_state& s, int count, PyObject** arrays);

// Whether out is a tuple, or the one array itself.
inline bool out_is_tuple(const call_state& s) { return s.several_gradients || s.kind == call_kind::grad_and_hess; }

}  // namespace fastloss::bindings

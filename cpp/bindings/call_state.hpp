// What one call from Python is made of, which it keeps alive: the arguments as given, their views, what the core is asked for, and the
// results.
#pragma once

#include "arguments.hpp"
#include "fastloss/engine/call.hpp"

namespace fastloss::bindings {

struct call_state {
  call_state(loss_object& l, call_kind k) : self(borrowed(reinterpret_cast<PyObject*>(&l))), loss(l), kind(k), who{l.name} {}
  const owned self;
  const loss_object& loss;
  const call_kind kind;
  const caller who;
  arguments given{};
  view_storage storage;
  loss_call call{};
  loss_outputs outputs{};
  bool several_gradients = false;  // wrt was a sequence
  int extra_count = -1;            // of the names in return_; -1: it was not given
  row_extra extras[row_extra_count];
  object_list<row_extra_count> extra_arrays;  // where they go; null where an array is to be made
  PyObject* out[max_operands + 1]{};          // given as out=, in the order of the results; null where an array is to be made
  owned out_items{};                          // out as a tuple, where it was one or a list
  object_list<max_operands + 1> results;      // gradients, then the Hessian
  owned value{};
  alignas(double) unsigned char options[max_loss_bytes];
};

// None is as good as nothing.
inline PyObject* given_or_null(PyObject* p) { return p == Py_None ? nullptr : p; }

// From the arguments to the core's call. What is allowed is the plan's business; only Python's own forms (strings, tuples, None)
// are read here. All that may run Python code comes first, and views are made last: such code, like another thread, may reshape
// arrays and empty lists that were read already.
void read_call(call_state& s);

// Arrays that results go into, as messages name them.
struct argument_text {
  char text[40];
};
argument_text out_argument(int position);
argument_text extra_argument(const call_state& s, row_extra extra);

// Whether out is a tuple, or the one array itself.
inline bool out_is_tuple(const call_state& s) { return s.several_gradients || s.kind == call_kind::grad_and_hess; }

}  // namespace fastloss::bindings

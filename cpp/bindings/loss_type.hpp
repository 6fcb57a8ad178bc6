// The Python type `Loss`. Its instances are called through vectorcall (calls.cpp), as are its methods grad, value_and_grad,
// hess, grad_and_hess and hvp, which are objects of a type of their own (method_type.hpp).
#pragma once

#include "fastloss/core/loss.hpp"
#include "names.hpp"
#include "python_objects.hpp"

namespace fastloss::bindings {

enum class call_kind : int { value, grad, value_and_grad, hess, grad_and_hess, hvp, statistics };
inline constexpr int call_kind_count = 7;
// Attribute names; null for the value, which is the call of the loss itself.
inline constexpr const char* method_names[call_kind_count] = {nullptr,         "grad", "value_and_grad", "hess",
                                                              "grad_and_hess", "hvp",  "statistics"};
// What a loss needs for a method: bits of call_part.
inline constexpr unsigned parts_of_method[call_kind_count] = {0u, 0u, 0u, part_hess, part_hess, part_hess | part_vector, 0u};

inline bool has_method(const loss_info& info, call_kind kind) { return (parts_of_method[static_cast<int>(kind)] & ~info.parts) == 0; }

struct loss_object {
  PyObject_HEAD vectorcallfunc vectorcall;
  PyObject* weak_references;
  const loss_info* info;
  PyObject* name;
  PyObject* declaration;               // what Python knows of the loss: documentation, properties
  PyObject* methods[call_kind_count];  // null for the value, and for what the loss does not have
  PyObject* operand_names[max_operands];
  PyObject* option_names[max_options];
  int operand_count, required_count, option_count;
  unsigned keywords[call_kind_count];                     // bits: those of `keyword` that each call takes
  unsigned bound_options, bound_operands;                 // bits: given to partial()
  double operand_values[max_operands];                    // of the bound operands
  alignas(double) unsigned char options[max_loss_bytes];  // the loss struct
};

extern PyTypeObject* loss_type;

// The name of a capsule that a loss is made from: it holds a pointer to a loss_info that outlives the process's use of it.
inline constexpr const char* description_capsule = "fastloss.loss_info";

// True or False, or np.bool_; TypeError otherwise.
bool read_switch(PyObject* given, const char* argument, PyObject* loss_name);

// Creates the type and adds it to the module, at import.
void add_loss_type(PyObject* module);

// A real number; TypeError otherwise, saying what is needed.
double read_number(PyObject* given, const char* argument, PyObject* loss_name, const char* needed = "a number");

// The value of an option given from Python, as the loss struct takes it; raises TypeError or ValueError.
double option_value(const loss_object& loss, int option, PyObject* given);
// The value of an option as Python sees it: float, bool, str, or None where that stands for the number.
PyObject* option_object(const loss_info& info, const void* options, int option);

// What computes a call that has a function for a choice, as the declaration says; null where there is no such option, or the loss takes
// names alone.
owned composition_of(const loss_object& loss, PyObject* const* options);

// Where an option, operand or keyword of this name stands, or -1.
int find_name(PyObject* const* known, int count, PyObject* text);

}  // namespace fastloss::bindings

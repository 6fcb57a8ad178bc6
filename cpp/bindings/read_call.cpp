// Arguments of a call, from objects to what the core is asked for.
#include <cstring>

#include "call_state.hpp"
#include "context.hpp"

namespace fastloss::bindings {
namespace {

bool wants_value(call_kind k) { return k == call_kind::value || k == call_kind::value_and_grad || k == call_kind::statistics; }
bool wants_gradient(call_kind k) { return k == call_kind::grad || k == call_kind::value_and_grad || k == call_kind::grad_and_hess; }
bool wants_hessian(call_kind k) { return k == call_kind::hess || k == call_kind::grad_and_hess || k == call_kind::hvp; }

// Which of some words a str is; raises ValueError that lists them.
int word(PyObject* given, PyObject* const* words, int count, const char* argument, const char* choices, const caller& who) {
  for (int i = 0; i < count; ++i)
    if (words[i] == given) return i;
  if (PyUnicode_Check(given)) {
    const int i = find_name(words, count, given);
    if (i >= 0) return i;
    raise(PyExc_ValueError, "%U: %s must be %s, not %R", who.loss, argument, choices, given);
  }
  raise(PyExc_TypeError, "%U: %s must be %s, not %s", who.loss, argument, choices, Py_TYPE(given)->tp_name);
}

void read_normalizer(call_state& s, PyObject* given) {
  constexpr const char* choices = "a number, 'count' or 'weight'";
  if (PyUnicode_Check(given)) {
    const int i = word(given, names.normalizers, 2, "normalizer", choices, s.who);
    s.call.call.normalizer = i == 0 ? normalizer::count : normalizer::weight;
    return;
  }
  s.call.call.normalizer = normalizer::number;
  s.call.call.normalizer_value = read_number(given, "normalizer", s.who.loss, choices);
}

// An int of an int or what can stand for one; not of a bool.
owned integer_of(const call_state& s, PyObject* given, const char* argument, const char* needed) {
  if (!PyBool_Check(given) && PyIndex_Check(given) != 0) {
    owned index(PyNumber_Index(given));
    if (index) return index;
    if (!PyErr_ExceptionMatches(PyExc_TypeError)) throw python_error{};  // NumPy's bools and arrays of several numbers say so here
  }
  raise(PyExc_TypeError, "%U: %s must be %s, not %s", s.who.loss, argument, needed, Py_TYPE(given)->tp_name);
}

// An integer as messages show it: Python refuses to write out the longest.
owned integer_text(PyObject* integer) {
  owned text(PyObject_Str(integer));
  if (text) return text;
  PyErr_Clear();
  return checked(PyUnicode_FromString("an integer of thousands of digits"));
}

int operand_named(const call_state& s, PyObject* given) {
  const loss_object& loss = s.loss;
  if (PyUnicode_Check(given)) {
    const int i = find_name(loss.operand_names, loss.operand_count, given);
    if (i >= 0) return i;
    owned operands = checked(PyTuple_New(loss.operand_count));
    for (int k = 0; k < loss.operand_count; ++k) {
      Py_INCREF(loss.operand_names[k]);
      PyTuple_SET_ITEM(operands.get(), k, loss.operand_names[k]);
    }
    raise(PyExc_ValueError, "%U: wrt must name operands among %R, not %R", s.who.loss, operands.get(), given);
  }
  const owned index = integer_of(s, given, "wrt", "the name or position of an operand, or a sequence of them");
  const Py_ssize_t i = PyNumber_AsSsize_t(index.get(), nullptr);  // beyond its range: the nearest end
  if (i < 0 || i >= loss.operand_count)
    raise(PyExc_ValueError, "%U: wrt must be a position from 0 to %d, not %U", s.who.loss, loss.operand_count - 1,
          integer_text(index.get()).get());
  return static_cast<int>(i);
}

bool is_left_out(const call_state& s, unsigned k) {
  return s.loss.info->operands[k].is(optional) && (s.given.operands[k] == nullptr || s.given.operands[k] == Py_None);
}

// What the loss is differentiated in unless the call says: not in what is left out.
void default_wrt(call_state& s) {
  int count = 0;
  for (unsigned k = 0, left = s.loss.info->default_wrt; left != 0; ++k, left >>= 1)
    if ((left & 1u) != 0 && !is_left_out(s, k)) s.call.gradient_of[static_cast<std::size_t>(count++)] = static_cast<int>(k);
  s.call.gradient_count = count;
  s.several_gradients = count > 1;
}

void read_wrt(call_state& s, PyObject* given) {
  s.call.gradient_of.fill(0);
  s.call.gradient_count = 1;
  s.several_gradients = false;
  if (!PyTuple_Check(given) && !PyList_Check(given)) {
    s.call.gradient_of[0] = operand_named(s, given);
    return;
  }
  const owned items = checked(PySequence_Tuple(given));  // a list could change while its items are looked at
  const Py_ssize_t count = PyTuple_GET_SIZE(items.get());
  if (count == 0) raise(PyExc_ValueError, "%U: wrt must name at least one operand, not none", s.who.loss);
  if (count > max_operands) raise(PyExc_ValueError, "%U: wrt must not name an operand twice: %R", s.who.loss, given);
  for (Py_ssize_t i = 0; i < count; ++i) {
    const int operand = operand_named(s, PyTuple_GET_ITEM(items.get(), i));
    s.call.gradient_of[static_cast<std::size_t>(i)] = operand;
  }
  s.call.gradient_count = static_cast<int>(count);
  s.several_gradients = true;
}

void read_options(call_state& s) {
  s.call.options = s.loss.options;
  if (!s.given.any_option) return;
  std::memcpy(s.options, s.loss.options, s.loss.info->bytes);
  for (int i = 0; i < s.loss.option_count; ++i)
    if (s.given.options[i] != nullptr) s.loss.info->set(s.options, i, option_value(s.loss, i, s.given.options[i]));
  s.call.options = s.options;
}

long long read_integer(const call_state& s, PyObject* given, const char* argument, const char* needed = "an integer") {
  const owned index = integer_of(s, given, argument, needed);
  int overflow = 0;
  const long long x = PyLong_AsLongLongAndOverflow(index.get(), &overflow);
  if (overflow != 0) raise(PyExc_ValueError, "%U: %s must fit an int64, got %U", s.who.loss, argument, integer_text(index.get()).get());
  if (x == -1 && PyErr_Occurred() != nullptr) throw python_error{};
  return x;
}

void read_axis(call_state& s, PyObject* given) {
  const char* const name = s.loss.info->arguments.axis;
  const bool may_have_none = (s.loss.info->parts & part_no_axis) != 0;
  if (may_have_none) {
    if (given == Py_None) {
      s.call.call.axis = no_axis;
      return;
    }
    if (PyUnicode_Check(given) && PyUnicode_CompareWithASCIIString(given, "auto") == 0) return;
  } else if (given == Py_None) {
    return;
  }
  const long long axis = read_integer(s, given, name, may_have_none ? "an integer, None or 'auto'" : "an integer");
  if (axis < -max_rank || axis >= max_rank)
    raise(PyExc_ValueError, "%U: %s must be an axis of the first operand, got %lld", s.who.loss, name, axis);
  s.call.call.axis = static_cast<int>(axis);
}

// `array`: where it goes, or null.
void add_extra(call_state& s, PyObject* given, PyObject* array = nullptr) {
  const int e = word(given, names.extras, row_extra_count, "return_",
                     "'lse', 'probabilities', 'log_probabilities', 'prediction', 'correct' or several of them", s.who);
  if ((s.call.extras >> e & 1u) != 0) raise(PyExc_ValueError, "%U: return_ names %R twice", s.who.loss, given);
  s.call.extras |= 1u << e;
  if (array != nullptr) check_output(array, extra_argument(s, static_cast<row_extra>(e)).text, s.who);
  s.extra_arrays.add(owned(Py_XNewRef(array)));
  s.extras[s.extra_count++] = static_cast<row_extra>(e);
}

void read_return(call_state& s, PyObject* given) {
  s.extra_count = 0;
  if (PyDict_Check(given)) {
    const owned items = checked(PyDict_Copy(given));  // it, too, could change
    PyObject *name, *array;
    for (Py_ssize_t at = 0; PyDict_Next(items.get(), &at, &name, &array) != 0;) add_extra(s, name, given_or_null(array));
    return;
  }
  if (!PyTuple_Check(given) && !PyList_Check(given)) {
    add_extra(s, given);
    return;
  }
  const owned items = checked(PySequence_Tuple(given));
  for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.get()); ++i) add_extra(s, PyTuple_GET_ITEM(items.get(), i));
}

// The keywords that not every loss takes.
void read_keywords_of_parts(call_state& s) {
  PyObject* const* const k = s.given.keywords;
  if (k[kw_axis] != nullptr) read_axis(s, k[kw_axis]);
  if (k[kw_ignore_index] != nullptr) s.call.call.ignore_index = read_integer(s, k[kw_ignore_index], "ignore_index");
  if (PyObject* const x = given_or_null(k[kw_return])) read_return(s, x);
  if (k[kw_vector] != nullptr) read_array(k[kw_vector], s.loss.info->arguments.vector, s.who, s.storage, s.call.vector);
}

void read_keywords(call_state& s) {
  PyObject* const* const k = s.given.keywords;
  call_options& o = s.call.call;
  if (k[kw_reduction] != nullptr)
    o.reduction =
        static_cast<reduction>(word(k[kw_reduction], names.reductions, 4, "reduction", "'none', 'mean', 'sum' or 'batchmean'", s.who));
  if (PyObject* const x = given_or_null(k[kw_sample_weight])) read_array(x, "sample_weight", s.who, s.storage, o.sample_weight);
  if (PyObject* const x = given_or_null(k[kw_where])) read_array(x, "where", s.who, s.storage, o.where);
  if (PyObject* const x = given_or_null(k[kw_normalizer])) read_normalizer(s, x);
  if (PyObject* const x = given_or_null(k[kw_grad_output])) read_array(x, "grad_output", s.who, s.storage, o.grad_output);
  if (PyObject* const x = given_or_null(k[kw_wrt])) read_wrt(s, x);
  if (k[kw_accumulate] != nullptr) o.accumulate = read_switch(k[kw_accumulate], "accumulate", s.who.loss);
}

// The arrays given as out=.
void read_out(call_state& s) {
  PyObject* const given = given_or_null(s.given.keywords[kw_out]);
  if (given == nullptr) {
    if (s.call.call.accumulate) raise(PyExc_ValueError, "%U: accumulate=True adds to the arrays given as out; out is missing", s.who.loss);
    return;
  }
  if (!out_is_tuple(s)) {
    check_output(given, "out", s.who);
    s.out[0] = given;
    return;
  }
  const int count = s.call.gradient_count + (s.call.hessian ? 1 : 0);
  if (PyTuple_Check(given) || PyList_Check(given)) s.out_items = checked(PySequence_Tuple(given));
  if (!s.out_items || PyTuple_GET_SIZE(s.out_items.get()) != count)
    raise(PyExc_TypeError, "%U: out must be a tuple of %d arrays, %s", s.who.loss, count,
          s.several_gradients ? "one for each operand in wrt" : "for the gradient and the second derivative");
  for (int i = 0; i < count; ++i) {
    s.out[i] = given_or_null(PyTuple_GET_ITEM(s.out_items.get(), i));
    if (s.out[i] != nullptr) check_output(s.out[i], out_argument(i).text, s.who);
    else if (s.call.call.accumulate)
      raise(PyExc_ValueError, "%U: accumulate=True adds to the arrays given as out; out[%d] is missing", s.who.loss, i);
  }
}

}  // namespace

void read_call(call_state& s) {
  s.call.loss = s.loss.info;
  s.call.value = wants_value(s.kind);
  s.call.statistics = s.kind == call_kind::statistics;
  if (wants_gradient(s.kind)) default_wrt(s);
  s.call.hessian = wants_hessian(s.kind);
  for (int i = 0; i < s.loss.operand_count; ++i) {
    PyObject* const given = s.given.operands[i];
    const operand& description = s.loss.info->operands[static_cast<std::size_t>(i)];
    const_array& to = s.call.operands[static_cast<std::size_t>(i)];
    if (given != nullptr && (given != Py_None || !description.may_be_left_out())) read_array(given, description.name, s.who, s.storage, to);
    else if ((s.loss.bound_operands >> i & 1u) != 0) to = number_view(s.loss.operand_values[i]);
  }
  read_options(s);
  read_keywords(s);
  if ((s.loss.info->parts & (part_vector | part_extras | part_axis | part_ignore_index)) != 0) read_keywords_of_parts(s);
  read_out(s);
  apply_context(s.call.call);
  s.storage.make_views(s.who);
}

argument_text out_argument(int position) {
  argument_text argument;
  PyOS_snprintf(argument.text, sizeof argument.text, "out[%d]", position);
  return argument;
}

argument_text extra_argument(const call_state& s, row_extra extra) {
  argument_text argument;
  if (const char* const out = s.loss.info->arguments.out) PyOS_snprintf(argument.text, sizeof argument.text, "%s", out);
  else PyOS_snprintf(argument.text, sizeof argument.text, "return_['%s']", PyUnicode_AsUTF8(names.extras[static_cast<int>(extra)]));
  return argument;
}

}  // namespace fastloss::bindings

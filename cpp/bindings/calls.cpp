// One call from Python: arguments to views, the core's plan, memory for the results, run, results to objects. What is
// allowed is the plan's business; here only Python's own forms (strings, tuples, None) are read.
#include "calls.hpp"

#include <cstring>

#include "arguments.hpp"
#include "context.hpp"
#include "fastloss/engine/pointwise.hpp"
#include "method_type.hpp"
#include "results.hpp"

namespace fastloss::bindings {
namespace {

// Work of more nanoseconds than this lets other Python threads run; handing the GIL over costs a fraction of it.
constexpr double release_gil_ns = 5000.0;

struct call_state {
  call_state(const loss_object& l, call_kind k) : loss(l), kind(k), who{l.name} {}
  const loss_object& loss;
  const call_kind kind;
  const caller who;
  arguments given{};
  view_storage storage{};
  loss_call call{};
  loss_outputs outputs{};
  bool several_gradients = false;     // wrt was a sequence
  owned results[max_operands + 1]{};  // gradients, then the Hessian
  owned value{};
  owned out_items{};  // out as a tuple, where it was one or a list
  alignas(double) unsigned char options[max_loss_bytes];
};

bool wants_value(call_kind k) { return k == call_kind::value || k == call_kind::value_and_grad; }
bool wants_gradient(call_kind k) { return k == call_kind::grad || k == call_kind::value_and_grad || k == call_kind::grad_and_hess; }
bool wants_hessian(call_kind k) { return k == call_kind::hess || k == call_kind::grad_and_hess; }

PyObject* given_or_null(PyObject* p) { return p == Py_None ? nullptr : p; }

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
  const double x = PyFloat_AsDouble(given);
  if (x == -1.0 && PyErr_Occurred() != nullptr) {
    if (PyErr_ExceptionMatches(PyExc_TypeError))
      raise(PyExc_TypeError, "%U: normalizer must be %s, not %s", s.who.loss, choices, Py_TYPE(given)->tp_name);
    if (PyErr_ExceptionMatches(PyExc_OverflowError)) raise(PyExc_ValueError, "%U: normalizer is too large for a float64", s.who.loss);
    throw python_error{};
  }
  s.call.call.normalizer = normalizer::number;
  s.call.call.normalizer_value = x;
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
  if (PyBool_Check(given) || PyIndex_Check(given) == 0)
    raise(PyExc_TypeError, "%U: wrt must be the name or position of an operand, or a sequence of them, not %s", s.who.loss,
          Py_TYPE(given)->tp_name);
  const Py_ssize_t i = PyNumber_AsSsize_t(given, nullptr);
  if (i == -1 && PyErr_Occurred() != nullptr) throw python_error{};
  if (i < 0 || i >= loss.operand_count)
    raise(PyExc_ValueError, "%U: wrt must be a position from 0 to %d, not %R", s.who.loss, loss.operand_count - 1, given);
  return static_cast<int>(i);
}

void read_wrt(call_state& s, PyObject* given) {
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

void read_keywords(call_state& s) {
  PyObject* const* const k = s.given.keywords;
  call_options& o = s.call.call;
  if (k[kw_reduction] != nullptr)
    o.reduction =
        static_cast<reduction>(word(k[kw_reduction], names.reductions, 4, "reduction", "'none', 'mean', 'sum' or 'batchmean'", s.who));
  if (PyObject* const x = given_or_null(k[kw_sample_weight])) o.sample_weight = view(x, "sample_weight", s.who, s.storage);
  if (PyObject* const x = given_or_null(k[kw_where])) o.where = view(x, "where", s.who, s.storage);
  if (PyObject* const x = given_or_null(k[kw_normalizer])) read_normalizer(s, x);
  if (PyObject* const x = given_or_null(k[kw_grad_output])) o.grad_output = view(x, "grad_output", s.who, s.storage);
  if (PyObject* const x = given_or_null(k[kw_wrt])) read_wrt(s, x);
  if (k[kw_accumulate] != nullptr) o.accumulate = read_switch(k[kw_accumulate], "accumulate", s.who.loss);
}

void read_call(call_state& s) {
  s.call.loss = s.loss.info;
  s.call.value = wants_value(s.kind);
  s.call.gradient_count = wants_gradient(s.kind) ? 1 : 0;
  s.call.hessian = wants_hessian(s.kind);
  for (int i = 0; i < s.loss.operand_count; ++i) {
    PyObject* const given = s.given.operands[i];
    const operand& description = s.loss.info->operands[static_cast<std::size_t>(i)];
    const_array& to = s.call.operands[static_cast<std::size_t>(i)];
    if (given != nullptr && (given != Py_None || !description.may_be_left_out())) to = view(given, description.name, s.who, s.storage);
    else if ((s.loss.bound_operands >> i & 1u) != 0) to = number_view(s.loss.operand_values[i]);
  }
  read_options(s);
  read_keywords(s);
  apply_context(s.call.call);
}

// The arrays given as out=, in the order of the results; null where one is to be made.
void read_out(call_state& s, int count, PyObject** arrays) {
  for (int i = 0; i < count; ++i) arrays[i] = nullptr;
  PyObject* const given = given_or_null(s.given.keywords[kw_out]);
  if (given == nullptr) {
    if (s.call.call.accumulate) raise(PyExc_ValueError, "%U: accumulate=True adds to the arrays given as out; out is missing", s.who.loss);
    return;
  }
  const bool tuple = s.several_gradients || s.kind == call_kind::grad_and_hess;
  if (!tuple) {
    arrays[0] = given;
    return;
  }
  if (PyTuple_Check(given) || PyList_Check(given)) s.out_items = checked(PySequence_Tuple(given));
  if (!s.out_items || PyTuple_GET_SIZE(s.out_items.get()) != count)
    raise(PyExc_TypeError, "%U: out must be a tuple of %d arrays, %s", s.who.loss, count,
          s.several_gradients ? "one for each operand in wrt" : "for the gradient and the second derivative");
  for (int i = 0; i < count; ++i) arrays[i] = given_or_null(PyTuple_GET_ITEM(s.out_items.get(), i));
  for (int i = 0; i < count && s.call.call.accumulate; ++i)
    if (arrays[i] == nullptr)
      raise(PyExc_ValueError, "%U: accumulate=True adds to the arrays given as out; out[%d] is missing", s.who.loss, i);
}

owned place_result(const call_state& s, PyObject* out, int position, const array_spec& spec, mutable_array& target) {
  if (out == nullptr) return new_array(spec, target);
  char argument[16] = "out";
  if (position >= 0) PyOS_snprintf(argument, sizeof argument, "out[%d]", position);
  target = output_view(out, argument, s.who);
  return borrowed(out);
}

// A reduced value goes into an array of no axes.
void check_value_out(const call_state& s, PyObject* out, dtype computation) {
  const mutable_array target = output_view(out, "out", s.who);
  if (target.rank != 0) raise(PyExc_ValueError, "%U: out for the reduced value must have shape (), not %d axes", s.who.loss, target.rank);
  if (target.type != computation)
    raise(PyExc_TypeError, "%U: out for the reduced value must have dtype %s, not %S", s.who.loss,
          computation == dtype::float32 ? "float32" : "float64", PyArray_DESCR(reinterpret_cast<PyArrayObject*>(out)));
}

void place_results(call_state& s, const pointwise_plan& plan) {
  const int gradients = s.call.gradient_count, count = gradients + (s.call.hessian ? 1 : 0);
  PyObject* out[max_operands + 1];
  if (s.kind == call_kind::value) {
    read_out(s, 1, out);
    if (!plan.reduced()) s.value = place_result(s, out[0], -1, plan.value(), s.outputs.value);
    else if (out[0] != nullptr) check_value_out(s, out[0], plan.computation());
    return;
  }
  read_out(s, count, out);
  const bool tuple = s.several_gradients || s.kind == call_kind::grad_and_hess;
  for (int i = 0; i < gradients; ++i)
    s.results[i] = place_result(s, out[i], tuple ? i : -1, plan.gradient(i), s.outputs.gradients[static_cast<std::size_t>(i)]);
  if (s.call.hessian) s.results[gradients] = place_result(s, out[gradients], tuple ? gradients : -1, plan.hessian(), s.outputs.hessian);
  if (s.call.value && !plan.reduced()) s.value = new_array(plan.value(), s.outputs.value);
}

double estimated_ns(const call_state& s) {
  double elements = 1.0;
  const const_array& input = s.call.operands[0];
  for (int i = 0; i < input.rank; ++i) elements *= static_cast<double>(input.shape[i]);
  return elements * s.loss.info->nanoseconds;
}

struct without_gil {
  PyThreadState* const state = PyEval_SaveThread();
  without_gil() = default;
  without_gil(const without_gil&) = delete;
  without_gil& operator=(const without_gil&) = delete;
  ~without_gil() { PyEval_RestoreThread(state); }
};

double run(const call_state& s, const pointwise_plan& plan) {
  if (estimated_ns(s) < release_gil_ns) return plan.run(s.outputs);
  const without_gil released;
  return plan.run(s.outputs);
}

owned reduced_value(const call_state& s, const pointwise_plan& plan, double x) {
  owned number = new_number(plan.computation(), x);
  PyObject* const out = s.kind == call_kind::value ? given_or_null(s.given.keywords[kw_out]) : nullptr;
  if (out == nullptr) return number;
  PyArrayObject* const array = reinterpret_cast<PyArrayObject*>(out);
  if (PyArray_SETITEM(array, static_cast<char*>(PyArray_DATA(array)), number.get()) < 0) throw python_error{};
  return borrowed(out);
}

PyObject* pair(owned first, owned second) {
  PyObject* const tuple = checked(PyTuple_New(2)).release();
  PyTuple_SET_ITEM(tuple, 0, first.release());
  PyTuple_SET_ITEM(tuple, 1, second.release());
  return tuple;
}

owned gradients_object(call_state& s) {
  if (!s.several_gradients) return std::move(s.results[0]);
  owned tuple = checked(PyTuple_New(s.call.gradient_count));
  for (int i = 0; i < s.call.gradient_count; ++i) PyTuple_SET_ITEM(tuple.get(), i, s.results[i].release());
  return tuple;
}

PyObject* call(const loss_object& loss, call_kind kind, PyObject* const* args, std::size_t nargsf, PyObject* keyword_names) {
  call_state s(loss, kind);
  match_arguments(loss, kind, args, PyVectorcall_NARGS(nargsf), keyword_names, s.given);
  read_call(s);
  const pointwise_plan plan(s.call);
  place_results(s, plan);
  const double x = run(s, plan);
  if (s.call.value && plan.reduced()) s.value = reduced_value(s, plan, x);
  switch (kind) {
    case call_kind::value:
      return s.value.release();
    case call_kind::value_and_grad:
      return pair(std::move(s.value), gradients_object(s));
    case call_kind::grad_and_hess:
      return pair(std::move(s.results[0]), std::move(s.results[1]));
    default:
      return gradients_object(s).release();
  }
}

}  // namespace

PyObject* call_loss(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* keyword_names) {
  return guarded([&] { return call(*reinterpret_cast<loss_object*>(self), call_kind::value, args, nargsf, keyword_names); });
}

PyObject* call_method(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* keyword_names) {
  const method_object& m = *reinterpret_cast<method_object*>(self);
  return guarded([&] { return call(*m.loss, m.kind, args, nargsf, keyword_names); });
}

}  // namespace fastloss::bindings

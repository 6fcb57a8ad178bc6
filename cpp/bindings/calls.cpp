// One call from Python: arguments to views, the core's plan, memory for the results, run, results to objects.
#include "calls.hpp"

#include "call_state.hpp"
#include "fastloss/engine/plan.hpp"
#include "fastloss/runtime/floating_point.hpp"
#include "fastloss/runtime/interruption.hpp"
#include "gil.hpp"
#include "method_type.hpp"
#include "results.hpp"
#include "signals.hpp"

namespace fastloss::bindings {
namespace {

// Work of more nanoseconds than this lets other Python threads run; handing the GIL over costs a fraction of it.
constexpr double release_gil_ns = 5000.0;

owned place_result(call_state& s, int i, const array_spec& spec, mutable_array& target) {
  PyObject* const out = s.out[i];
  if (out == nullptr) return new_array(spec, target);
  target = output_view(out, out_is_tuple(s) ? out_argument(i).text : "out", s.who, s.storage);
  return borrowed(out);
}

// A reduced value goes into an array of no axes.
void check_value_out(call_state& s) {
  PyObject* const out = s.out[0];
  const mutable_array target = output_view(out, "out", s.who, s.storage);
  if (target.rank != 0) raise(PyExc_ValueError, "%U: out for the reduced value must have shape (), not %d axes", s.who.loss, target.rank);
  if (!is_floating(target.type))
    raise(PyExc_TypeError, "%U: out for the reduced value must have a floating dtype, not %S", s.who.loss,
          PyArray_DESCR(reinterpret_cast<PyArrayObject*>(out)));
}

void place_results(call_state& s, const call_plan& plan) {
  if (s.kind == call_kind::value) {
    if (!plan.reduced()) s.value = place_result(s, 0, plan.value(), s.outputs.value);
    else if (s.out[0] != nullptr) check_value_out(s);
    return;
  }
  const int gradients = s.call.gradient_count;
  for (int i = 0; i < gradients; ++i) s.results.add(place_result(s, i, plan.gradient(i), s.outputs.gradients[static_cast<std::size_t>(i)]));
  if (s.call.hessian) s.results.add(place_result(s, gradients, plan.hessian(), s.outputs.hessian));
  if (s.call.value && !plan.reduced()) s.value = new_array(plan.value(), s.outputs.value);
}

void place_extras(call_state& s, const call_plan& plan) {
  for (int i = 0; i < s.extra_count; ++i) {
    mutable_array& target = s.outputs.extras[static_cast<std::size_t>(s.extras[i])];
    if (s.extra_arrays[i] == nullptr) s.extra_arrays.replace(i, new_array(plan.extra(s.extras[i]), target));
    else target = output_view(s.extra_arrays[i], extra_argument(s, s.extras[i]).text, s.who, s.storage);
  }
}

double run(const call_state& s, const call_plan& plan) {
  if (plan.cost_ns() < release_gil_ns) return plan.run(s.outputs);
  const without_gil released;
  const interruptible watched(stop_on_signals());
  return plan.run(s.outputs);
}

owned reduced_value(call_state& s, dtype computation, double x) {
  PyObject* const out = s.kind == call_kind::value ? s.out[0] : nullptr;
  if (out == nullptr) return new_number(computation, x);
  store_number(x, output_view(out, "out", s.who, s.storage));
  return borrowed(out);
}

owned gradients_object(call_state& s) {
  if (!s.several_gradients) return s.results.take(0);
  owned tuple = checked(PyTuple_New(s.call.gradient_count));
  for (int i = 0; i < s.call.gradient_count; ++i) PyTuple_SET_ITEM(tuple.get(), i, s.results.take(i).release());
  return tuple;
}

owned extras_object(const call_state& s) {
  owned arrays = checked(PyDict_New());
  for (int i = 0; i < s.extra_count; ++i)
    if (PyDict_SetItem(arrays.get(), names.extras[static_cast<std::size_t>(s.extras[i])], s.extra_arrays[i]) < 0) throw python_error{};
  return arrays;
}

// One result by itself, several as a tuple: value, gradients, second derivative, extras.
PyObject* result_object(call_state& s) {
  owned parts[4];
  int count = 0;
  if (s.call.value) parts[count++] = std::move(s.value);
  if (s.call.gradient_count > 0) parts[count++] = gradients_object(s);
  if (s.call.hessian) parts[count++] = s.results.take(s.call.gradient_count);
  if (s.extra_count >= 0) parts[count++] = extras_object(s);
  if (count == 1) return parts[0].release();
  PyObject* const tuple = checked(PyTuple_New(count)).release();
  for (int i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple, i, parts[i].release());
  return tuple;
}

PyObject* statistics_object(call_state& s, const call_plan& plan) {
  loss_statistics found{};
  s.outputs.statistics = &found;
  run(s, plan);
  return checked(Py_BuildValue("(dd)", found.sum, found.denominator)).release();
}

// A call whose result Python composes: f(loss, method, ...), with what is bound where the call does not say otherwise.
PyObject* compose(PyObject* composition, loss_object& loss, call_kind kind, PyObject* const* args, std::size_t nargsf,
                  PyObject* keyword_names) {
  const Py_ssize_t positional = PyVectorcall_NARGS(nargsf);
  const char* const method = method_names[static_cast<int>(kind)];
  const owned all = checked(PyTuple_New(positional + 2));
  PyTuple_SET_ITEM(all.get(), 0, Py_NewRef(reinterpret_cast<PyObject*>(&loss)));
  PyTuple_SET_ITEM(all.get(), 1, checked(PyUnicode_FromString(method == nullptr ? "__call__" : method)).release());
  for (Py_ssize_t i = 0; i < positional; ++i) PyTuple_SET_ITEM(all.get(), i + 2, Py_NewRef(args[i]));
  const owned keywords = checked(PyObject_GetAttrString(reinterpret_cast<PyObject*>(&loss), "_bound"));
  for (Py_ssize_t i = 0; i < (keyword_names == nullptr ? 0 : PyTuple_GET_SIZE(keyword_names)); ++i)
    if (PyDict_SetItem(keywords.get(), PyTuple_GET_ITEM(keyword_names, i), args[positional + i]) < 0) throw python_error{};
  return checked(PyObject_Call(composition, all.get(), keywords.get())).release();
}

// Not inlined: numbers are converted in it, which belongs into the floating-point mode that its callers set.
[[gnu::noinline]] PyObject* call(loss_object& loss, call_kind kind, PyObject* const* args, std::size_t nargsf, PyObject* keyword_names) {
  call_state s(loss, kind);
  match_arguments(loss, kind, args, PyVectorcall_NARGS(nargsf), keyword_names, s.given);
  if (s.given.any_option)
    if (const owned composition = composition_of(loss, s.given.options))
      return compose(composition.get(), loss, kind, args, nargsf, keyword_names);
  read_call(s);
  const call_plan plan(s.call);
  if (kind == call_kind::statistics) return statistics_object(s, plan);
  place_results(s, plan);
  if (s.extra_count > 0) place_extras(s, plan);
  const double x = run(s, plan);
  if (s.call.value && plan.reduced()) s.value = reduced_value(s, plan.computation(), x);
  return result_object(s);
}

}  // namespace

PyObject* call_loss(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* keyword_names) {
  const standard_floating_point mode;
  return guarded([&] { return call(*reinterpret_cast<loss_object*>(self), call_kind::value, args, nargsf, keyword_names); });
}

PyObject* call_method(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* keyword_names) {
  const method_object& m = *reinterpret_cast<method_object*>(self);
  const standard_floating_point mode;
  return guarded([&] { return call(*m.loss, m.kind, args, nargsf, keyword_names); });
}

}  // namespace fastloss::bindings

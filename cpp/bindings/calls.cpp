// One call from Python: arguments to views, the core's plan, memory for the results, run, results to objects.
#include "calls.hpp"

#include <type_traits>

#include "call_state.hpp"
#include "fastloss/engine/linear.hpp"
#include "fastloss/engine/pointwise.hpp"
#include "fastloss/engine/rowwise.hpp"
#include "gil.hpp"
#include "method_type.hpp"
#include "results.hpp"

namespace fastloss::bindings {
namespace {

// Work of more nanoseconds than this lets other Python threads run; handing the GIL over costs a fraction of it.
constexpr double release_gil_ns = 5000.0;

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

template <class Plan>
void place_results(call_state& s, const Plan& plan) {
  const int gradients = s.call.gradient_count, count = gradients + (s.call.hessian ? 1 : 0);
  PyObject* out[max_operands + 1];
  if (s.kind == call_kind::value) {
    read_out(s, 1, out);
    if (!plan.reduced()) s.value = place_result(s, out[0], -1, plan.value(), s.outputs.value);
    else if (out[0] != nullptr) check_value_out(s, out[0], plan.computation());
    return;
  }
  read_out(s, count, out);
  const bool tuple = out_is_tuple(s);
  for (int i = 0; i < gradients; ++i)
    s.results[i] = place_result(s, out[i], tuple ? i : -1, plan.gradient(i), s.outputs.gradients[static_cast<std::size_t>(i)]);
  if constexpr (requires { plan.hessian(); })
    if (s.call.hessian) s.results[gradients] = place_result(s, out[gradients], tuple ? gradients : -1, plan.hessian(), s.outputs.hessian);
  if (s.call.value && !plan.reduced()) s.value = new_array(plan.value(), s.outputs.value);
}

owned place_extra(call_state& s, int i, const array_spec& spec, mutable_array& target) {
  if (!s.extra_out[i]) return new_array(spec, target);
  char argument[40];
  PyOS_snprintf(argument, sizeof argument, "return_['%s']", PyUnicode_AsUTF8(names.extras[static_cast<int>(s.extras[i])]));
  target = output_view(s.extra_out[i].get(), argument, s.who);
  return std::move(s.extra_out[i]);
}

void place_extras(call_state& s, const rowwise_plan& plan) {
  s.extra_arrays = checked(PyDict_New());
  for (int i = 0; i < s.extra_count; ++i) {
    const std::size_t e = static_cast<std::size_t>(s.extras[i]);
    const owned array = place_extra(s, i, plan.extra(s.extras[i]), s.outputs.extras[e]);
    if (PyDict_SetItem(s.extra_arrays.get(), names.extras[e], array.get()) < 0) throw python_error{};
  }
}

double estimated_ns(const call_state& s) {
  double elements = 1.0;
  const const_array& input = s.call.operands[0];
  for (int i = 0; i < input.rank; ++i) elements *= static_cast<double>(input.shape[i]);
  if (is_linear(*s.loss.info))  // each sample meets every line of the weights
    for (int i = 0; i < s.call.operands[1].rank - 1; ++i) elements *= static_cast<double>(s.call.operands[1].shape[i]);
  return elements * s.loss.info->nanoseconds;
}

template <class Plan>
double run(const call_state& s, const Plan& plan) {
  if (estimated_ns(s) < release_gil_ns) return plan.run(s.outputs);
  const without_gil released;
  return plan.run(s.outputs);
}

owned reduced_value(const call_state& s, dtype computation, double x) {
  owned number = new_number(computation, x);
  PyObject* const out = s.kind == call_kind::value ? given_or_null(s.given.keywords[kw_out]) : nullptr;
  if (out == nullptr) return number;
  PyArrayObject* const array = reinterpret_cast<PyArrayObject*>(out);
  if (PyArray_SETITEM(array, static_cast<char*>(PyArray_DATA(array)), number.get()) < 0) throw python_error{};
  return borrowed(out);
}

owned gradients_object(call_state& s) {
  if (!s.several_gradients) return std::move(s.results[0]);
  owned tuple = checked(PyTuple_New(s.call.gradient_count));
  for (int i = 0; i < s.call.gradient_count; ++i) PyTuple_SET_ITEM(tuple.get(), i, s.results[i].release());
  return tuple;
}

// One result by itself, several as a tuple: value, gradients, second derivative, extras.
PyObject* result_object(call_state& s) {
  owned parts[4];
  int count = 0;
  if (s.call.value) parts[count++] = std::move(s.value);
  if (s.call.gradient_count > 0) parts[count++] = gradients_object(s);
  if (s.call.hessian) parts[count++] = std::move(s.results[s.call.gradient_count]);
  if (s.extra_arrays) parts[count++] = std::move(s.extra_arrays);
  if (count == 1) return parts[0].release();
  PyObject* const tuple = checked(PyTuple_New(count)).release();
  for (int i = 0; i < count; ++i) PyTuple_SET_ITEM(tuple, i, parts[i].release());
  return tuple;
}

template <class Plan>
PyObject* call(const loss_object& loss, call_kind kind, PyObject* const* args, std::size_t nargsf, PyObject* keyword_names) {
  call_state s(loss, kind);
  match_arguments(loss, kind, args, PyVectorcall_NARGS(nargsf), keyword_names, s.given);
  read_call(s);
  const Plan plan(s.call);
  place_results(s, plan);
  if constexpr (std::is_same_v<Plan, rowwise_plan>)
    if (s.extra_count >= 0) place_extras(s, plan);
  const double x = run(s, plan);
  if (s.call.value && plan.reduced()) s.value = reduced_value(s, plan.computation(), x);
  return result_object(s);
}

template <class Plan>
PyObject* call_loss(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* keyword_names) {
  return guarded([&] { return call<Plan>(*reinterpret_cast<loss_object*>(self), call_kind::value, args, nargsf, keyword_names); });
}

template <class Plan>
PyObject* call_method(PyObject* self, PyObject* const* args, std::size_t nargsf, PyObject* keyword_names) {
  const method_object& m = *reinterpret_cast<method_object*>(self);
  return guarded([&] { return call<Plan>(*m.loss, m.kind, args, nargsf, keyword_names); });
}

}  // namespace

vectorcallfunc function_of_loss(const loss_info& info) {
  return is_rowwise(info) ? call_loss<rowwise_plan> : is_linear(info) ? call_loss<linear_plan> : call_loss<pointwise_plan>;
}

vectorcallfunc function_of_method(const loss_info& info) {
  return is_rowwise(info) ? call_method<rowwise_plan> : is_linear(info) ? call_method<linear_plan> : call_method<pointwise_plan>;
}

}  // namespace fastloss::bindings

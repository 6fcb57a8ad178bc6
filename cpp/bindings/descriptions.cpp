#include "numpy_api.hpp"

#include <iterator>
#include <string>

#include "descriptions.hpp"
#include "fastloss/engine/plan.hpp"
#include "loss_type.hpp"
#include "python_objects.hpp"

namespace py = pybind11;

namespace fastloss::bindings {
namespace {

// A bound as people write it: 0, not 0.0.
std::string bound(double x) {
  const std::string text = py::str(py::float_(x));
  return text.ends_with(".0") ? text.substr(0, text.size() - 2) : text;
}

// Which values are allowed, in the notation of mathematics; empty where all are.
std::string domain_text(const domain& d) {
  if (d.everything()) return "";
  if (d.ends_only) return "{" + bound(d.lower) + ", " + bound(d.upper) + "}";
  return (d.lower_open ? "(" : "[") + bound(d.lower) + ", " + bound(d.upper) + (d.upper_open ? ")" : "]");
}

const char* kind_text(option_kind k) { return k == option_kind::number ? "number" : k == option_kind::toggle ? "toggle" : "choice"; }

// None, a number, or a tuple of numbers along the last axis.
py::object default_object(const operand& o) {
  if (o.initial.empty()) return py::none();
  if (o.initial.size() == 1) return py::float_(o.initial[0]);
  py::tuple numbers(o.initial.size());
  for (std::size_t i = 0; i < o.initial.size(); ++i) numbers[i] = py::float_(o.initial[i]);
  return numbers;
}

// What the operand is to the loss's engine.
py::tuple roles(const loss_info& info, const operand& o) {
  py::list found;
  for (std::size_t r = 0; r < info.engine->roles.size(); ++r)
    if (o.is(1u << first_role << r)) found.append(info.engine->roles[r]);
  return py::tuple(found);
}

py::dict describe_operand(const loss_info& info, const void* defaults, std::size_t i) {
  const operand& o = info.operands[i];
  py::dict d;
  d["name"] = o.name;
  d["optional"] = o.may_be_left_out();
  d["default"] = default_object(o);
  d["differentiable"] = o.is(differentiable);
  d["multiplies"] = o.is(multiplies);
  d["integer"] = o.is(integer);
  d["roles"] = roles(info, o);
  d["domain"] = domain_text(info.values_of(defaults, static_cast<int>(i)));
  return d;
}

py::dict describe_option(const loss_info& info, const void* defaults, int i) {
  const option_info& o = info.options[static_cast<std::size_t>(i)];
  py::tuple choices(static_cast<std::size_t>(o.choice_count));
  for (int c = 0; c < o.choice_count; ++c) choices[static_cast<std::size_t>(c)] = o.choices[c];
  py::dict d;
  d["name"] = o.name;
  d["kind"] = kind_text(o.kind);
  d["default"] = py::reinterpret_steal<py::object>(option_object(info, defaults, i));
  d["domain"] = domain_text(o.values);
  d["choices"] = choices;
  return d;
}

// What its calls have beside a value and gradients.
py::tuple parts(const loss_info& info) {
  py::list found;
  for (std::size_t i = 0; i < std::size(part_names); ++i)
    if ((info.parts >> i & 1u) != 0) found.append(part_names[i]);
  return py::tuple(found);
}

py::dict describe_loss(const loss_info& info) {
  alignas(double) unsigned char defaults[max_loss_bytes];
  info.construct(defaults);
  py::list operands, options;
  for (std::size_t i = 0; i < info.operands.size(); ++i) operands.append(describe_operand(info, defaults, i));
  for (std::size_t i = 0; i < info.options.size(); ++i) options.append(describe_option(info, defaults, static_cast<int>(i)));
  py::dict d;
  d["operands"] = operands;
  d["options"] = options;
  d["engine"] = info.engine->name;
  d["parts"] = parts(info);
  return d;
}

py::dict loss_descriptions() {
  py::dict all;
  for (const loss_info& info : registered_losses()) all[info.name] = describe_loss(info);
  return all;
}

py::dict described_functions() {
  py::dict all;
  for (const named_function& f : functions()) all[f.key] = py::capsule(&f.loss, description_capsule);
  return all;
}

}  // namespace

void add_descriptions(py::module_& module) {
  module.attr("functions") = described_functions();
  module.def("loss_descriptions", loss_descriptions, "The registry of the core: name -> operands, options, kind of loss.");
}

}  // namespace fastloss::bindings

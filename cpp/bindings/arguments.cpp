#include "arguments.hpp"

#include <string>

namespace fastloss::bindings {
namespace {

constexpr unsigned bit(keyword k) { return 1u << k; }
constexpr unsigned value_keywords = bit(kw_reduction) | bit(kw_sample_weight) | bit(kw_where) | bit(kw_normalizer) | bit(kw_out);
constexpr unsigned gradient_keywords = value_keywords | bit(kw_grad_output) | bit(kw_wrt) | bit(kw_accumulate);
constexpr unsigned hessian_keywords = value_keywords | bit(kw_accumulate);
constexpr unsigned statistics_keywords = bit(kw_sample_weight) | bit(kw_where) | bit(kw_normalizer);

constexpr unsigned shared_keywords[call_kind_count] = {value_keywords,     gradient_keywords, gradient_keywords,
                                                       hessian_keywords,   hessian_keywords,  hessian_keywords | bit(kw_vector),
                                                       statistics_keywords};

// The function as Python names it in messages: "huber_loss.grad()".
owned function_text(const loss_object& loss, call_kind kind) {
  const char* const method = method_names[static_cast<int>(kind)];
  return checked(method == nullptr ? PyUnicode_FromFormat("%U()", loss.name) : PyUnicode_FromFormat("%U.%s()", loss.name, method));
}

// The vector of hvp() is positional too: it follows the operands that must be given.
int vectors(call_kind kind) { return kind == call_kind::hvp ? 1 : 0; }

[[noreturn]] void raise_too_many(const loss_object& loss, call_kind kind, Py_ssize_t given) {
  const owned function = function_text(loss, kind);
  const int least = loss.required_count + vectors(kind), most = loss.operand_count + vectors(kind);
  if (least == most)
    raise(PyExc_TypeError, "%U takes %d positional argument%s but %zd were given", function.get(), most, most == 1 ? "" : "s", given);
  raise(PyExc_TypeError, "%U takes from %d to %d positional arguments but %zd were given", function.get(), least, most, given);
}

[[noreturn]] void raise_missing(const loss_object& loss, call_kind kind, const arguments& a) {
  const char* missing[max_operands + 1];
  int count = 0;
  for (int i = 0; i < loss.required_count; ++i)
    if (a.operands[i] == nullptr) missing[count++] = loss.info->operands[static_cast<std::size_t>(i)].name;
  if (vectors(kind) > 0 && a.keywords[kw_vector] == nullptr) missing[count++] = "vector";
  std::string list;
  for (int i = 0; i < count; ++i) {
    if (i > 0) list += count == 2 ? " and " : i == count - 1 ? ", and " : ", ";
    list.append("'").append(missing[i]).append("'");
  }
  raise(PyExc_TypeError, "%U missing %d required positional argument%s: %s", function_text(loss, kind).get(), count, count == 1 ? "" : "s",
        list.c_str());
}

// The place of a keyword argument, by identity first: the names in calls are interned, as ours are.
PyObject** place_of(const loss_object& loss, call_kind kind, PyObject* name, arguments& a) {
  const unsigned allowed = loss.keywords[static_cast<int>(kind)];
  for (int i = 0; i < loss.option_count; ++i)
    if (loss.option_names[i] == name) return &a.options[i];
  for (int i = 0; i < keyword_count; ++i)
    if (names.keywords[i] == name && (allowed >> i & 1u) != 0) return &a.keywords[i];
  for (int i = 0; i < loss.operand_count; ++i)
    if (loss.operand_names[i] == name) return &a.operands[i];

  int i = find_name(loss.option_names, loss.option_count, name);
  if (i >= 0) return &a.options[i];
  i = find_name(names.keywords, keyword_count, name);
  if (i >= 0 && (allowed >> i & 1u) != 0) return &a.keywords[i];
  i = find_name(loss.operand_names, loss.operand_count, name);
  if (i >= 0) return &a.operands[i];
  raise(PyExc_TypeError, "%U got an unexpected keyword argument '%U'", function_text(loss, kind).get(), name);
}

void match_positional(const loss_object& loss, call_kind kind, PyObject* const* args, Py_ssize_t count, arguments& result) {
  if (count > loss.operand_count + vectors(kind)) raise_too_many(loss, kind, count);
  const Py_ssize_t before = vectors(kind) > 0 && count > loss.required_count ? loss.required_count : count;
  const auto kept = [&](Py_ssize_t i) { return result.kept.add(borrowed(args[i])); };
  for (Py_ssize_t i = 0; i < before; ++i) result.operands[i] = kept(i);
  if (before == count) return;
  result.keywords[kw_vector] = kept(before);
  for (Py_ssize_t i = before + 1; i < count; ++i) result.operands[i - 1] = kept(i);
}

}  // namespace

unsigned keywords_of(const loss_info& info, call_kind kind) {
  unsigned all = shared_keywords[static_cast<int>(kind)];
  if ((info.parts & part_axis) != 0) all |= bit(kw_axis);
  if ((info.parts & part_ignore_index) != 0) all |= bit(kw_ignore_index);
  const bool values = kind == call_kind::value || kind == call_kind::grad || kind == call_kind::value_and_grad;
  if (values && (info.parts & part_extras) != 0) all |= bit(kw_return);
  return all;
}

int find_name(PyObject* const* known, int count, PyObject* text) {
  for (int i = 0; i < count; ++i)
    if (same_name(known[i], text)) return i;
  return -1;
}

void match_arguments(const loss_object& loss, call_kind kind, PyObject* const* args, Py_ssize_t positional, PyObject* keyword_names,
                     arguments& result) {
  match_positional(loss, kind, args, positional, result);
  const Py_ssize_t named = keyword_names == nullptr ? 0 : PyTuple_GET_SIZE(keyword_names);
  for (Py_ssize_t i = 0; i < named; ++i) {
    PyObject* const name = PyTuple_GET_ITEM(keyword_names, i);
    PyObject** const place = place_of(loss, kind, name, result);
    if (*place != nullptr) raise(PyExc_TypeError, "%U got multiple values for argument '%U'", function_text(loss, kind).get(), name);
    *place = result.kept.add(borrowed(args[positional + i]));
    if (place >= result.options && place < result.options + max_options) result.any_option = true;
  }
  for (int i = 0; i < loss.required_count; ++i)
    if (result.operands[i] == nullptr) [[unlikely]]
      raise_missing(loss, kind, result);
  if (vectors(kind) > 0 && result.keywords[kw_vector] == nullptr) raise_missing(loss, kind, result);
}

}  // namespace fastloss::bindings

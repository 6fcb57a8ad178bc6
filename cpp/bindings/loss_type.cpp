#include "loss_type.hpp"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

#include "arguments.hpp"
#include "calls.hpp"
#include "fastloss/engine/plan.hpp"
#include "method_type.hpp"
#include "python_objects.hpp"

namespace fastloss::bindings {

PyTypeObject* loss_type = nullptr;

namespace {

loss_object& loss(PyObject* self) { return *reinterpret_cast<loss_object*>(self); }

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(loss(self).declaration);
  for (PyObject* m : loss(self).methods) Py_VISIT(m);
  return 0;
}

// Breaks the cycle with the methods. The declaration stays: a finalizer may still look at the loss.
int clear(PyObject* self) {
  for (PyObject*& m : loss(self).methods) Py_CLEAR(m);
  return 0;
}

void deallocate(PyObject* self) {
  PyObject_GC_UnTrack(self);
  if (loss(self).weak_references != nullptr) PyObject_ClearWeakRefs(self);
  clear(self);
  Py_CLEAR(loss(self).declaration);
  Py_CLEAR(loss(self).name);
  for (PyObject*& n : loss(self).operand_names) Py_CLEAR(n);
  for (PyObject*& n : loss(self).option_names) Py_CLEAR(n);
  PyTypeObject* const type = Py_TYPE(self);
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* intern(const char* text) { return checked(PyUnicode_InternFromString(text)).release(); }

// A loss as declared: every option and operand at its default.
owned make(const loss_info& info, PyObject* declaration) {
  owned self = checked(loss_type->tp_alloc(loss_type, 0));
  loss_object& l = loss(self.get());
  l.vectorcall = call_loss;
  l.info = &info;
  l.declaration = Py_NewRef(declaration);
  l.name = intern(info.name);
  info.construct(l.options);
  for (const operand& o : info.operands) {
    l.operand_names[l.operand_count++] = intern(o.name);
    if (!o.may_be_left_out()) l.required_count = l.operand_count;
  }
  for (const option_info& o : info.options) l.option_names[l.option_count++] = intern(o.name);
  for (int k = 0; k < call_kind_count; ++k) {
    const call_kind kind = static_cast<call_kind>(k);
    l.keywords[k] = keywords_of(info, kind);
    if (kind != call_kind::value && has_method(info, kind)) l.methods[k] = new_method(l, kind);
  }
  return self;
}

// A loss of the registry, by name, or one that a capsule describes.
const loss_info& described(PyObject* given) {
  if (PyCapsule_IsValid(given, description_capsule) != 0)
    return *static_cast<const loss_info*>(PyCapsule_GetPointer(given, description_capsule));
  if (!PyUnicode_Check(given))
    raise(PyExc_TypeError, "a loss is made from a name of the registry or a capsule '%s', not %s", description_capsule,
          Py_TYPE(given)->tp_name);
  const char* const name = PyUnicode_AsUTF8(given);
  if (name == nullptr) throw python_error{};
  const loss_info* const info = find_loss(name);
  if (info == nullptr) raise(PyExc_ValueError, "the compiled core has no loss named '%s'", name);
  return *info;
}

PyObject* create(PyTypeObject*, PyObject* args, PyObject* keywords) {
  static const char* parameters[] = {"loss", "declaration", nullptr};
  PyObject *given = nullptr, *declaration = nullptr;
  if (PyArg_ParseTupleAndKeywords(args, keywords, "OO", const_cast<char**>(parameters), &given, &declaration) == 0) return nullptr;
  return guarded([&] { return make(described(given), declaration).release(); });
}

// Binds one argument of partial().
void bind(loss_object& l, PyObject* name, PyObject* given) {
  if (const int i = find_name(l.option_names, l.option_count, name); i >= 0) {
    l.info->set(l.options, i, option_value(l, i, given));
    l.bound_options |= 1u << i;
    return;
  }
  const int i = find_name(l.operand_names, l.operand_count, name);
  if (i < 0) raise(PyExc_TypeError, "%U.partial() got an unexpected keyword argument '%U'", l.name, name);
  const operand& o = l.info->operands[static_cast<std::size_t>(i)];
  if (o.initial.empty()) raise(PyExc_TypeError, "%U.partial() binds options and operands that have a default, not '%U'", l.name, name);
  l.operand_values[i] = read_number(given, o.name, l.name);
  l.bound_operands |= 1u << i;
}

PyObject* partial(PyObject* self, PyObject* const* args, Py_ssize_t positional, PyObject* keyword_names) {
  return guarded([&]() -> PyObject* {
    const loss_object& from = loss(self);
    if (positional > 0) raise(PyExc_TypeError, "%U.partial() takes options as keywords only", from.name);
    owned result = make(*from.info, from.declaration);
    loss_object& l = loss(result.get());
    std::memcpy(l.options, from.options, sizeof l.options);
    std::memcpy(l.operand_values, from.operand_values, sizeof l.operand_values);
    l.bound_options = from.bound_options;
    l.bound_operands = from.bound_operands;
    const Py_ssize_t named = keyword_names == nullptr ? 0 : PyTuple_GET_SIZE(keyword_names);
    for (Py_ssize_t k = 0; k < named; ++k) bind(l, PyTuple_GET_ITEM(keyword_names, k), args[k]);
    check_options(*l.info, l.options);
    for (int i = 0; i < l.operand_count; ++i)
      if ((l.bound_operands >> i & 1u) != 0) check_operand_value(*l.info, l.options, i, l.operand_values[i]);
    return result.release();
  });
}

void add_item(PyObject* dictionary, PyObject* name, PyObject* value) {
  const owned item = checked(value);
  if (PyDict_SetItem(dictionary, name, item.get()) < 0) throw python_error{};
}

// What was given to partial(), by name, in the order of signatures.
owned bound_arguments(const loss_object& l) {
  owned dictionary = checked(PyDict_New());
  for (int i = 0; i < l.operand_count; ++i)
    if ((l.bound_operands >> i & 1u) != 0) add_item(dictionary.get(), l.operand_names[i], PyFloat_FromDouble(l.operand_values[i]));
  for (int i = 0; i < l.option_count; ++i)
    if ((l.bound_options >> i & 1u) != 0) add_item(dictionary.get(), l.option_names[i], option_object(*l.info, l.options, i));
  return dictionary;
}

bool is_bound(const loss_object& l) { return (l.bound_options | l.bound_operands) != 0; }

PyObject* represent(PyObject* self) {
  return guarded([&]() -> PyObject* {
    const loss_object& l = loss(self);
    if (!is_bound(l)) return PyUnicode_FromFormat("fastloss.%U", l.name);
    const owned arguments = bound_arguments(l);
    owned parts = checked(PyList_New(0));
    PyObject *name, *value;
    for (Py_ssize_t at = 0; PyDict_Next(arguments.get(), &at, &name, &value) != 0;) {
      const owned part = checked(PyUnicode_FromFormat("%U=%R", name, value));
      if (PyList_Append(parts.get(), part.get()) < 0) throw python_error{};
    }
    const owned comma = checked(PyUnicode_FromString(", "));
    const owned text = checked(PyUnicode_Join(comma.get(), parts.get()));
    return PyUnicode_FromFormat("fastloss.%U.partial(%U)", l.name, text.get());
  });
}

// What the formula sees where an operand is left out; empty where the operand has no default.
std::span<const double> default_of(const loss_object& l, int operand) {
  if ((l.bound_operands >> operand & 1u) != 0) return {&l.operand_values[operand], 1};
  return l.info->operands[static_cast<std::size_t>(operand)].initial;
}

bool same_loss(const loss_object& a, const loss_object& b) {
  if (a.info != b.info) return false;
  for (int i = 0; i < a.option_count; ++i)
    if (a.info->get(a.options, i) != b.info->get(b.options, i)) return false;
  for (int i = 0; i < a.operand_count; ++i)
    if (!std::ranges::equal(default_of(a, i), default_of(b, i))) return false;
  return true;
}

PyObject* compare(PyObject* self, PyObject* other, int operation) {
  if ((operation != Py_EQ && operation != Py_NE) || Py_TYPE(other) != loss_type) Py_RETURN_NOTIMPLEMENTED;
  return PyBool_FromLong(same_loss(loss(self), loss(other)) == (operation == Py_EQ));
}

Py_hash_t hash(PyObject* self) {
  const loss_object& l = loss(self);
  Py_uhash_t h = static_cast<Py_uhash_t>(PyObject_Hash(l.name));
  const auto mix = [&h](double x) {
    x += 0.0;  // -0.0 equals 0.0
    Py_uhash_t bits;
    static_assert(sizeof bits == sizeof x);
    std::memcpy(&bits, &x, sizeof x);
    h = (h ^ bits) * 1000003u;
  };
  for (int i = 0; i < l.option_count; ++i) mix(l.info->get(l.options, i));
  for (int i = 0; i < l.operand_count; ++i)
    for (const double x : default_of(l, i)) mix(x);
  const Py_hash_t result = static_cast<Py_hash_t>(h);
  return result == -1 ? -2 : result;
}

PyObject* itself(PyObject* self, PyObject*, PyObject*) { return Py_NewRef(self); }

// The plain loss is pickled as the global of its name; one with bound arguments as a call that binds them again.
PyObject* reduce(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    const loss_object& l = loss(self);
    if (!is_bound(l)) return Py_NewRef(l.name);
    owned module = checked(PyImport_ImportModule("fastloss._declare"));
    owned rebuild = checked(PyObject_GetAttrString(module.get(), "rebuild"));
    return Py_BuildValue("(O(ON))", rebuild.get(), l.name, bound_arguments(l).release());
  });
}

PyObject* get_name(PyObject* self, void*) { return Py_NewRef(loss(self).name); }
PyObject* get_declaration(PyObject* self, void*) { return Py_NewRef(loss(self).declaration); }
PyObject* get_bound(PyObject* self, void*) {
  return guarded([&] { return bound_arguments(loss(self)).release(); });
}
PyObject* get_info(PyObject* self, void*) { return PyObject_GetAttrString(loss(self).declaration, "info"); }

PyObject* raise_absent(const loss_object& l, const char* attribute) {
  if ((l.info->parts & part_hess) != 0)
    return PyErr_Format(PyExc_AttributeError, "%U has no '%s': its second derivative is diagonal, and hess() gives it", l.name, attribute);
  if (l.info->engine == &pointwise_engine)
    return PyErr_Format(PyExc_AttributeError, "%U has no '%s': it is not a sum over elements, so no element has one of its own", l.name,
                        attribute);
  return PyErr_Format(PyExc_AttributeError, "%U has no '%s': it has a value and gradients only", l.name, attribute);
}

PyObject* get_method(PyObject* self, void* kind) {
  const loss_object& l = loss(self);
  const std::size_t k = reinterpret_cast<std::size_t>(kind);
  return l.methods[k] != nullptr ? Py_NewRef(l.methods[k]) : raise_absent(l, method_names[k]);
}

PyObject* get_ufunc(PyObject* self, void* attribute) {
  const loss_object& l = loss(self);
  const char* const name = static_cast<const char*>(attribute);
  return (l.info->parts & part_ufunc) != 0 ? PyObject_GetAttrString(l.declaration, name) : raise_absent(l, name);
}

template <class F>
PyCFunction function(F* f) {
  return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(f));
}

PyMethodDef methods[] = {
    {"partial", function(partial), METH_FASTCALL | METH_KEYWORDS,
     "partial($self, /, **bound)\n--\n\nThe same loss with other defaults: of its options, and of operands that have a default.\n\n"
     "A call may still give them. An operand is bound to a number; an array goes into the call. What is unknown or no number\n"
     "raises TypeError, what is out of range ValueError, at once.\n\n"
     "Returns\n-------\nLoss\n    It pickles, and equals any other with the same defaults.\n"},
    {"__reduce__", reduce, METH_NOARGS, "Pickles by name, with what is bound."},
    {nullptr, nullptr, 0, nullptr},
};

void* number(call_kind k) { return reinterpret_cast<void*>(static_cast<std::size_t>(k)); }
void* word(const char* s) { return const_cast<char*>(s); }

PyGetSetDef attributes[] = {
    {"__name__", get_name, nullptr, "Name of the loss.", nullptr},
    {"__qualname__", get_name, nullptr, "Name of the loss.", nullptr},
    {"_declaration", get_declaration, nullptr, "What the Python declaration says.", nullptr},
    {"_bound", get_bound, nullptr, "The options and operands bound by partial().", nullptr},
    {"info", get_info, nullptr, "What is known about the loss: a fastloss.LossInfo.", nullptr},
    {"hess", get_method, nullptr, "The diagonal second derivative.", number(call_kind::hess)},
    {"grad_and_hess", get_method, nullptr, "The gradient and the diagonal second derivative.", number(call_kind::grad_and_hess)},
    {"hvp", get_method, nullptr, "The product of the second derivative with a vector.", number(call_kind::hvp)},
    {"ufunc", get_ufunc, nullptr, "The unreduced value as a numpy.ufunc.", word("ufunc")},
    {"grad_ufunc", get_ufunc, nullptr, "The derivative in the first operand as a numpy.ufunc.", word("grad_ufunc")},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

constexpr Py_ssize_t method_offset(call_kind k) {
  return static_cast<Py_ssize_t>(offsetof(loss_object, methods) + sizeof(PyObject*) * static_cast<std::size_t>(k));
}

// The two methods that every loss has are plain members: the interpreter reads those fastest.
PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(loss_object, vectorcall), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(loss_object, weak_references), READONLY, nullptr},
    {"grad", T_OBJECT_EX, method_offset(call_kind::grad), READONLY, "The gradient."},
    {"value_and_grad", T_OBJECT_EX, method_offset(call_kind::value_and_grad), READONLY, "The value and the gradient."},
    {"statistics", T_OBJECT_EX, method_offset(call_kind::statistics), READONLY, "What a mean is the quotient of."},
    {nullptr, 0, 0, 0, nullptr},
};

template <class F>
void* slot(F* f) {
  return reinterpret_cast<void*>(f);
}

PyType_Slot slots[] = {
    {Py_tp_new, slot(create)},
    {Py_tp_traverse, slot(traverse)},
    {Py_tp_clear, slot(clear)},
    {Py_tp_dealloc, slot(deallocate)},
    {Py_tp_repr, slot(represent)},
    {Py_tp_richcompare, slot(compare)},
    {Py_tp_hash, slot(hash)},
    {Py_tp_descr_get, slot(itself)},
    {Py_tp_call, slot(PyVectorcall_Call)},
    {Py_tp_methods, methods},
    {Py_tp_getset, attributes},
    {Py_tp_members, members},
    {0, nullptr},
};

PyType_Spec spec = {
    "fastloss.Loss", sizeof(loss_object), 0, Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL, slots,
};

}  // namespace

void add_loss_type(PyObject* module) {
  owned type = checked(PyType_FromSpec(&spec));
  if (PyModule_AddObjectRef(module, "Loss", type.get()) < 0) throw python_error{};
  loss_type = reinterpret_cast<PyTypeObject*>(type.release());
}

}  // namespace fastloss::bindings

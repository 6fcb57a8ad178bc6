// The Python type of a loss's methods: what calls them is in calls.cpp, what they say of themselves is here.
#include <cstddef>

#include "calls.hpp"
#include "method_type.hpp"
#include "python_objects.hpp"

namespace fastloss::bindings {

PyTypeObject* method_type = nullptr;

namespace {

method_object& method(PyObject* self) { return *reinterpret_cast<method_object*>(self); }
const char* name_of(PyObject* self) { return method_names[static_cast<int>(method(self).kind)]; }

int traverse(PyObject* self, visitproc visit, void* arg) {
  Py_VISIT(Py_TYPE(self));
  Py_VISIT(method(self).loss);
  return 0;
}

// The loss is kept: a collected method may still be called by another object's finalizer. The loss's own clear()
// breaks the cycle.
void deallocate(PyObject* self) {
  PyObject_GC_UnTrack(self);
  if (method(self).weak_references != nullptr) PyObject_ClearWeakRefs(self);
  PyTypeObject* const type = Py_TYPE(self);
  Py_XDECREF(reinterpret_cast<PyObject*>(method(self).loss));
  type->tp_free(self);
  Py_DECREF(type);
}

PyObject* represent(PyObject* self) { return PyUnicode_FromFormat("%R.%s", method(self).loss, name_of(self)); }

PyObject* compare(PyObject* self, PyObject* other, int operation) {
  if ((operation != Py_EQ && operation != Py_NE) || Py_TYPE(other) != method_type) Py_RETURN_NOTIMPLEMENTED;
  const method_object &a = method(self), &b = method(other);
  if (a.kind != b.kind) return PyBool_FromLong(operation == Py_NE);
  return PyObject_RichCompare(reinterpret_cast<PyObject*>(a.loss), reinterpret_cast<PyObject*>(b.loss), operation);
}

Py_hash_t hash(PyObject* self) {
  const Py_hash_t loss = PyObject_Hash(reinterpret_cast<PyObject*>(method(self).loss));
  if (loss == -1) return -1;
  const Py_hash_t h = loss ^ (static_cast<Py_hash_t>(method(self).kind) * 1000003);
  return h == -1 ? -2 : h;
}

PyObject* itself(PyObject* self, PyObject*, PyObject*) { return Py_NewRef(self); }

PyObject* get_name(PyObject* self, void*) { return PyUnicode_FromString(name_of(self)); }
PyObject* get_qualified_name(PyObject* self, void*) { return PyUnicode_FromFormat("%U.%s", method(self).loss->name, name_of(self)); }
PyObject* get_loss(PyObject* self, void*) { return Py_NewRef(reinterpret_cast<PyObject*>(method(self).loss)); }

PyObject* reduce(PyObject* self, PyObject*) {
  return guarded([&]() -> PyObject* {
    owned builtins = checked(PyImport_ImportModule("builtins"));
    owned getter = checked(PyObject_GetAttrString(builtins.get(), "getattr"));
    return Py_BuildValue("(O(Os))", getter.get(), method(self).loss, name_of(self));
  });
}

PyMethodDef methods[] = {{"__reduce__", reduce, METH_NOARGS, "Pickles as an attribute of its loss."}, {nullptr, nullptr, 0, nullptr}};

PyGetSetDef attributes[] = {
    {"__name__", get_name, nullptr, "Name of the method.", nullptr},
    {"__qualname__", get_qualified_name, nullptr, "Name of the loss and the method.", nullptr},
    {"__self__", get_loss, nullptr, "The loss that the method belongs to.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(method_object, vectorcall), READONLY, nullptr},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(method_object, weak_references), READONLY, nullptr},
    {nullptr, 0, 0, 0, nullptr},
};

template <class F>
void* slot(F* f) {
  return reinterpret_cast<void*>(f);
}

PyType_Slot slots[] = {
    {Py_tp_traverse, slot(traverse)},
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
    "fastloss.LossMethod",
    sizeof(method_object),
    0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    slots,
};

}  // namespace

void add_method_type(PyObject* module) {
  owned type = checked(PyType_FromSpec(&spec));
  if (PyModule_AddObjectRef(module, "LossMethod", type.get()) < 0) throw python_error{};
  method_type = reinterpret_cast<PyTypeObject*>(type.release());
}

PyObject* new_method(loss_object& loss, call_kind kind) {
  PyObject* const self = checked(method_type->tp_alloc(method_type, 0)).release();
  method_object& m = method(self);
  m.vectorcall = call_method;
  m.weak_references = nullptr;
  m.loss = reinterpret_cast<loss_object*>(Py_NewRef(reinterpret_cast<PyObject*>(&loss)));
  m.kind = kind;
  return self;
}

}  // namespace fastloss::bindings

#include "views.hpp"

namespace fastloss::bindings {

namespace {

constexpr const char* accepted = "bool, integer, float16, bfloat16, float32 or float64";

// An attribute of the object, where its type has one of this name: an instance may make up attributes, as a table does for its columns.
owned declared_attribute(PyObject* object, const char* name) {
  if (PyObject_HasAttrString(reinterpret_cast<PyObject*>(Py_TYPE(object)), name) == 0) return {};
  return checked(PyObject_GetAttrString(object, name));
}

// Arrays that are not in memory. NumPy would compute or read all of them without a word. Dask's protocol, which xarray has too,
// is a method that gives None for what is in memory; stores such as HDF5 and Zarr, and other lazy arrays, say how they are cut.
void reject_lazy_array(PyObject* object, const char* argument, const caller& who) {
  bool lazy = false;
  if (const owned graph_of = declared_attribute(object, "__dask_graph__")) {
    const owned graph = checked(PyObject_CallNoArgs(graph_of.get()));
    lazy = graph.get() != Py_None;
  }
  if (!lazy) {
    const owned chunks = declared_attribute(object, "chunks");
    lazy = chunks && PyTuple_Check(chunks.get());
  }
  if (!lazy) return;
  const bool computes = declared_attribute(object, "compute").get() != nullptr;
  raise(PyExc_TypeError, "%U: %s is a lazy array (a %s), which is not in memory; %s", who.loss, argument, Py_TYPE(object)->tp_name,
        computes ? "call its .compute() first, or .compute() of a part at a time" : "read it first, as in array[...], or a part at a time");
}

// Null where the list has become shorter.
owned list_item(PyObject* list, Py_ssize_t i) {
#if PY_VERSION_HEX >= 0x030D0000
  PyObject* const item = PyList_GetItemRef(list, i);
  if (item == nullptr) PyErr_Clear();
  return owned(item);
#else
  return i < PyList_GET_SIZE(list) ? borrowed(PyList_GET_ITEM(list, i)) : owned();
#endif
}

// A list or tuple, and those that it is in.
struct nesting {
  PyObject* container;
  const nesting* outer;
  int depth;
};

// What NumPy would read without a word, and should not; also inside of lists and tuples, as deep as arrays go.
void reject_unsuitable(PyObject* object, const char* argument, const caller& who, const nesting* outer = nullptr) {
  if (PyFloat_Check(object) || PyLong_Check(object) || PyUnicode_Check(object) || PyArray_CheckExact(object)) return;
  if (PyTuple_Check(object) || PyList_Check(object)) {
    const nesting here{object, outer, outer == nullptr ? 1 : outer->depth + 1};
    if (here.depth > max_rank) return;
    for (const nesting* n = outer; n != nullptr; n = n->outer)  // NumPy would not find out within a lifetime
      if (n->container == object)
        raise(PyExc_ValueError, "%U: %s cannot be read as an array of numbers (it has a %s that contains itself)", who.loss, argument,
              Py_TYPE(object)->tp_name);
    if (PyTuple_Check(object)) {
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); ++i) reject_unsuitable(PyTuple_GET_ITEM(object, i), argument, who, &here);
    } else {
      for (Py_ssize_t i = 0; const owned item = list_item(object, i); ++i) reject_unsuitable(item.get(), argument, who, &here);
    }
  } else if (PyArray_Check(object)) {
    reject_masked_array(object, argument, who);
  } else if (!PyArray_CheckScalar(object)) {
    reject_lazy_array(object, argument, who);
  }
}

[[noreturn]] void raise_dtype(PyArrayObject* array, const char* argument, const caller& who) {
  owned name = checked(PyObject_Str(reinterpret_cast<PyObject*>(PyArray_DESCR(array))));
  raise(PyExc_TypeError, "%U: %s has dtype %U; it needs a %s array", who.loss, argument, name.get(), accepted);
}

// NumPy could not read the object: its error, with the argument's name before it.
[[noreturn]] void raise_unreadable(PyObject* object, const char* argument, const caller& who) {
  const bool about_data = PyErr_ExceptionMatches(PyExc_Exception) && !PyErr_ExceptionMatches(PyExc_MemoryError);
  if (!about_data) throw python_error{};
  PyObject* const category = PyErr_ExceptionMatches(PyExc_ValueError) ? PyExc_ValueError : PyExc_TypeError;
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  owned hold_type(type), cause(value), hold_trace(trace);
  PyErr_Format(category, "%U: %s cannot be read as an array of numbers (it is a %s): %S", who.loss, argument, Py_TYPE(object)->tp_name,
               value);
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  if (value != nullptr && cause) PyException_SetCause(value, cause.release());
  PyErr_Restore(type, value, trace);
  throw python_error{};
}

// Asked only where NumPy's own rules gave nothing useful. An error that is already set stays if there is no DLPack, and if the object
// refused __array__: its reasons, such as a negation that is still to be done, are not in what DLPack hands over.
bool offers_dlpack_alone(PyObject* object) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  const bool offers = PyObject_HasAttrString(object, "__array__") == 0 && PyObject_HasAttrString(object, "__dlpack__") == 1;
  PyErr_Restore(type, value, trace);
  return offers;
}

owned from_dlpack(PyObject* object) {
  PyErr_Clear();
  owned numpy = checked(PyImport_ImportModule("numpy"));
  return owned(PyObject_CallMethod(numpy.get(), "from_dlpack", "O", object));
}

// An array of any object: buffers, sequences, __array__, __array_interface__ through NumPy's own rules, then DLPack.
owned as_array(PyObject* object, const char* argument, const caller& who) {
  reject_unsuitable(object, argument, who);
  owned array(PyArray_FromAny(object, nullptr, 0, 0, 0, nullptr));
  const bool opaque = !array || PyArray_DESCR(reinterpret_cast<PyArrayObject*>(array.get()))->type_num == NPY_OBJECT;
  if (opaque && offers_dlpack_alone(object)) array = from_dlpack(object);
  if (!array) raise_unreadable(object, argument, who);
  reject_masked_array(array.get(), argument, who);
  return array;
}

struct layout {
  const std::ptrdiff_t* shape;
  const std::ptrdiff_t* strides;
};

layout copy_layout(PyArrayObject* array, view_storage& storage) {
  const int rank = PyArray_NDIM(array);
  std::ptrdiff_t* const shape = storage.extents(2 * rank);
  std::ptrdiff_t* const strides = shape + rank;
  const npy_intp *const from_shape = PyArray_DIMS(array), *const from_strides = PyArray_STRIDES(array);
  for (int i = 0; i < rank; ++i) {
    shape[i] = from_shape[i];
    strides[i] = from_strides[i];
  }
  return {shape, strides};
}

const_array number(const void* data, dtype type) {
  return {.data = data, .shape = nullptr, .strides = nullptr, .rank = 0, .type = type, .byteswapped = false, .weak = true};
}

const_array integer_number(PyObject* object, const char* argument, const caller& who, view_storage& storage) {
  int overflow = 0;
  const long long x = PyLong_AsLongLongAndOverflow(object, &overflow);
  if (overflow == 0) return number(storage.number(x), dtype::int64);
  const double y = PyLong_AsDouble(object);
  if (y == -1.0 && PyErr_Occurred() != nullptr) {
    PyErr_Clear();
    raise(PyExc_ValueError, "%U: %s is an integer too large for a float64", who.loss, argument);
  }
  return number(storage.number(y), dtype::float64);
}

}  // namespace

void reject_masked_array(PyObject* object, const char* argument, const caller& who) {
  if (PyArray_CheckExact(object) || !PyArray_Check(object)) return;
  const owned ma = checked(PyImport_ImportModule("numpy.ma"));
  const owned type = checked(PyObject_GetAttrString(ma.get(), "MaskedArray"));
  const int masked = PyObject_IsInstance(object, type.get());
  if (masked < 0) throw python_error{};
  if (masked == 1)
    raise(PyExc_TypeError,
          who.has_where
              ? "%U: %s is a masked array, whose mask would be lost; pass its .data, and where=~mask to leave the masked elements out"
              : "%U: %s is a masked array, whose mask would be lost; pass its .data",
          who.loss, argument);
}

void view_storage::make_views(const caller& who) {
  for (int i = 0; i < pendings_; ++i) {
    const auto [array, to, argument] = pending_[i];
    dtype type{};
    if (!dtype_of(PyArray_TYPE(array), type)) raise_dtype(array, argument, who);
    const layout copied = copy_layout(array, *this);
    *to = {.data = PyArray_DATA(array),
           .shape = copied.shape,
           .strides = copied.strides,
           .rank = PyArray_NDIM(array),
           .type = type,
           .byteswapped = PyArray_ISBYTESWAPPED(array) != 0,
           .weak = false};
  }
}

void read_array(PyObject* object, const char* argument, const caller& who, view_storage& storage, const_array& to) {
  if (PyArray_CheckExact(object)) [[likely]] {
    storage.add(reinterpret_cast<PyArrayObject*>(object), to, argument);
  } else if (PyFloat_CheckExact(object)) {
    to = number(storage.number(PyFloat_AS_DOUBLE(object)), dtype::float64);
  } else if (PyBool_Check(object)) {
    to = number(storage.number(object == Py_True), dtype::boolean);
  } else if (PyLong_CheckExact(object)) {
    to = integer_number(object, argument, who, storage);
  } else if (PyArray_Check(object)) {
    reject_masked_array(object, argument, who);
    storage.add(reinterpret_cast<PyArrayObject*>(object), to, argument);
  } else {
    storage.add(storage.keep(as_array(object, argument, who)), to, argument);
  }
}

const_array number_view(const double& x) { return number(&x, dtype::float64); }

void check_output(PyObject* object, const char* argument, const caller& who) {
  if (!PyArray_Check(object)) raise(PyExc_TypeError, "%U: %s must be a NumPy array, not %s", who.loss, argument, Py_TYPE(object)->tp_name);
  reject_masked_array(object, argument, who);
}

mutable_array output_view(PyObject* object, const char* argument, const caller& who, view_storage& storage) {
  PyArrayObject* const array = reinterpret_cast<PyArrayObject*>(object);
  dtype type{};
  if (!dtype_of(PyArray_TYPE(array), type)) raise_dtype(array, argument, who);
  if (!PyArray_ISWRITEABLE(array)) raise(PyExc_ValueError, "%U: %s is read-only", who.loss, argument);
  const layout copied = copy_layout(array, storage);
  return {.data = PyArray_DATA(array),
          .shape = copied.shape,
          .strides = copied.strides,
          .rank = PyArray_NDIM(array),
          .type = type,
          .byteswapped = PyArray_ISBYTESWAPPED(array) != 0,
          .recycled = true};
}

}  // namespace fastloss::bindings

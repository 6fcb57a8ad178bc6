#include "views.hpp"

namespace fastloss::bindings {

namespace {

constexpr const char* accepted = "bool, integer, float16, bfloat16, float32 or float64";

bool is_masked_array(PyObject* object) {
  owned ma = checked(PyImport_ImportModule("numpy.ma"));
  owned type = checked(PyObject_GetAttrString(ma.get(), "MaskedArray"));
  const int yes = PyObject_IsInstance(object, type.get());
  if (yes < 0) throw python_error{};
  return yes == 1;
}

// Also inside of lists and tuples, as deep as arrays go, where NumPy would read the data and drop the mask.
void reject_masked_array(PyObject* object, const char* argument, const caller& who, int depth = 0) {
  if (PyArray_CheckExact(object)) return;
  if (depth < max_rank && (PyList_Check(object) || PyTuple_Check(object))) {
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(object); ++i) {
      const owned item = borrowed(PySequence_Fast_GET_ITEM(object, i));
      reject_masked_array(item.get(), argument, who, depth + 1);
    }
    return;
  }
  if (!PyArray_Check(object) || !is_masked_array(object)) return;
  raise(PyExc_TypeError,
        "%U: %s is a masked array, whose mask would be lost; pass its .data, and where=~mask to leave the masked elements out", who.loss,
        argument);
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

// Asked only where NumPy's own rules gave nothing useful. An error that is already set stays if there is no DLPack.
bool offers_dlpack(PyObject* object) {
  PyObject *type, *value, *trace;
  PyErr_Fetch(&type, &value, &trace);
  const bool offers = PyObject_HasAttrString(object, "__dlpack__") == 1;
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
  reject_masked_array(object, argument, who);
  owned array(PyArray_FromAny(object, nullptr, 0, 0, 0, nullptr));
  const bool opaque = !array || PyArray_DESCR(reinterpret_cast<PyArrayObject*>(array.get()))->type_num == NPY_OBJECT;
  if (opaque && offers_dlpack(object)) array = from_dlpack(object);
  if (!array) raise_unreadable(object, argument, who);
  reject_masked_array(array.get(), argument, who);
  return array;
}

const_array view_of_array(PyArrayObject* array, dtype type) {
  return {.data = PyArray_DATA(array),
          .shape = extents(PyArray_DIMS(array)),
          .strides = extents(PyArray_STRIDES(array)),
          .rank = PyArray_NDIM(array),
          .type = type,
          .byteswapped = PyArray_ISBYTESWAPPED(array) != 0,
          .weak = false};
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

const_array view(PyObject* object, const char* argument, const caller& who, view_storage& storage) {
  dtype type{};
  if (PyArray_CheckExact(object)) [[likely]] {
    PyArrayObject* const array = reinterpret_cast<PyArrayObject*>(object);
    if (!dtype_of(PyArray_TYPE(array), type)) raise_dtype(array, argument, who);
    return view_of_array(array, type);
  }
  if (PyFloat_CheckExact(object)) return number(storage.number(PyFloat_AS_DOUBLE(object)), dtype::float64);
  if (PyBool_Check(object)) return number(storage.number(object == Py_True), dtype::boolean);
  if (PyLong_CheckExact(object)) return integer_number(object, argument, who, storage);

  PyArrayObject* array;
  if (PyArray_Check(object)) {
    reject_masked_array(object, argument, who);
    array = reinterpret_cast<PyArrayObject*>(object);
  } else {
    array = storage.keep(as_array(object, argument, who));
  }
  if (!dtype_of(PyArray_TYPE(array), type)) raise_dtype(array, argument, who);
  return view_of_array(array, type);
}

const_array number_view(const double& x) { return number(&x, dtype::float64); }

mutable_array output_view(PyObject* object, const char* argument, const caller& who) {
  if (!PyArray_Check(object)) raise(PyExc_TypeError, "%U: %s must be a NumPy array, not %s", who.loss, argument, Py_TYPE(object)->tp_name);
  reject_masked_array(object, argument, who);
  PyArrayObject* const array = reinterpret_cast<PyArrayObject*>(object);
  dtype type{};
  if (!dtype_of(PyArray_TYPE(array), type)) raise_dtype(array, argument, who);
  if (!PyArray_ISWRITEABLE(array)) raise(PyExc_ValueError, "%U: %s is read-only", who.loss, argument);
  return {.data = PyArray_DATA(array),
          .shape = extents(PyArray_DIMS(array)),
          .strides = extents(PyArray_STRIDES(array)),
          .rank = PyArray_NDIM(array),
          .type = type,
          .byteswapped = PyArray_ISBYTESWAPPED(array) != 0,
          .recycled = true};
}

}  // namespace fastloss::bindings

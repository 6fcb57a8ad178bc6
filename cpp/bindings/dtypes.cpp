// Element types: NumPy's numbers and ours.
#include <atomic>
#include <cstring>

#include "views.hpp"

namespace fastloss::bindings {
namespace {

// bfloat16 belongs to the package ml_dtypes, which gives it a number when it is imported; it is recognised by name
// whenever an array of it turns up, so that nothing depends on that package.
std::atomic<int> bfloat16_number{-1};

bool is_bfloat16(int type_number) {
  if (type_number == bfloat16_number.load(std::memory_order_relaxed)) return true;
  PyArray_Descr* const description = PyArray_DescrFromType(type_number);
  if (description == nullptr) {
    PyErr_Clear();
    return false;
  }
  const char* const name = description->typeobj->tp_name;
  const char* const dot = std::strrchr(name, '.');
  const bool found = std::strcmp(dot == nullptr ? name : dot + 1, "bfloat16") == 0 && PyDataType_ELSIZE(description) == 2;
  Py_DECREF(description);
  if (found) bfloat16_number.store(type_number, std::memory_order_relaxed);
  return found;
}

constexpr dtype signed_of_size(std::size_t bytes) {
  return bytes == 1 ? dtype::int8 : bytes == 2 ? dtype::int16 : bytes == 4 ? dtype::int32 : dtype::int64;
}
constexpr dtype unsigned_of_size(std::size_t bytes) {
  return bytes == 1 ? dtype::uint8 : bytes == 2 ? dtype::uint16 : bytes == 4 ? dtype::uint32 : dtype::uint64;
}

}  // namespace

bool dtype_of(int type_number, dtype& result) {
  switch (type_number) {
    case NPY_FLOAT:
      result = dtype::float32;
      return true;
    case NPY_DOUBLE:
      result = dtype::float64;
      return true;
    case NPY_BOOL:
      result = dtype::boolean;
      return true;
    case NPY_BYTE:
      result = dtype::int8;
      return true;
    case NPY_UBYTE:
      result = dtype::uint8;
      return true;
    case NPY_SHORT:
      result = dtype::int16;
      return true;
    case NPY_USHORT:
      result = dtype::uint16;
      return true;
    case NPY_INT:
      result = signed_of_size(sizeof(int));
      return true;
    case NPY_UINT:
      result = unsigned_of_size(sizeof(int));
      return true;
    case NPY_LONG:
      result = signed_of_size(sizeof(long));
      return true;
    case NPY_ULONG:
      result = unsigned_of_size(sizeof(long));
      return true;
    case NPY_LONGLONG:
      result = dtype::int64;
      return true;
    case NPY_ULONGLONG:
      result = dtype::uint64;
      return true;
    case NPY_HALF:
      result = dtype::float16;
      return true;
    default:
      if (!PyTypeNum_ISUSERDEF(type_number) || !is_bfloat16(type_number)) return false;
      result = dtype::bfloat16;
      return true;
  }
}

PyArray_Descr* description_of(dtype t) {
  constexpr int numbers[dtype_count] = {NPY_BOOL,  NPY_INT8,   NPY_UINT8, NPY_INT16, NPY_UINT16, NPY_INT32, NPY_UINT32,
                                        NPY_INT64, NPY_UINT64, NPY_HALF,  -1,        NPY_FLOAT,  NPY_DOUBLE};
  // A result is bfloat16 only where an operand was, so the number is known by then.
  const int number = t == dtype::bfloat16 ? bfloat16_number.load(std::memory_order_relaxed) : numbers[static_cast<int>(t)];
  PyArray_Descr* const description = PyArray_DescrFromType(number);
  if (description == nullptr) throw python_error{};
  return description;
}

}  // namespace fastloss::bindings

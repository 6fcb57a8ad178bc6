#include "results.hpp"

#include "fastloss/runtime/memory.hpp"
#include "views.hpp"

namespace fastloss::bindings {
namespace {

constexpr const char* block_name = "fastloss.result_block";

void release_block(PyObject* capsule) {
  void* const data = PyCapsule_GetPointer(capsule, block_name);
  release_result(data, reinterpret_cast<std::size_t>(PyCapsule_GetContext(capsule)));
}

owned new_block_array(const array_spec& spec, std::size_t bytes, bool& recycled) {
  const result_block block = acquire_result(bytes);
  recycled = block.recycled;
  owned capsule(PyCapsule_New(block.data, block_name, nullptr));
  if (!capsule) {
    release_result(block.data, block.bytes);
    throw python_error{};
  }
  PyCapsule_SetContext(capsule.get(), reinterpret_cast<void*>(block.bytes));
  PyCapsule_SetDestructor(capsule.get(), release_block);
  owned array =
      checked(PyArray_NewFromDescr(&PyArray_Type, description_of(spec.type), spec.rank, reinterpret_cast<const npy_intp*>(spec.shape),
                                   nullptr, block.data, NPY_ARRAY_CARRAY, nullptr));
  if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(array.get()), capsule.release()) < 0) throw python_error{};
  return array;
}

owned new_small_array(const array_spec& spec) {
  const npy_intp* const shape = reinterpret_cast<const npy_intp*>(spec.shape);
  if (spec.type == dtype::float32) return checked(PyArray_SimpleNew(spec.rank, shape, NPY_FLOAT));
  if (spec.type == dtype::float64) return checked(PyArray_SimpleNew(spec.rank, shape, NPY_DOUBLE));
  return checked(PyArray_NewFromDescr(&PyArray_Type, description_of(spec.type), spec.rank, shape, nullptr, nullptr, 0, nullptr));
}

// A view that repeats one element may have more of them than there is memory for in the world.
std::size_t bytes_of(const array_spec& spec) {
  std::size_t bytes = itemsize(spec.type);
  bool overflow = false;
  for (int i = 0; i < spec.rank; ++i) {
    if (spec.shape[i] == 0) return 0;
    overflow |= __builtin_mul_overflow(bytes, static_cast<std::size_t>(spec.shape[i]), &bytes);
  }
  if (overflow) throw std::bad_alloc();
  return bytes;
}

}  // namespace

owned new_array(const array_spec& spec, mutable_array& view) {
  const std::size_t bytes = bytes_of(spec);
  bool recycled = true;  // the system's allocator keeps small blocks mapped
  owned result = bytes <= small_result_bytes ? new_small_array(spec) : new_block_array(spec, bytes, recycled);
  PyArrayObject* const array = reinterpret_cast<PyArrayObject*>(result.get());
  view = {.data = PyArray_DATA(array),
          .shape = extents(PyArray_DIMS(array)),
          .strides = extents(PyArray_STRIDES(array)),
          .rank = spec.rank,
          .type = spec.type,
          .byteswapped = false,
          .unshared = true,
          .recycled = recycled};
  return result;
}

owned new_number(dtype type, double x) {
  if (type == dtype::float32) {
    owned scalar = checked(PyArrayScalar_New(Float));
    PyArrayScalar_ASSIGN(scalar.get(), Float, static_cast<float>(x));
    return scalar;
  }
  owned scalar = checked(PyArrayScalar_New(Double));
  PyArrayScalar_ASSIGN(scalar.get(), Double, x);
  return scalar;
}

}  // namespace fastloss::bindings

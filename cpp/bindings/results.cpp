#include "results.hpp"

#include <algorithm>

#include "fastloss/runtime/memory.hpp"
#include "views.hpp"

namespace fastloss::bindings {
namespace {

constexpr const char* block_name = "fastloss.result_block";

void release_block(PyObject* capsule) {
  void* const data = PyCapsule_GetPointer(capsule, block_name);
  release_result(data, reinterpret_cast<std::size_t>(PyCapsule_GetContext(capsule)));
}

// How a new array lies, as NumPy's order="K" has it: axes in the order of another array's strides. Axes of one element and of
// stride 0 have no say.
class memory_order {
 public:
  explicit memory_order(const array_spec& spec) : spec_(spec) {
    if (spec.strides == nullptr || spec.rank < 2) return;
    for (int i = 0, before = -1; i < spec.rank; ++i) {
      if (!has_say(i)) continue;
      is_c_ &= before < 0 || stride(before) >= stride(i);
      before = i;
    }
  }

  bool is_c() const { return is_c_; }

  // Strides of a new array, in bytes.
  void fill(std::ptrdiff_t* strides) const {
    int axes[max_rank];  // the last axis in memory last
    for (int i = 0; i < spec_.rank; ++i) {
      int to = i;
      for (int k = i - 1; k >= 0; --k) {
        if (!has_say(i) || !has_say(axes[k])) continue;
        if (stride(axes[k]) >= stride(i)) break;
        to = k;
      }
      for (int k = i; k > to; --k) axes[k] = axes[k - 1];
      axes[to] = i;
    }
    std::ptrdiff_t step = static_cast<std::ptrdiff_t>(itemsize(spec_.type));
    for (int k = spec_.rank - 1; k >= 0; --k) {
      strides[axes[k]] = step;
      step *= std::max<std::ptrdiff_t>(1, spec_.shape[axes[k]]);
    }
  }

 private:
  bool has_say(int axis) const { return spec_.shape[axis] > 1 && spec_.strides[axis] != 0; }
  std::ptrdiff_t stride(int axis) const { return spec_.strides[axis] < 0 ? -spec_.strides[axis] : spec_.strides[axis]; }

  const array_spec& spec_;
  bool is_c_ = true;
};

owned new_block_array(const array_spec& spec, const npy_intp* strides, std::size_t bytes, bool& recycled) {
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
                                   strides, block.data, NPY_ARRAY_ALIGNED | NPY_ARRAY_WRITEABLE, nullptr));
  if (PyArray_SetBaseObject(reinterpret_cast<PyArrayObject*>(array.get()), capsule.release()) < 0) throw python_error{};
  return array;
}

owned new_small_array(const array_spec& spec, const npy_intp* strides) {
  const npy_intp* const shape = reinterpret_cast<const npy_intp*>(spec.shape);
  if (strides != nullptr)
    return checked(PyArray_NewFromDescr(&PyArray_Type, description_of(spec.type), spec.rank, shape, strides, nullptr, 0, nullptr));
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
  std::ptrdiff_t own[max_rank];
  const npy_intp* strides = nullptr;
  if (const memory_order order(spec); !order.is_c()) {
    order.fill(own);
    strides = reinterpret_cast<const npy_intp*>(own);
  }
  owned result = bytes <= small_result_bytes ? new_small_array(spec, strides) : new_block_array(spec, strides, bytes, recycled);
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

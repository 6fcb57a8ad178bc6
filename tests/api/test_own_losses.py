"""A loss that is not in the registry: described by a library of its own, and called from Python like any other."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import fastloss as fl

PACKAGE = Path(fl.__file__).parent
DESCRIPTION = b"fastloss.loss_info"  # a capsule keeps a pointer to its name, not a copy

SOURCE = """
#include <array>

#include <fastloss/engine/loss_info.hpp>
#include <fastloss/engines/pointwise.hpp>
#include <fastloss/simd/primitives.hpp>

namespace {

using namespace fastloss;

// price (|input - target| - margin), where that is above 0
struct priced_error {
  double margin = 0.0;

  static constexpr const char* name = "priced_error_loss";
  static constexpr pointwise_traits traits{};
  static constexpr operand operands[] = {{"input", differentiable}, {"target"}, {"price", differentiable}};
  static constexpr auto options() {
    return std::array{option<priced_error>{"margin", &priced_error::margin, at_least(0)}};
  }

  template <class X, class T, class P>
  FASTLOSS_FN auto value(X input, T target, P price) const {
    return mul0(price, strict_max0(abs(input - target) - margin));
  }
};

constexpr auto kernels = engine_of_loss<priced_error>::kernels<priced_error>();
constexpr loss_info description = describe<priced_error>(-1, &kernels);

}  // namespace

extern "C" const void* described() { return &description; }
"""


def capsule(pointer, name):
    make = ctypes.pythonapi.PyCapsule_New
    make.restype, make.argtypes = ctypes.py_object, (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    return make(pointer, name, None)


@pytest.fixture(scope="module")
def priced_error(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own_loss")
    source, library = folder / "own_loss.cpp", folder / "own_loss.so"
    source.write_text(SOURCE, encoding="utf-8")
    compiler = next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))))
    (core,) = (PACKAGE / "lib").glob("libfastloss.so.*")
    command = [compiler, "-std=c++20", "-march=x86-64-v2", "-O1", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror"]
    command += [f"-I{PACKAGE / 'include'}", str(source), str(core), "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    described = ctypes.CDLL(str(library)).described
    described.restype = ctypes.c_void_p
    return fl._core.Loss(capsule(described(), DESCRIPTION), None)


def test_a_loss_that_is_not_registered(priced_error):
    assert repr(priced_error) == "fastloss.priced_error_loss"
    assert "priced_error_loss" not in fl.losses()
    for dtype in (np.float32, np.float64):
        x, t, price = (np.array(numbers, dtype) for numbers in ([1, 2, 4], [2, 2.25, 1], [1, 5, 2]))
        value, gradient = priced_error.value_and_grad(x, t, price, margin=0.5, reduction="sum")
        assert (value, value.dtype) == (5.5, dtype)
        np.testing.assert_array_equal(gradient, np.array([-1, 0, 2], dtype), strict=True)
        of_input, of_price = priced_error.grad(x, t, price, wrt=("input", "price"), reduction="none")
        np.testing.assert_array_equal(of_input, np.array([-1, -5, 2], dtype), strict=True)
        np.testing.assert_array_equal(of_price, np.array([1, 0.25, 3], dtype), strict=True)
    bound = priced_error.partial(margin=0.5)
    assert (bound([1.0], [2.0], 1.0), bound == priced_error) == (0.5, False)
    with pytest.raises(ValueError, match=r"^priced_error_loss: margin must be >= 0, got -1.0"):
        priced_error.partial(margin=-1.0)
    with pytest.raises(TypeError, match=r"^priced_error_loss\(\) missing 1 required positional argument: 'price'"):
        priced_error([1.0], [2.0])


OF_ANOTHER_NAME = capsule(1, b"fastloss.loss")


@pytest.mark.parametrize("given", [None, 3, b"huber_loss", fl.huber_loss, OF_ANOTHER_NAME, capsule(1, None)])
def test_what_describes_no_loss(given):
    message = "a loss is made from a name of the registry or a capsule 'fastloss.loss_info', not "
    with pytest.raises(TypeError, match=rf"^{message}(\w+\.)?{type(given).__name__}$"):
        fl._core.Loss(given, None)


def test_a_name_of_no_loss():
    with pytest.raises(ValueError, match=r"^the compiled core has no loss named 'no_such_loss'$"):
        fl._core.Loss("no_such_loss", None)

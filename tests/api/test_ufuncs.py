"""The numpy.ufunc objects of the elementwise losses."""

from __future__ import annotations

import pickle
import subprocess
import sys
import warnings

import numpy as np
import pytest

import fastloss as fl

ELEMENTWISE = {name: getattr(fl, name) for name, info in fl.losses().items() if info.elementwise}
UFUNCS = [(name, gradient) for name in ELEMENTWISE for gradient in (False, True)]


def ufunc_of(name, gradient):
    return ELEMENTWISE[name].grad_ufunc if gradient else ELEMENTWISE[name].ufunc


def options_of(info):
    """The options as the ufunc takes them: numbers."""
    values = []
    for option in info.options:
        values.append(option.choices.index(option.default) if option.kind == "choice" else option.default)
    return values


def operands_of(info, shape, dtype=np.float64, seed=0):
    """Values that every operand accepts, for all operands that the formula sees."""
    rng = np.random.default_rng(seed)

    def numbers(operand):
        if operand.integer or operand.domain == "{0, 1}":
            # NumPy takes int16, and no wider integer, to the float32 loop.
            return rng.integers(0, 2, shape, np.int16).astype(np.int16 if operand.integer else dtype)
        return rng.uniform(0.05, 0.95, shape).astype(dtype)

    return {o.name: numbers(o) for o in info.operands if not o.multiplies}


def expected_of(loss, gradient, operands):
    return loss.grad(**operands, reduction="none") if gradient else loss(**operands, reduction="none")


@pytest.mark.parametrize(("name", "gradient"), UFUNCS)
def test_is_a_ufunc_under_its_name(name, gradient):
    ufunc = ufunc_of(name, gradient)
    info = ELEMENTWISE[name].info
    arguments = [o.name for o in info.operands if not o.multiplies] + [o.name for o in info.options]
    assert type(ufunc) is np.ufunc
    assert ufunc.__name__ == name + ("_grad" if gradient else "")
    assert (ufunc.nin, ufunc.nout) == (len(arguments), 1)
    assert ufunc.types == ["f" * len(arguments) + "->f", "d" * len(arguments) + "->d"]
    assert ufunc is getattr(fl.ufuncs, ufunc.__name__)
    assert ufunc.__name__ in fl.ufuncs.__all__
    assert ", ".join(arguments) in ufunc.__doc__
    assert info.formula.splitlines()[0] in ufunc.__doc__


@pytest.mark.parametrize(("name", "gradient"), UFUNCS)
def test_pickles(name, gradient):
    ufunc = ufunc_of(name, gradient)
    assert pickle.loads(pickle.dumps(ufunc)) is ufunc


def test_a_pickle_is_read_in_a_fresh_process():
    code = "import pickle, sys; print(pickle.loads(sys.stdin.buffer.read()).__name__)"
    for ufunc in (fl.huber_loss.ufunc, fl.huber_loss.grad_ufunc):
        done = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(ufunc), capture_output=True, check=True)
        assert done.stdout.decode().strip() == ufunc.__name__


SIZES = (0, 1, 7, 16, 255, 256, 257, 1000, 9001)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("name", "gradient"), UFUNCS)
def test_equals_the_function_bit_for_bit(name, gradient, dtype):
    loss = ELEMENTWISE[name]
    for size in SIZES:
        operands = operands_of(loss.info, size, dtype)
        result = ufunc_of(name, gradient)(*operands.values(), *options_of(loss.info))
        assert result.dtype == dtype
        np.testing.assert_array_equal(result, expected_of(loss, gradient, operands), err_msg=str(size))


@pytest.mark.parametrize(("name", "gradient"), UFUNCS)
def test_layouts(name, gradient):
    loss, ufunc = ELEMENTWISE[name], ufunc_of(name, gradient)
    whole = operands_of(loss.info, (40, 60))
    for view in (np.s_[::2, ::-1], np.s_[:, ::3], np.s_[5]):
        operands = {key: array[view] for key, array in whole.items()}
        result = ufunc(*operands.values(), *options_of(loss.info))
        np.testing.assert_array_equal(result, expected_of(loss, gradient, {k: v.copy() for k, v in operands.items()}))
    transposed = ufunc(*(array.T for array in whole.values()), *options_of(loss.info))
    np.testing.assert_array_equal(transposed.T, expected_of(loss, gradient, whole))
    other_endian = (array.astype(array.dtype.newbyteorder()) for array in whole.values())
    swapped = ufunc(*other_endian, *options_of(loss.info))
    np.testing.assert_array_equal(swapped, expected_of(loss, gradient, whole))


def test_keywords_of_ufuncs():
    x, t = np.linspace(-3, 3, 100), np.zeros(100)
    expected = fl.huber_loss(x, t, reduction="none")
    mask = np.arange(100) % 2 == 0
    out = np.full(100, -1.0)
    assert fl.huber_loss.ufunc(x, t, 1.0, out=out, where=mask) is out
    np.testing.assert_array_equal(out, np.where(mask, expected, -1.0))
    assert fl.huber_loss.ufunc(x, t, 1.0, dtype=np.float32).dtype == np.float32
    np.testing.assert_array_equal(fl.huber_loss.ufunc(x, t, 1.0, out=x), expected)
    assert fl.huber_loss.ufunc(np.float16([1.0]), np.float16([0.0]), 1.0).dtype == np.float32
    assert fl.huber_loss.ufunc(3, 0, 1) == 2.5
    assert fl.huber_loss.ufunc(np.ones((3, 1)), np.ones(4), 1.0).shape == (3, 4)


def test_overlapping_output():
    x = np.arange(50.0)
    expected = fl.mse_loss(x[:-1].copy(), 0.0, reduction="none")
    fl.mse_loss.ufunc(x[:-1], 0.0, out=x[1:])
    np.testing.assert_array_equal(x[1:], expected)


def test_reductions_of_a_binary_ufunc_go_one_by_one():
    x = np.array([1.0, 2.0, 3.0, 5.0])  # ((1 - 2)^2 - 3)^2 = 4; (4 - 5)^2 = 1
    assert fl.mse_loss.ufunc.reduce(x) == 1.0
    np.testing.assert_array_equal(fl.mse_loss.ufunc.accumulate(x), [1.0, 1.0, 4.0, 1.0])
    np.testing.assert_array_equal(fl.mse_loss.ufunc.reduceat(x, [0, 2]), [1.0, 4.0])
    np.testing.assert_array_equal(fl.mse_loss.ufunc.outer([1.0, 2.0], [0.0, 3.0]), [[1.0, 4.0], [4.0, 1.0]])
    rows = np.arange(3000.0).reshape(3, 1000)
    np.testing.assert_array_equal(fl.mse_loss.ufunc.reduce(rows), ((rows[0] - rows[1]) ** 2 - rows[2]) ** 2)
    np.add.at(x, [0, 0], 1.0)
    fl.mse_loss.ufunc.at(x, [1, 1], 0.0)
    np.testing.assert_array_equal(x, [3.0, 16.0, 3.0, 5.0])


def test_options_vary():
    x, delta = np.linspace(-5, 5, 300), np.repeat([0.5, 1.0, 2.0], 100)
    expected = np.concatenate(
        [fl.huber_loss(x[i : i + 100], 0.0, delta=delta[i], reduction="none") for i in (0, 100, 200)]
    )
    np.testing.assert_array_equal(fl.huber_loss.ufunc(x, 0.0, delta), expected)
    order = np.random.default_rng(1).permutation(300)
    np.testing.assert_array_equal(fl.huber_loss.ufunc(x[order], 0.0, delta[order]), expected[order])
    labels = fl.hinge_loss.ufunc([0.5, 0.5], [0.0, 0.0], 1.0, [0, 1])
    np.testing.assert_array_equal(labels, [1.0, 1.5])
    full = fl.gaussian_nll_loss.ufunc(0.0, 0.0, 1.0, [0, 1], 1e-6, 0.0)
    np.testing.assert_allclose(full, [0.0, 0.5 * np.log(2 * np.pi)])


@pytest.mark.parametrize(
    ("ufunc", "arguments"),
    [
        (fl.huber_loss.ufunc, (1.0, 0.0, [-1.0, 0.0, np.nan])),
        (fl.huber_loss.grad_ufunc, (1.0, 0.0, [-1.0, 0.0, np.nan])),
        (fl.hinge_loss.ufunc, (1.0, 1.0, 1.0, [2, -1, 0.5])),
        (fl.gaussian_nll_loss.ufunc, (1.0, 1.0, [-1.0, -1e-300, np.nan], 0, 1e-6, 0.0)),
        (fl.gaussian_nll_loss.grad_ufunc, (1.0, 1.0, [-1.0, -1e-300, np.nan], 0, 1e-6, 0.0)),
    ],
)
def test_out_of_range_is_nan_at_that_element(ufunc, arguments):
    with_good = [np.append(a, 1.0) if isinstance(a, list) else a for a in arguments]
    result = ufunc(*with_good)
    assert np.isnan(result[:-1]).all()
    assert np.isfinite(result[-1])


@pytest.mark.parametrize(("name", "gradient"), UFUNCS)
def test_no_spurious_warnings(name, gradient):
    info = ELEMENTWISE[name].info
    extremes = [0.0, -0.0, np.inf, -np.inf, np.nan, 1e308, -1e308, 5e-324, 1.0]
    with warnings.catch_warnings(), np.errstate(all="raise"):
        warnings.simplefilter("error")
        for value in extremes:
            operands = [np.full(40, value) for o in info.operands if not o.multiplies]
            ufunc_of(name, gradient)(*operands, *options_of(info))
        with np.errstate(divide="warn"), pytest.raises(RuntimeWarning):
            np.divide(1.0, np.zeros(2))  # and real warnings still work

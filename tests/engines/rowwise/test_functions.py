"""softmax, log_softmax and logsumexp: values and vector-Jacobian products, however they are called."""

from __future__ import annotations

import copy
import doctest
import inspect
import itertools
import pickle

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
from references.reductions import LONG
from references.row_functions import PRODUCTS, VALUES, softmax

NAMES = ("softmax", "log_softmax", "logsumexp")
CALLS = ("__call__", "grad", "value_and_grad")
DTYPES = ("float16", ml_dtypes.bfloat16, "float32", "float64")
SHAPES = [(1,), (7,), (100,), (9, 1), (37, 3), (37, 10), (5, 100), (3, 9000), (2, 3, 4, 5), (1, 40000)]


def keyword(name):
    return "axis" if name == "logsumexp" else "dim"


def wide(x, axis):
    return np.moveaxis(np.asarray(x).astype(np.float64).astype(LONG), axis, -1)


def exact(name, z, g, axis):
    """The value and the product, with the rows' axis where it was."""
    rows = wide(z, axis)
    flow = np.asarray(g).astype(LONG) if name == "logsumexp" else wide(g, axis)
    value, product = VALUES[name](rows), PRODUCTS[name](rows, flow)
    return value if name == "logsumexp" else np.moveaxis(value, -1, axis), np.moveaxis(product, -1, axis)


def draw(name, shape, dtype, axis=-1, spread=3.0):
    rng = cases.seed(name, shape, np.dtype(dtype), axis)
    z = (rng.standard_normal(shape) * spread).astype(dtype)
    flow = [n for i, n in enumerate(shape) if name != "logsumexp" or i != axis % len(shape)]
    return z, rng.standard_normal(flow).astype(dtype)


def computed_in(dtype):
    return np.float64 if np.dtype(dtype) == np.float64 else np.float32


def bounds(name, z, g, axis):
    """What rounding may cost: value and product, of numbers that are exact in the dtype that computes."""
    eps = np.finfo(computed_in(z.dtype)).eps
    rows = wide(z, axis)
    # A probability has the relative error of its exponent, and log-sum-exp that of the largest score.
    depth = 8 * eps * (2 + (rows.max(axis=-1, keepdims=True) - rows))
    value, product = exact(name, z, g, axis)
    p = softmax(rows)
    if name == "softmax":
        flow = np.abs(wide(g, axis))
        of_value = np.moveaxis(p * depth, -1, axis)
        of_product = p * depth * (flow + (p * flow).sum(axis=-1, keepdims=True))
        of_product += p * (p * depth * flow).sum(axis=-1, keepdims=True)
    elif name == "log_softmax":
        flow = np.abs(wide(g, axis))
        of_value = 8 * eps * np.abs(value)
        of_product = 4 * eps * flow + p * depth * flow.sum(axis=-1, keepdims=True)
    else:
        of_value = 4 * eps * (np.abs(value) + np.abs(rows).max(axis=-1))
        of_product = p * depth * np.abs(np.asarray(g).astype(LONG))[..., None]
    tiny = 8 * np.finfo(computed_in(z.dtype)).smallest_subnormal * (1 + np.abs(np.asarray(g).astype(np.float64)).sum())
    return value, of_value + tiny, product, np.moveaxis(of_product, -1, axis) + tiny


def assert_near(got, want, bound, dtype, what):
    assert got.dtype == np.dtype(dtype), what
    assert got.shape == want.shape, what
    if np.dtype(dtype).itemsize < 4:  # rounded once more, to the dtype it is stored in
        info = ml_dtypes.finfo(dtype)
        bound = bound + np.abs(want) * float(info.eps) + float(info.smallest_subnormal)
    error = np.abs(got.astype(np.float64).astype(LONG) - want)
    assert np.all(error <= bound), f"{what}: {np.max(error / bound)} times the bound"


def check(name, z, g, axis, what):
    function = getattr(fl, name)
    value, of_value, product, of_product = bounds(name, z, g, axis)
    own = z.dtype if name != "logsumexp" else computed_in(z.dtype)
    got = function(z, axis)
    assert_near(got, value, of_value, own, f"{name} {what}")
    gradient = function.grad(z, g, axis)
    assert_near(gradient, product, of_product, z.dtype, f"{name}.grad {what}")
    for one, other in zip(function.value_and_grad(z, g, **{keyword(name): axis}), (got, gradient), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)


@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
@pytest.mark.parametrize("name", NAMES)
def test_values_and_products(name, dtype):
    for shape in SHAPES:
        for axis in range(-len(shape), len(shape)):
            check(name, *draw(name, shape, dtype, axis), axis, f"{shape} {axis}")


@pytest.mark.parametrize("isa", fl._core.available_isas())
@pytest.mark.parametrize("name", NAMES)
def test_every_instruction_set(name, isa, use_isa):
    use_isa(isa)
    for shape, dtype in itertools.product([(50, 10), (50, 33), (2, 3000)], cases.DTYPES):
        check(name, *draw(name, shape, dtype), -1, f"{isa} {shape}")


@pytest.mark.parametrize("name", NAMES)
def test_the_default_axis_is_the_last(name):
    z, g = draw(name, (4, 3, 5), "float64")
    for shape in ((4, 3, 5), (5,)):
        assert len(shape) in (1, 3)
        function, part = getattr(fl, name), z if len(shape) == 3 else z[0, 0]
        flow = g if len(shape) == 3 else g[0, 0]
        np.testing.assert_array_equal(function(part), function(part, -1))
        np.testing.assert_array_equal(function.grad(part, flow), function.grad(part, flow, -1))


@pytest.mark.parametrize("name", NAMES)
def test_tiny_and_huge_scores(name):
    for dtype in cases.DTYPES:
        top = float(np.finfo(dtype).max) / 4
        rows = np.array(
            [[1e-30, 0, 0], [0, -20, -40], [0, -80, -87], [top, top, -top], [-top, -top, -top], [1e4, 1e4 - 1, -1e4]],
            dtype,
        )
        _, g = draw(name, rows.shape, dtype)
        check(name, rows, g, -1, f"{np.dtype(dtype)}")
    # The digits that a logarithm of the softmax loses.
    assert fl.log_softmax(np.array([0, -20], np.float32))[0] == np.float32(-2.0611536e-09)
    assert fl.log_softmax([0.0, -800.0])[1] == -800
    assert fl.softmax(np.array([0, -100], np.float32))[1] == np.float32(3.783506e-44)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("classes", [3, 10, 50, 9000])
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_infinite_scores(name, classes, dtype):
    """What is undefined is NaN in its row, and nowhere else; the logarithm of an infinite sum, or of 0, is defined."""
    z, g = draw(name, (20, classes), dtype)
    z[3, 1] = -np.inf
    z[5] = -np.inf
    z[7, 0] = np.inf
    z[11, -1] = np.nan
    function, bad = getattr(fl, name), np.isin(np.arange(20), (5, 7, 11))
    whole = function.value_and_grad(z, g)
    part = function.value_and_grad(z[~bad], g[~bad])
    if name == "logsumexp":
        assert whole[0][5] == -np.inf
        assert whole[0][7] == np.inf
    for array, clean in zip(whole, part, strict=True):
        defined = (5, 7) if name == "logsumexp" and array is whole[0] else ()
        assert np.isnan(array[np.setdiff1d((5, 7, 11), defined)]).all()
        assert not np.isnan(clean).any()
        np.testing.assert_allclose(array[~bad], clean, rtol=1e-5, atol=1e-7)
    value, gradient = (array[3] for array in whole)
    without = function.value_and_grad(np.delete(z, 1, axis=1), g if name == "logsumexp" else np.delete(g, 1, axis=1))
    if name == "logsumexp":
        np.testing.assert_allclose(value, without[0][3], rtol=1e-6)
    else:
        assert value[1] == (0 if name == "softmax" else -np.inf)
        np.testing.assert_allclose(np.delete(value, 1), without[0][3], rtol=1e-5)
    assert gradient[1] == (g[3, 1] if name == "log_softmax" else 0)


@pytest.mark.parametrize("classes", [1, 3, 10, 50, 9000, 100_000])
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_the_logarithm_of_a_sum_that_is_infinite_or_zero(classes, dtype, use_isa):
    for isa, axis, count in itertools.product(cases.ISAS, (1, 0), (1, 6)):
        use_isa(isa)
        z = draw("softmax", (6, classes), dtype)[0]
        z[0] = -np.inf
        z[1] = -np.inf
        z[1, -1] = np.nan
        z[2, classes // 2] = np.inf
        z[3] = np.inf
        z[4] = np.inf
        z[4, classes // 2] = np.nan
        for first in range(0, 6, count):
            rows = slice(first, first + count)
            given = np.ascontiguousarray(np.moveaxis(z[rows], 1, axis))
            value, gradient = fl.logsumexp.value_and_grad(given, 1.0, axis=axis)
            expected = np.array([-np.inf, np.nan, np.inf, np.inf, np.nan])[rows]
            np.testing.assert_array_equal(value[: len(expected)], expected, err_msg=f"{isa} {axis}")
            assert np.isnan(np.moveaxis(gradient, axis, 1)[: len(expected)]).all()
            loss, extra = fl.cross_entropy(given, np.zeros(count, int), axis=axis, reduction="none", return_="lse")
            np.testing.assert_array_equal(extra["lse"], value)
            assert np.isnan(loss[: len(expected)]).all()
            in_place = given.copy()
            _, again = fl.cross_entropy.grad(in_place, np.zeros(count, int), axis=axis, out=in_place, return_="lse")
            np.testing.assert_array_equal(again["lse"], value)
            if first == 0 and count == 6:
                assert np.isfinite(value[5])


@pytest.mark.parametrize("name", NAMES)
def test_layouts(name):
    z, g = draw(name, (6, 8, 10), "float64")
    views = [
        lambda x: np.asfortranarray(x),
        lambda x: np.ascontiguousarray(x[::-1])[::-1],
        lambda x: np.ascontiguousarray(x[..., ::-1])[..., ::-1],
        lambda x: np.repeat(x, 2, axis=-1)[..., ::2],
        lambda x: x.astype(x.dtype.newbyteorder()),
        lambda x: np.lib.stride_tricks.as_strided(x, x.shape, x.strides, writeable=False),
    ]
    function = getattr(fl, name)
    for axis in range(3):
        flow = np.take(g, 0, axis=axis) if name == "logsumexp" and g.ndim == 3 else g
        flow = draw(name, z.shape, "float64", axis)[1]
        plain = function.value_and_grad(z, flow, axis)
        for view in views:
            for one, other in zip(function.value_and_grad(view(z), view(flow), axis), plain, strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-15)
    row = np.broadcast_to(z[0, 0], (4, 10))
    np.testing.assert_allclose(function(row)[3], function(z[0, 0]), rtol=1e-14)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("shape", [(0, 3), (0,), (3, 0), (2, 0, 4), (0, 0)])
def test_empty_arrays(name, shape):
    function = getattr(fl, name)
    for dtype, axis in itertools.product(cases.DTYPES, range(len(shape))):
        rows = tuple(n for i, n in enumerate(shape) if i != axis)
        z, g = np.zeros(shape, dtype), np.zeros(rows if name == "logsumexp" else shape, dtype)
        value, gradient = function.value_and_grad(z, g, axis)
        assert gradient.shape == shape
        assert value.shape == g.shape
        if name == "logsumexp" and shape[axis] == 0:
            assert (value == -np.inf).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [*"bBhHiIlL?", list])
def test_whole_numbers(name, kind):
    """Scores and flowing gradients may be of any integer dtype; the result is float64."""
    z = np.array([[1, 0, 3], [0, 1, 1]])
    g = np.array([1, 2]) if name == "logsumexp" else np.array([[1, 0, 2], [0, 1, 0]])
    given = [x.tolist() if kind is list else x.astype(kind) for x in (z, g)]
    real = [x.astype(kind).astype(float) if kind is not list else x.astype(float) for x in (z, g)]
    function = getattr(fl, name)
    for one, other in zip(function.value_and_grad(*given), function.value_and_grad(*real), strict=True):
        np.testing.assert_array_equal(one, other, strict=True)
    np.testing.assert_array_equal(function(given[0]), function(real[0]), strict=True)
    np.testing.assert_array_equal(function.grad(*given), function.grad(*real), strict=True)


@pytest.mark.parametrize("name", NAMES)
def test_a_flowing_gradient_of_another_dtype(name):
    for dtype, other in itertools.permutations(DTYPES, 2):
        z, g = draw(name, (20, 7), dtype)
        flow = g.astype(other)
        got = getattr(fl, name).grad(z, flow)
        assert got.dtype == z.dtype
        want = getattr(fl, name).grad(z, flow.astype(computed_in(z.dtype)))
        np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_out(name, dtype):
    function = getattr(fl, name)
    for shape, axis in itertools.product([(40, 3), (300, 10), (30, 100), (2, 30000)], (0, 1)):
        z, g = draw(name, shape, dtype, axis)
        value, gradient = function.value_and_grad(z, g, axis)
        empty = np.full_like(value, 7)
        assert function(z, axis, out=empty) is empty
        np.testing.assert_array_equal(empty, value)
        strided = np.full((*gradient.shape, 2), 7, gradient.dtype)
        assert function.grad(z, g, axis, out=strided[..., 0]).base is strided
        np.testing.assert_array_equal(strided[..., 0], gradient)
        assert (strided[..., 1] == 7).all()
        into = np.full_like(gradient, 7)
        first, second = function.value_and_grad(z, g, axis, out=into)
        assert second is into
        np.testing.assert_array_equal(first, value)
        np.testing.assert_array_equal(into, gradient)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dtype", DTYPES, ids=lambda d: np.dtype(d).name)
def test_in_place(name, dtype):
    function = getattr(fl, name)
    for shape, axis in itertools.product([(40, 3), (300, 10), (30, 100), (2, 30000)], (0, 1)):
        z, g = draw(name, shape, dtype, axis)
        value, gradient = function.value_and_grad(z, g, axis)
        if name != "logsumexp":
            own = z.copy()
            np.testing.assert_array_equal(function(own, axis, out=own), value)
            flow = g.copy()
            np.testing.assert_array_equal(function.grad(z, flow, axis, out=flow), gradient)
        own = z.copy()
        np.testing.assert_array_equal(function.grad(own, g, axis, out=own), gradient)
        own = z.copy()
        first, second = function.value_and_grad(own, g, axis, out=own)
        assert second is own
        np.testing.assert_array_equal(first, value)
        np.testing.assert_array_equal(second, gradient)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", NAMES)
def test_any_number_of_threads_gives_the_same_bits(name, dtype):
    function = getattr(fl, name)
    for shape in [(30000, 3), (20000, 10), (700, 1000), (3, 200000)]:
        z, g = draw(name, shape, dtype)
        results = []
        for threads in (1, 2, 3):
            with fl.threads(threads):
                results.append((function(z), function.grad(z, g), *function.value_and_grad(z, g)))
                assert fl._core.last_team_size() == threads
        for other in results[1:]:
            for one, two in zip(results[0], other, strict=True):
                np.testing.assert_array_equal(one, two)


Z = np.zeros((2, 3))
LOCKED = np.zeros((2, 3))
LOCKED.flags.writeable = False
BOTH = ("softmax", "log_softmax")

BAD_CALLS = [
    (NAMES, lambda f: f(1.0), ValueError, r"input must have an axis of classes, got shape \(\)"),
    (NAMES, lambda f: f(Z.astype(complex)), TypeError, "input has dtype complex128"),
    (NAMES, lambda f: f(["a"]), TypeError, "input"),
    (NAMES, lambda f: f(Z, 2), ValueError, r"{axis} must be from -2 to 1 for input of shape \(2, 3\), got 2"),
    (NAMES, lambda f: f(Z, -3), ValueError, "{axis} must be from -2 to 1"),
    (NAMES, lambda f: f(Z, 1.0), TypeError, "{axis} must be an integer, not float"),
    (NAMES, lambda f: f(Z, None), TypeError, "{axis} must be an integer, not NoneType"),
    (NAMES, lambda f: f(Z, True), TypeError, "{axis} must be an integer, not bool"),
    (NAMES, lambda f: f(Z, 10**30), ValueError, "{axis} must fit an int64"),
    (NAMES, lambda f: f(Z, out=[0.0]), TypeError, r"out must be a NumPy array, not list"),
    (NAMES, lambda f: f(Z, out=np.zeros(f(Z).shape, int)), TypeError, "out must have a floating dtype, got int64"),
    (NAMES, lambda f: f(Z, out=np.zeros((7, 3))), ValueError, r"out must have shape .* got \(7, 3\)"),
    (NAMES, lambda f: f.grad(Z, f(Z), out=np.zeros((3, 3))), ValueError, r"out must have shape \(2, 3\), got \(3, 3\)"),
    (NAMES, lambda f: f.grad(Z, f(Z), out=LOCKED), ValueError, "out is read-only"),
    (BOTH, lambda f: f(Z, out=LOCKED), ValueError, "out is read-only"),
    (BOTH, lambda f: f(Z, out=np.broadcast_to(np.zeros(3), (2, 3))), ValueError, "out is read-only"),
    (NAMES, lambda f: f.grad(Z, np.zeros((4, 4))), ValueError, r"grad_output has shape \(4, 4\)"),
    (NAMES, lambda f: f.grad(Z, np.zeros(3)), ValueError, r"grad_output has shape \(3,\)"),
    (BOTH, lambda f: f.grad(Z, np.zeros(2)), ValueError, r"grad_output has shape \(2,\); it must have .*\(2, 3\)$"),
    (BOTH, lambda f: f.grad(Z, 1), ValueError, r"grad_output has shape \(\)"),
    (NAMES, lambda f: f.grad(Z, None), TypeError, "grad_output"),
    (NAMES, lambda f: f.grad(Z, f(Z).astype(complex)), TypeError, "grad_output has dtype complex128"),
    (NAMES, lambda f: f.grad(Z, np.ma.masked_array(f(Z).astype(int))), TypeError, "grad_output is a masked array"),
    (NAMES, lambda f: f.value_and_grad(Z, np.zeros((4, 4))), ValueError, r"grad_output has shape \(4, 4\)"),
    (NAMES, lambda f: f.value_and_grad(Z, f(Z), 2), ValueError, "{axis} must be from -2 to 1"),
]


@pytest.mark.parametrize("case", range(len(BAD_CALLS)))
def test_errors_name_the_function_and_the_argument(case):
    names, call, error, message = BAD_CALLS[case]
    for name in names:
        with pytest.raises(error, match=f"^{name}: .*{message.replace('{axis}', keyword(name))}") as caught:
            call(getattr(fl, name))
        assert not any(word in str(caught.value) for word in ("cross_entropy", "vector", "target", "return_"))


def test_overlaps_are_errors():
    buffer = np.zeros(8)
    z, shifted = buffer[:6].reshape(2, 3), buffer[1:7].reshape(2, 3)
    for name in BOTH:
        with pytest.raises(ValueError, match=f"^{name}: out overlaps input"):
            getattr(fl, name)(z, out=shifted)
        with pytest.raises(ValueError, match=f"^{name}: out overlaps grad_output"):
            getattr(fl, name).grad(Z, z, out=shifted)
    with pytest.raises(ValueError, match=r"^logsumexp: out overlaps input"):
        fl.logsumexp(z, out=buffer[:2])
    assert (buffer == 0).all()


def test_errors_of_others_stay_as_they_are():
    class Odd:
        def __array__(self, *_, **__):
            raise KeyError("of its own")

    for name in NAMES:
        with pytest.raises(TypeError, match=rf"^{name}: input cannot be read") as caught:
            getattr(fl, name)(Odd())
        assert isinstance(caught.value.__cause__, KeyError)
        with pytest.raises(TypeError, match="unexpected keyword"):
            getattr(fl, name)(Z, where=Z > 0)


@pytest.mark.parametrize("name", NAMES)
def test_errors_quote_the_caller_as_it_is(name):
    class target:
        def __array__(self, *_, **__):
            raise ValueError("the vector is missing: axis must be 0")

    function = getattr(fl, name)
    quoted = r"\(it is a target\): the vector is missing: axis must be 0$"
    with pytest.raises(ValueError, match=f"^{name}: input cannot be read as an array of numbers {quoted}"):
        function(target())
    with pytest.raises(TypeError, match=f"^{name}: {keyword(name)} must be an integer, not target$"):
        function(Z, target())
    with pytest.raises(TypeError, match=f"^{name}: out must be a NumPy array, not target$"):
        function.grad(Z, function(Z), out=target())


@pytest.mark.parametrize("name", NAMES)
def test_settings(name):
    function, z = getattr(fl, name), np.array([[0.0, np.nan], [1.0, 2.0]])
    with fl.errstate(nonfinite="raise"):
        with pytest.raises(ValueError, match=f"^{name}: .*not finite"):
            function(z)
        assert np.isfinite(function(z[1:])).all()
        with pytest.raises(ValueError, match=f"^{name}: .*not finite"):
            function.grad(z, np.ones_like(function(z[1:].repeat(2, axis=0))))


@pytest.mark.parametrize("name", NAMES)
def test_as_an_object(name):
    function = getattr(fl, name)
    assert repr(function) == f"fastloss.{name}"
    assert function.__name__ == function.__qualname__ == name
    assert name not in fl.losses()
    assert name in fl.__all__
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(function, protocol)) is function
        assert pickle.loads(pickle.dumps(function.grad, protocol)) == function.grad
    assert copy.copy(function) is copy.deepcopy(function) is function
    axis = keyword(name)
    assert str(inspect.signature(function)).startswith("(input: 'ArrayLike', " + f"{axis}: 'int' = -1, *, out:")
    for method in ("grad", "value_and_grad"):
        parameters = list(inspect.signature(getattr(function, method)).parameters)
        assert parameters == ["input", "grad_output", axis, "out"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("method", CALLS)
def test_documentation(name, method):
    function = getattr(fl, name)
    text = inspect.getdoc(function if method == "__call__" else getattr(function, method))
    assert all(f"\n{title}\n---" in text for title in ("Parameters", "Returns", "Raises", "Examples"))
    assert "References" in text or method != "__call__"
    documented = [p for line in text.splitlines() if " : " in line for p in line.split(" : ")[0].split(", ")]
    call = function if method == "__call__" else getattr(function, method)
    assert all(p in documented or f"{p}" in text for p in inspect.signature(call).parameters)
    test = doctest.DocTestParser().get_doctest(text, {}, name, name, 0)
    assert test.examples
    failures = []
    doctest.DocTestRunner(verbose=False).run(test, out=failures.append)
    assert not failures, "".join(failures)

"""What calls accept: names and positions, wrt, out, and everything that is an array."""

from __future__ import annotations

import warnings
from decimal import Decimal
from fractions import Fraction

import ml_dtypes
import numpy as np
import pandas as pd
import pytest

import fastloss as fl

X = np.array([0.25, 2.5, -3.0])
T = np.array([0.5, 0.0, 1.0])


# Names, wrt, out


def test_arguments_may_be_given_either_way():
    expected = fl.huber_loss(X, T, None)
    assert fl.huber_loss(input=X, target=T) == expected
    assert fl.huber_loss(X, target=T, weight=None) == expected
    names = {"".join(["in", "put"]): X, "".join(["tar", "get"]): T, "".join(["del", "ta"]): 1.0}  # not interned
    assert fl.huber_loss(**names) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fl.huber_loss(X, T, dleta=1), "huber_loss() got an unexpected keyword argument 'dleta'"),
        (lambda: fl.huber_loss(X), "huber_loss() missing 1 required positional argument: 'target'"),
        (
            lambda: fl.huber_loss.grad(),
            "huber_loss.grad() missing 2 required positional arguments: 'input' and 'target'",
        ),
        (
            lambda: fl.gaussian_nll_loss(),
            "gaussian_nll_loss() missing 3 required positional arguments: 'input', 'target', and 'var'",
        ),
        (lambda: fl.huber_loss(X, T, X, 1.0), "huber_loss() takes from 2 to 3 positional arguments but 4 were given"),
        (lambda: fl.rmse_loss(X, T, 1.0), "rmse_loss() takes 2 positional arguments but 3 were given"),
        (lambda: fl.huber_loss(X, T, input=X), "huber_loss() got multiple values for argument 'input'"),
        (lambda: fl.huber_loss(X, T, wrt="input"), "huber_loss() got an unexpected keyword argument 'wrt'"),
        (lambda: fl.huber_loss(X, T, accumulate=True), "huber_loss() got an unexpected keyword argument 'accumulate'"),
        (lambda: fl.huber_loss.hess(X, T, wrt="input"), "huber_loss.hess() got an unexpected keyword argument 'wrt'"),
        (lambda: fl.huber_loss.partial(2.0), "huber_loss.partial() takes options as keywords only"),
    ],
)
def test_mismatched_arguments_are_told_in_pythons_words(call, message):
    with pytest.raises(TypeError) as raised:
        call()
    assert str(raised.value) == message


def test_wrt_forms():
    gradient = fl.huber_loss.grad(X, T)
    np.testing.assert_array_equal(fl.huber_loss.grad(X, T, wrt="input"), gradient)
    np.testing.assert_array_equal(fl.huber_loss.grad(X, T, wrt=0), gradient)
    np.testing.assert_array_equal(fl.huber_loss.grad(X, T, wrt=np.int64(0)), gradient)
    for wrt in (("target", "input"), ["target", 0], (1, 0)):
        result = fl.huber_loss.grad(X, T, wrt=wrt)
        assert type(result) is tuple
        np.testing.assert_array_equal(result, (-gradient, gradient))
    (only,) = fl.huber_loss.grad(X, T, wrt=("input",))
    np.testing.assert_array_equal(only, gradient)
    value, (first, second) = fl.huber_loss.value_and_grad(X, T, wrt=("input", "target"))
    assert value == fl.huber_loss(X, T)
    np.testing.assert_array_equal(first, -second)


@pytest.mark.parametrize(
    ("wrt", "error", "words"),
    [
        ("inptu", ValueError, "inptu"),
        (3, ValueError, "from 0 to 2"),
        (-1, ValueError, "from 0 to 2"),
        ((), ValueError, "at least one"),
        (("input", 0), ValueError, "twice"),
        ("weight", ValueError, "was not given"),
        (1.0, TypeError, "float"),
        (True, TypeError, "bool"),
        ((0, 1, 2, 0, 1, 2, 0), ValueError, "twice"),
        ([["input"]], TypeError, "list"),
        (10**30, ValueError, "from 0 to 2"),
    ],
)
def test_bad_wrt(wrt, error, words):
    with pytest.raises(error, match=words) as raised:
        fl.huber_loss.grad(X, T, wrt=wrt)
    assert "wrt" in str(raised.value)


def test_out_is_returned():
    gradient, hessian, value = np.empty(3), np.empty(3), np.empty(())
    assert fl.huber_loss.grad(X, T, out=gradient) is gradient
    np.testing.assert_array_equal(gradient, fl.huber_loss.grad(X, T))
    assert fl.huber_loss.value_and_grad(X, T, out=gradient)[1] is gradient
    assert fl.huber_loss.hess(X, T, out=hessian) is hessian
    both = fl.huber_loss.grad_and_hess(X, T, out=(None, hessian))
    assert both[0] is not gradient
    assert both[1] is hessian
    assert fl.huber_loss(X, T, out=value) is value
    assert value == fl.huber_loss(X, T)
    assert fl.huber_loss(X, T, reduction="none", out=gradient) is gradient
    pair = fl.huber_loss.grad(X, T, wrt=(0, 1), out=(gradient, hessian))
    assert pair[0] is gradient
    assert pair[1] is hessian


def test_out_of_any_layout_and_byte_order():
    expected = fl.huber_loss.grad(X, T)
    for out in (np.zeros(6)[::2], np.zeros(3)[::-1], np.zeros(3, ">f8"), np.zeros(25, np.uint8)[1:].view(np.float64)):
        assert fl.huber_loss.grad(X, T, out=out) is out
        np.testing.assert_array_equal(out, expected)
        fl.huber_loss.grad(X, T, out=out, accumulate=True)
        np.testing.assert_array_equal(out, 2 * expected)
    swapped = np.zeros((), ">f8")
    fl.huber_loss(X, T, out=swapped)
    assert swapped == fl.huber_loss(X, T)


# Operands with a default


def test_an_operand_with_a_default_may_be_left_out():
    expected = fl.quantile_loss(X, T, 0.5)
    assert expected == fl.l1_loss(X, T) / 2
    assert fl.quantile_loss(X, T) == fl.quantile_loss(X, T, None) == fl.quantile_loss(X, T, quantile=None) == expected
    assert fl.quantile_loss(X, T, quantile=[0.1, 0.5, 0.9]) == fl.quantile_loss(X, T, np.array([0.1, 0.5, 0.9]))
    assert fl.multi_quantile_loss(X, T) == fl.multi_quantile_loss(X, T, (0.1, 0.5, 0.9))
    with pytest.raises(TypeError, match=r"quantile_loss\(\) takes from 2 to 3 positional arguments but 4 were given"):
        fl.quantile_loss(X, T, 0.5, 1.0)
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'target'"):
        fl.quantile_loss(X, quantile=0.5)


def test_a_default_does_not_widen_the_computation():
    narrow = X.astype("f4"), T.astype("f4")
    for loss in (fl.quantile_loss, fl.multi_quantile_loss, fl.quantile_loss.partial(quantile=0.3)):
        value, gradients = loss.value_and_grad(*narrow, wrt=(0, 2))
        assert {a.dtype for a in (value, *gradients)} == {np.dtype("f4")}
    assert fl.quantile_loss(narrow[0], narrow[1], np.array(0.3)).dtype == np.float64


def test_the_gradient_in_a_default():
    shortfall = (T - X).mean()  # the loss is linear in the quantile
    for loss, given in (
        (fl.quantile_loss, ()),
        (fl.quantile_loss, (None,)),
        (fl.quantile_loss.partial(quantile=0.9), ()),
    ):
        gradient = loss.grad(X, T, *given, wrt="quantile")
        assert type(gradient) is np.ndarray
        assert gradient.shape == ()
        np.testing.assert_allclose(gradient, shortfall)
    out = np.full((), 1.0)
    assert fl.quantile_loss.grad(X, T, wrt=2, out=out, accumulate=True) is out
    np.testing.assert_allclose(out, 1.0 + shortfall)
    first, last = fl.multi_quantile_loss.grad(X, T, wrt=("input", "quantiles"))
    np.testing.assert_array_equal(first, fl.multi_quantile_loss.grad(X, T))
    np.testing.assert_allclose(last, (T - X) / 3)


def test_a_bound_operand_may_still_be_given():
    bound = fl.quantile_loss.partial(quantile=0.9)
    assert bound(X, T) == bound(X, T, None) == fl.quantile_loss(X, T, 0.9)
    assert bound(X, T, 0.5) == bound(X, T, quantile=0.5) == fl.quantile_loss(X, T)
    assert bound(X, T, np.full(3, 0.1)) == fl.quantile_loss(X, T, 0.1)
    np.testing.assert_array_equal(bound.hess(X, T), fl.quantile_loss.hess(X, T, 0.9))


READ_ONLY = np.zeros(3)
READ_ONLY.flags.writeable = False


@pytest.mark.parametrize(
    ("method", "keywords", "error", "words"),
    [
        ("grad", {"out": [0.0] * 3}, TypeError, "out must be a NumPy array, not list"),
        ("grad", {"out": (np.zeros(3),)}, TypeError, "out must be a NumPy array, not tuple"),
        ("grad", {"out": np.zeros(4)}, ValueError, "shape"),
        ("grad", {"out": np.zeros(3, int)}, TypeError, "floating dtype, got int64"),
        ("grad", {"out": np.zeros(3, complex)}, TypeError, "complex128"),
        ("grad", {"out": READ_ONLY}, ValueError, "out is read-only"),
        ("grad", {"out": np.ma.zeros(3)}, TypeError, "out is a masked array"),
        ("grad", {"accumulate": True}, ValueError, "out is missing"),
        ("grad", {"accumulate": 1, "out": np.zeros(3)}, TypeError, "accumulate"),
        ("grad", {"wrt": (0, 1), "out": np.zeros((2, 3))}, TypeError, "tuple of 2"),
        ("grad", {"wrt": (0, 1), "out": (np.zeros(3),)}, TypeError, "tuple of 2"),
        ("grad", {"wrt": (0, 1), "out": (np.zeros(3), READ_ONLY)}, ValueError, r"out\[1\] is read-only"),
        ("grad", {"wrt": (0, 1), "accumulate": True, "out": (np.zeros(3), None)}, ValueError, r"out\[1\] is missing"),
        ("grad_and_hess", {"out": np.zeros(3)}, TypeError, "tuple of 2"),
        ("__call__", {"out": np.zeros(3)}, ValueError, r"shape \(\)"),
        ("__call__", {"out": np.zeros((), int)}, TypeError, "floating dtype, not int64"),
    ],
)
def test_bad_out(method, keywords, error, words):
    call = fl.huber_loss if method == "__call__" else getattr(fl.huber_loss, method)
    with pytest.raises(error, match=words):
        call(X, T, **keywords)


@pytest.mark.parametrize("method", ["hess", "grad_and_hess", "ufunc", "grad_ufunc"])
def test_what_a_loss_does_not_have_is_no_attribute(method):
    assert not hasattr(fl.rmse_loss, method)
    with pytest.raises(AttributeError, match=f"rmse_loss has no '{method}'"):
        getattr(fl.rmse_loss, method)


# Everything that is an array


class Named:
    def __repr__(self):
        return type(self).__name__  # no address: every process that runs tests must name them alike


class WithArray:
    def __array__(self, dtype=None, copy=None):
        return X.copy()


class WithInterface:
    __array_interface__ = X.__array_interface__


class WithDLPack(Named):
    def __dlpack__(self, **keywords):
        return X.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return X.__dlpack_device__()


class NegationPending(WithDLPack):
    """What torch's `z.conj().imag` is: its memory holds the opposite, and only `__array__` knows."""

    def __array__(self, dtype=None, copy=None):
        raise RuntimeError("resolve the negation first")


class Lazy(Named):
    """What Dask and its like hand out."""

    dtype, shape = X.dtype, X.shape

    def __init__(self, graph=()):
        self.graph = graph
        self.computed = False

    def __dask_graph__(self):
        return self.graph

    def compute(self):
        return X.copy()

    def __array__(self, dtype=None, copy=None):
        self.computed = True
        return self.compute()


class Stored(Named):
    """What HDF5 and Zarr hand out: it is in a file, cut into chunks, and reading copies."""

    chunks = (2,)

    def __array__(self, dtype=None, copy=None):
        return X.copy()


class Contiguous(Stored):
    chunks = None


class Subclass(np.ndarray):
    pass


@pytest.mark.parametrize(
    "array",
    [
        X.tolist(),
        tuple(X.tolist()),
        memoryview(X),
        WithArray(),
        WithInterface(),
        WithDLPack(),
        Lazy(graph=None),
        Contiguous(),
        X.view(Subclass),
        pd.Series(X),
        X.astype(">f8"),
        np.frombuffer(b"\0" + X.tobytes(), np.uint8)[1:].view(np.float64),
        np.repeat(X, 2)[::2],
        X[::-1][::-1],
        np.float32(X).astype("f8"),
        [np.float64(0.25), np.float64(2.5), -3],
        pd.array(X, dtype="Float64"),
    ],
    ids=lambda a: type(a).__name__,
)
def test_array_likes(array):
    value, gradient = fl.huber_loss.value_and_grad(array, T)
    assert value == fl.huber_loss(X, T)
    assert type(value) is np.float64
    assert type(gradient) is np.ndarray
    np.testing.assert_array_equal(gradient, fl.huber_loss.grad(X, T))
    assert fl.mse_loss(T, array) == fl.mse_loss(T, X)


def test_matrix_is_seen_as_an_array():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        matrix = np.asmatrix(np.ones((2, 2)))
    gradient = fl.mse_loss.grad(matrix, np.zeros((2, 2)))
    assert type(gradient) is np.ndarray
    np.testing.assert_array_equal(gradient, np.full((2, 2), 0.5))


def test_numbers():
    assert fl.huber_loss(2.0, 0.5) == 1.0
    assert fl.huber_loss(2, True) == 0.5
    assert fl.huber_loss(np.float32(2.0), 0.5).dtype == np.float32
    assert fl.huber_loss(np.float32(2.0), np.float64(0.5)).dtype == np.float64
    assert fl.huber_loss(np.float32([2.0]), 0.1).dtype == np.float32
    assert fl.mse_loss(2**70, 2**70) == 0.0
    gradient = fl.huber_loss.grad(np.array(2.0), 0.5)
    assert isinstance(gradient, np.ndarray)
    assert gradient.shape == ()


def test_bfloat16_needs_no_registration():
    x = np.array([1.0, 2.0], ml_dtypes.bfloat16)
    value, gradient = fl.mse_loss.value_and_grad(x, 0.0)
    assert value.dtype == np.float32
    assert gradient.dtype == x.dtype
    np.testing.assert_array_equal(gradient.astype("f4"), [1.0, 2.0])


class Opaque(Named):
    pass


RECURSIVE: list = []
RECURSIVE.append(RECURSIVE)
TWICE_RECURSIVE: list = []
TWICE_RECURSIVE += [TWICE_RECURSIVE, TWICE_RECURSIVE]


@pytest.mark.parametrize(
    ("array", "error", "words"),
    [
        (X.astype(complex), TypeError, "complex128"),
        (X.astype(object), TypeError, "object"),
        (["a"], TypeError, "<U1"),
        (X.astype("g"), TypeError, "float128|longdouble"),
        (np.array([0], "M8[s]"), TypeError, "datetime64"),
        (None, TypeError, "object"),
        ([[1.0], [1.0, 2.0]], ValueError, "inhomogeneous"),
        (Opaque(), TypeError, "object"),
        (np.array([(1, 2)], "i4,i4"), TypeError, "f0"),
        (np.ma.array(X, mask=[1, 0, 0]), TypeError, "masked array.*where=~mask"),
        ([X, [0.0, np.ma.array(1.0, mask=True), 1.0]], TypeError, "masked array.*where=~mask"),
        (RECURSIVE, ValueError, "contains itself"),
        ([X, TWICE_RECURSIVE], ValueError, "contains itself"),
        (NegationPending(), TypeError, "resolve the negation first"),
        (Lazy(), TypeError, r"lazy array.*\.compute\(\)"),
        ([X, Lazy()], TypeError, r"lazy array.*\.compute\(\)"),
        (([1.0, 2.0], [[Lazy()]]), TypeError, r"lazy array.*\.compute\(\)"),
        (Stored(), TypeError, r"lazy array.*read it first, as in array\[\.\.\.\]"),
        (10**400, ValueError, "too large"),
        ({1: 2}, TypeError, "object"),
    ],
    ids=str,
)
@pytest.mark.parametrize("argument", ["input", "target", "sample_weight", "grad_output"])
def test_unusable_arrays_are_named(array, error, words, argument):
    arguments = {"input": X, "target": T, argument: array}
    if argument in ("sample_weight", "grad_output") and array is None:
        return  # None means not given there
    with pytest.raises(error, match=f"huber_loss: {argument} .*({words})"):
        fl.huber_loss.grad(**arguments)


def test_a_lazy_array_is_not_computed():
    lazy = Lazy()
    for given in (lazy, [lazy, lazy]):
        with pytest.raises(TypeError, match="lazy"):
            fl.mse_loss(given, X)
    assert not lazy.computed


NUMBERS = {  # everything that is read as a number, as a call
    "delta": lambda number: fl.huber_loss(X, T, delta=number),
    "normalizer": lambda number: fl.mse_loss(X, T, normalizer=number),
    "partial": lambda number: fl.huber_loss.partial(delta=number)(X, T),
    "quantile": lambda number: fl.quantile_loss.partial(quantile=number)(X, T),
    "temperature": lambda number: fl.cross_entropy(X[None], [1], temperature=number),
}


@pytest.mark.parametrize(
    "number",
    [
        0.5 + 2j,
        0.5 + 0j,
        np.complex128(0.5),
        np.complex64(0.5),
        np.clongdouble(0.5),
        np.array(0.5 + 0j),
        np.array(0.5, object),
        np.array([0.5]),
        np.array("0.5"),
        np.str_("0.5"),
        np.bytes_(b"0.5"),
        b"0.5",
        True,
        np.True_,
        np.array(True),
        np.timedelta64(1, "s"),
        np.datetime64(1, "s"),
        [0.5],
    ],
    ids=lambda n: f"{type(n).__name__}-{n}",
)
@pytest.mark.parametrize("argument", NUMBERS)
def test_what_is_no_real_number(argument, number):
    error = ValueError if argument == "normalizer" and isinstance(number, str) else TypeError
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(error, match="must be a number"):
            NUMBERS[argument](number)


@pytest.mark.parametrize(
    "number",
    [
        np.float32(0.5),
        np.float16(0.5),
        np.longdouble(0.5),
        ml_dtypes.bfloat16(0.5),
        np.array(0.5),
        np.array(0.5, ">f4"),
        Decimal("0.5"),
        Fraction(1, 2),
    ],
    ids=lambda n: type(n).__name__,
)
@pytest.mark.parametrize("argument", NUMBERS)
def test_what_is_a_real_number(argument, number):
    assert NUMBERS[argument](number) == NUMBERS[argument](0.5)


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        (True, TypeError, "not bool"),
        (np.True_, TypeError, "not numpy.bool"),
        (np.array([0, 1]), TypeError, "not numpy.ndarray"),
        (0.0, TypeError, "not float"),
        (2**70, ValueError, "1180591620717411303424"),
        (10**5000, ValueError, "an integer of thousands of digits"),
    ],
    ids=["bool", "bool_", "array", "float", "2**70", "10**5000"],
)
@pytest.mark.parametrize("argument", ["wrt", "axis", "ignore_index"])
def test_what_is_no_integer(argument, given, error, words):
    with pytest.raises(error, match=f"cross_entropy: {argument} must .*{words}"):
        fl.cross_entropy.grad(X[None], [1], **{argument: given})


@pytest.mark.parametrize("argument", NUMBERS)
def test_a_masked_number(argument):
    for number in (np.ma.masked, np.ma.array(0.5)):
        with pytest.raises(TypeError, match="is a masked array"):
            NUMBERS[argument](number)


def test_an_error_while_reading_is_kept_as_cause():
    class Broken:
        def __array__(self, dtype=None, copy=None):
            raise RuntimeError("on another device")

    with pytest.raises(TypeError, match=r"target cannot be read.*on another device") as raised:
        fl.mse_loss(X, Broken())
    assert isinstance(raised.value.__cause__, RuntimeError)

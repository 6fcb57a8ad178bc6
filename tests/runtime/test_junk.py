"""Odd objects for every argument of some losses of each engine.

Each call gives the right number or an exception of the documented kinds. The right number is that of the same call with
what NumPy, `float` or `operator.index` make of the object.
"""

from __future__ import annotations

import operator
import sys
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

import fastloss as fl


class JunkError(Exception):
    pass


class Raises:
    """Refuses everything that it is asked for."""

    def _refuse(self, *arguments, **keywords):
        raise JunkError

    __array__ = __float__ = __index__ = __len__ = __getitem__ = __iter__ = __bool__ = __eq__ = __hash__ = _refuse

    def __getattr__(self, name):
        raise JunkError


class Lies:
    """Has every method, and none gives what it should."""

    def _wrong(self, *arguments, **keywords):
        return self

    __array__ = __len__ = __getitem__ = __dask_graph__ = __dlpack__ = __float__ = __index__ = _wrong
    __array_interface__ = property(lambda self: {"shape": (3,), "typestr": "nonsense", "version": 3})
    chunks = "many"


class Infinite:
    """A sequence of sequences of itself."""

    def __len__(self):
        return 2

    def __getitem__(self, i):
        if i >= 2:
            raise IndexError
        return self if i else 0.0


class OddText(str):
    def __eq__(self, other):
        raise JunkError

    def __hash__(self):
        raise JunkError


class Shy(np.ndarray):
    @property
    def __class__(self):
        raise JunkError


class Dict(dict):
    def __iter__(self):
        raise JunkError

    keys = items = values = __getitem__ = __iter__


class Items(list):
    def __iter__(self):
        raise JunkError

    def __len__(self):
        return 10**6


def junk(rng):
    """One odd object."""
    n = int(rng.integers(0, 5))
    shape = tuple(int(k) for k in rng.integers(0, 4, int(rng.integers(0, 4))))
    array = rng.normal(size=shape)
    kinds = np.array(
        ["f2", ">f4", "f8", ">i2", "u8", "?", "c8", "O", "S3", "U2", "M8[s]", "m8[s]", "g", "V4", "i1", "G"]
    )
    strided = np.lib.stride_tricks.as_strided(np.zeros(4), (2**20, 3), (0, int(rng.integers(-1, 2)) * 8 % 16))
    choices = [
        lambda: None,
        lambda: True,
        lambda: np.bool_(n % 2),
        lambda: int(rng.integers(-3, 5)),
        lambda: float(rng.normal()),
        lambda: [np.nan, np.inf, -np.inf, -0.0, 5e-324][n],
        lambda: 10 ** (10 ** int(rng.integers(1, 5))),
        lambda: -(10**5000),
        lambda: 1 + 2j,
        lambda: Decimal("1.5"),
        lambda: Decimal("sNaN"),
        lambda: Fraction(1, 3),
        lambda: "text",
        lambda: ["mean", "none", "sum", "count", "input", "lse", "\ud800", ""][int(rng.integers(8))],
        lambda: OddText("mean"),
        lambda: OddText("input"),
        lambda: b"bytes",
        lambda: object(),
        lambda: object,
        lambda: fl.mse_loss,
        lambda: len,
        lambda: iter([1.0, 2.0]),
        lambda: (k for k in range(3)),
        lambda: range(n),
        lambda: {1.0, 2.0},
        lambda: {"lse": None},
        lambda: {"lse": np.zeros(4), "correct": array, 3: n},
        lambda: Dict(lse=np.zeros(4)),
        lambda: Items([1.0]),
        lambda: Raises(),
        lambda: Lies(),
        lambda: Infinite(),
        lambda: [Raises(), 1.0],
        lambda: [Lies()] * n,
        lambda: [array] * n,
        lambda: (array, array),
        lambda: [[1.0], [1.0, 2.0]],
        lambda: array,
        lambda: array[::-1] if array.ndim else array,
        lambda: array.astype(np.float32).view(Shy),
        lambda: np.ma.array(array, mask=True),
        lambda: array[:, None].view(np.matrix) if array.ndim == 1 else array,
        lambda: array.astype(kinds[int(rng.integers(len(kinds)))]),
        lambda: np.zeros(shape, [("a", "f4"), ("b", "i8")]),
        lambda: np.zeros((1,) * int(rng.integers(0, 64)) + (3,)),
        lambda: memoryview(bytearray(n * 8)),
        lambda: memoryview(np.zeros((4, 3))),
        lambda: np.frombuffer(bytes(3 * 8 + 1), np.uint8)[1:].view("f8"),
        lambda: np.broadcast_to(np.float32(1), (4, 3)),
        lambda: strided,
        lambda: np.float16(n),
        lambda: np.complex64(1j),
        lambda: np.datetime64("2000-01-01"),
        lambda: np.array(None),
        lambda: np.array(["lse", "correct"], object),
        lambda: np.str_("mean"),
        lambda: sys,
        lambda: type("Late", (), {"__float__": lambda self: 0.5, "__index__": lambda self: n})(),
    ]
    return choices[int(rng.integers(len(choices)))]()


X = np.linspace(-1.0, 2.0, 12).reshape(4, 3)
POINTWISE = dict.fromkeys(("input", "target"), X + 1.25)
ROWS = {"input": X, "target": np.array([0, 2, 1, 0])}
EVERY = ("reduction", "sample_weight", "where", "normalizer", "out")
SLOPES = ("grad_output", "wrt", "accumulate")
CASES = [
    (fl.huber_loss, POINTWISE, ("weight", "delta", *EVERY)),
    (fl.gaussian_nll_loss, {**POINTWISE, "var": X + 1.5}, ("full", "eps", *EVERY)),
    (fl.quantile_loss, POINTWISE, ("quantile", *EVERY)),
    (fl.rmse_loss, POINTWISE, ("eps", *EVERY)),
    (fl.tweedie_loss, POINTWISE, ("power", "link", *EVERY)),
    (fl.cross_entropy, ROWS, ("weight", "label_smoothing", "softcap", "axis", "ignore_index", "return_", *EVERY)),
    (fl.multi_margin_loss, ROWS, ("p", "margin", "axis", "ignore_index", *EVERY)),
    (
        fl.linear_cross_entropy,
        {"input": X, "linear_weight": X, "target": np.arange(4)},
        ("linear_bias", "weight", *EVERY),
    ),
]
METHODS = ("__call__", "grad", "value_and_grad", "hess", "grad_and_hess", "hvp", "statistics", "partial")
DOCUMENTED = (TypeError, ValueError, IndexError, MemoryError, JunkError)


def call(function, arguments):
    """The result, as bytes; None for an error."""
    try:
        result = function(**arguments)
    except DOCUMENTED:
        return None
    return bytes_of(result)


def bytes_of(result):
    if isinstance(result, (tuple, dict)):
        return [bytes_of(part) for part in (result.values() if isinstance(result, dict) else result)]
    return (
        (result.shape, result.dtype, result.tobytes()) if isinstance(result, np.ndarray | np.generic) else repr(result)
    )


def plain(name, given):
    """What the object stands for: as an argument of that name."""
    if given is None or isinstance(given, str):
        return given
    if name in ("delta", "eps", "power", "label_smoothing", "softcap", "p", "margin", "normalizer"):
        return float(given)
    if name in ("axis", "ignore_index"):
        return operator.index(given)
    if name in ("wrt", "return_", "out", "full", "accumulate", "link", "reduction"):
        return given
    return given if isinstance(given, bool | int | float) else np.array(given)


def attempt(rng):
    loss, operands, others = CASES[int(rng.integers(len(CASES)))]
    method = METHODS[int(rng.integers(len(METHODS)))]
    function = loss if method == "__call__" else getattr(loss, method, loss)
    keywords = (
        others + (SLOPES if method in ("grad", "value_and_grad") else ()) + (("vector",) if method == "hvp" else ())
    )
    arguments = {} if method == "partial" else {name: x.copy() for name, x in operands.items()}
    names = rng.choice([*arguments, *keywords], size=int(rng.choice([1, 1, 1, 2, 3])))
    given = {str(name): junk(rng) for name in names}
    replayable = not given.keys() & {"out", "return_"}
    got = call(function, {**arguments, **given})
    if got is None or not replayable or method == "partial":
        return got is not None
    expected = call(function, {**arguments, **{name: plain(name, x) for name, x in given.items()}})
    assert got == expected, (loss, method, given)
    return True


@pytest.mark.filterwarnings("ignore::PendingDeprecationWarning", "error::numpy.exceptions.ComplexWarning")
@pytest.mark.parametrize("seed", range(8))
def test_junk(seed):
    rng = np.random.default_rng(seed)
    succeeded = sum(attempt(rng) for _ in range(400))
    assert 10 < succeeded < 390
    assert fl.mse_loss(X, 0.0) == np.mean(X**2)

"""The elementary functions that formulas are written with, on every instruction set that this machine can run.

float32 is swept over all bit patterns with a stride (FASTLOSS_SWEEP_STRIDE; 1 is all of them) against the same function
in long double; float64, and what long double does not have, is compared with mpmath on points that are spread over the
exponents, over the central range and around the places where an implementation changes its method. The first point of a
sweep depends on the commit, so that in time all are visited.
"""

from __future__ import annotations

import math
import os
import subprocess
import zlib
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

import fastloss as fl
from elementary_functions import INF, LONG, NAN, TABLE

core = fl._core
STRIDE = int(os.environ.get("FASTLOSS_SWEEP_STRIDE", "1499"))
CHUNK = 1 << 19
DIGITS = 200  # binary ones, of the references
ISAS = list(core.available_isas())
DTYPES = [np.float32, np.float64]


def bound(name, dtype):
    return TABLE[name].ulps[dtype is np.float64]


def exact(function):
    """mpmath with enough digits that its own cancellations do not matter."""

    def evaluate(*arguments):
        with mp.workprec(DIGITS):
            return +function(*map(mp.mpf, arguments))

    return evaluate


# ---- comparing -------------------------------------------------------------------------------------------------------


def assert_close(got, want, scale, ulps, dtype, describe):
    """`got` is within `ulps` units in the last place of `scale` of `want`, in long double; NaN only where wanted."""
    info = np.finfo(dtype)
    limit = np.ldexp(LONG(1), info.maxexp)  # what overflows counts as the next number there would be
    nan = np.isnan(want)
    wrong_nan = nan != np.isnan(got)
    got, want, scale = (np.where(nan, LONG(1), np.clip(v.astype(LONG), -limit, limit)) for v in (got, want, scale))
    exponent = np.frexp(np.maximum(abs(scale), np.ldexp(LONG(1), int(info.minexp))))[1]
    error = abs(got - want) / np.ldexp(LONG(1), np.minimum(exponent, info.maxexp) - info.nmant - 1)
    error = np.where(wrong_nan, INF, error)
    worst = int(np.argmax(error))
    assert error[worst] <= ulps, (
        f"{describe(worst)}: {got[worst]!r} is {float(error[worst]):.3f} ulps from {want[worst]!r}"
    )


def evaluate_on(isa, name, *arrays):
    core.use_isa(isa)
    return core.elementary(name, *arrays)


def compare(name, dtype, arrays, want, scale, altered=lambda result: result):
    for isa in ISAS:
        got = altered(evaluate_on(isa, name, *arrays))
        assert got.dtype == dtype
        assert_close(
            got, want, scale, bound(name, dtype), dtype, lambda i, isa=isa: f"{isa} {name}{tuple(a[i] for a in arrays)}"
        )


def to_long(value):
    """mpmath to long double, by way of two doubles."""
    upper = float(value)
    return LONG(upper) if math.isinf(upper) else LONG(upper) + LONG(float(value - mp.mpf(upper)))


def sampled(name, dtype):
    """Arguments, results and scales in long double."""
    function = TABLE[name]
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    with np.errstate(all="ignore"):
        draws = [draw(rng, dtype) for draw in function.samples]
        if core.elementary_names()[name] == 1:
            draws = [(draw,) for draw in draws]
        arrays = [
            np.concatenate([np.asarray(part, LONG) for part in parts]).astype(dtype)
            for parts in zip(*draws, strict=True)
        ]
    keep = np.all(np.isfinite(arrays), axis=0) & np.all(np.array(arrays) != 0, axis=0)
    arrays = [a[keep] for a in arrays]
    reference = exact(function.reference)
    points = list(zip(*(a.tolist() for a in arrays), strict=True))
    values = [reference(*point) for point in points]
    with mp.workprec(DIGITS):
        sizes = [
            function.scale(*map(mp.mpf, point), value) if function.scale else abs(value)
            for point, value in zip(points, values, strict=True)
        ]
        return arrays, np.array([to_long(v) for v in values], LONG), np.array([to_long(v) for v in sizes], LONG)


def first_of_sweep():
    """A number that changes from commit to commit and is the same for everybody at one commit."""
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    )
    return zlib.crc32((head.stdout.strip() or fl.__version__).encode())


# ---- the tests -------------------------------------------------------------------------------------------------------


def test_table_is_complete():
    assert set(TABLE) == set(core.elementary_names())


@pytest.mark.parametrize("name", [name for name, function in TABLE.items() if function.sweep])
def test_float32_sweep(name):
    function = TABLE[name]
    stride = STRIDE * (function.stride if STRIDE > 1 else 1)
    start = first_of_sweep() % stride
    for begin in range(start, 1 << 32, CHUNK * stride):
        bits = np.arange(begin, min(1 << 32, begin + CHUNK * stride), stride, dtype=np.uint64)
        x = bits.astype(np.uint32).view(np.float32)
        with np.errstate(all="ignore"):
            want = function.sweep(x.astype(LONG))
            compare(name, np.float32, [x], want, want)


@pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])
@pytest.mark.parametrize("name", TABLE)
def test_samples(name, dtype):
    compare(name, dtype, *sampled(name, dtype))


@pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])
@pytest.mark.parametrize("name", TABLE)
def test_edges(name, dtype):
    info = np.finfo(dtype)
    arity = core.elementary_names()[name]
    table = [
        (np.ravel(arguments), result)
        for arguments, result in TABLE[name].edges(float(info.max), float(info.smallest_subnormal))
    ]
    table += [(np.where(np.arange(arity) == i, NAN, 2.0), NAN) for i in range(arity)]
    arrays = [np.array([arguments[i] for arguments, _ in table], dtype) for i in range(arity)]
    want = np.array([result for _, result in table], dtype)
    for isa in ISAS:
        got = evaluate_on(isa, name, *arrays)
        for i, (arguments, _) in enumerate(table):
            place = f"{isa} {name}{tuple(arguments)}: {got[i]!r}, not {want[i]!r}"
            assert np.array_equal(got[i], want[i], equal_nan=True), place
            assert np.isnan(want[i]) or np.signbit(got[i]) == np.signbit(want[i]), place


@pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])
@pytest.mark.parametrize("name", TABLE)
def test_result_does_not_depend_on_position(name, dtype):
    """Any number of elements, whole packs or not, gives the same bits for the same arguments."""
    arrays = [np.linspace(0.3, 9, 67, dtype=dtype) for _ in range(core.elementary_names()[name])]
    for isa in ISAS:
        whole = evaluate_on(isa, name, *arrays)
        for count in (1, 3, 17, 66):
            for start in (0, 1, 67 - count):
                part = evaluate_on(isa, name, *(a[start : start + count].copy() for a in arrays))
                np.testing.assert_array_equal(part, whole[start : start + count])


def _in_one_place(y, value):
    return np.where(np.arange(y.size) == 7, value, y).astype(y.dtype)


# What must not pass: each would, were the comparison blind to it.
FAULTS = {
    "an ulp too much": lambda y: _in_one_place(y, y + np.spacing(abs(y)) * 3),
    "a flushed subnormal": lambda y: np.where(abs(y) < np.finfo(y.dtype).smallest_normal, y.dtype.type(0), y),
    "a NaN": lambda y: _in_one_place(y, NAN),
    "an infinity": lambda y: _in_one_place(y, INF),
}


@pytest.mark.parametrize("dtype", DTYPES, ids=["float32", "float64"])
@pytest.mark.parametrize("fault", FAULTS)
def test_comparison_sees_faults(fault, dtype):
    x = np.linspace(-103 if dtype is np.float32 else -745, 80, 500, dtype=dtype)
    want = np.array([to_long(exact(mp.exp)(v)) for v in x.tolist()], LONG)
    compare("exp", dtype, [x], want, want)
    with pytest.raises(AssertionError, match=r"exp\("):
        compare("exp", dtype, [x], want, want, FAULTS[fault])

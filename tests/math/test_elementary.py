"""The elementary functions that formulas are written with, on every instruction set that this machine can run.

float32 is swept over all bit patterns with a stride (FASTLOSS_SWEEP_STRIDE; 1 is all of them) against the same function
in float64, and in mpmath where that is too close to a bound to decide. float64, and functions that NumPy does not have,
are compared with mpmath on points that are spread over the exponents, over the central range and around the places
where an implementation changes its method. The first point of a sweep depends on the commit, so that in time all are
visited.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import zlib
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest

import fastloss as fl
from elementary_functions import INF, LONG, NAN, TABLE

core = fl._core
STRIDE = int(os.environ.get("FASTLOSS_SWEEP_STRIDE", "1499"))
PARTS = 8  # of each sweep, for processes that share it
CHUNK = 1 << 16
# How far, in ulps of float32, a reference in float64 may be off. Closer to a bound than this it decides nothing.
MARGIN = 2.0**-20
DIGITS = 200  # binary ones, of the references
ISAS = list(core.available_isas())
DTYPES = [np.float32, np.float64]
SWEPT = [name for name, function in TABLE.items() if function.sweep]


def bound(name, dtype):
    return TABLE[name].ulps[dtype is np.float64]


def exact(function):
    """mpmath with enough digits that its own cancellations do not matter."""

    def evaluate(*arguments):
        with mp.workprec(DIGITS):
            return +function(*map(mp.mpf, arguments))

    return evaluate


# ---- comparing -------------------------------------------------------------------------------------------------------


def unit_in_last_place(scale, dtype):
    """Of `dtype` at numbers in a wider type; what overflows has the unit of the largest numbers."""
    info, wide = np.finfo(dtype), scale.dtype.type
    smallest, largest = np.ldexp(wide(1), int(info.minexp)), np.ldexp(wide(1), info.maxexp - 1)
    if wide is np.float64:  # frexp would take most of the time of a sweep
        power = (scale.view(np.int64) & np.float64(INF).view(np.int64)).view(np.float64)
    else:
        power = np.ldexp(wide(1), np.frexp(np.clip(abs(scale), smallest, largest))[1] - 1)
    return np.clip(power, smallest, largest) * np.ldexp(wide(1), -info.nmant)


def ulps_between(got, want, scale, dtype):
    """Distance in units in the last place of `scale`, in the type of `want`; infinite where one of the two is NaN."""
    # What overflows counts as the next number there would be.
    limit = np.ldexp(want.dtype.type(1), np.finfo(dtype).maxexp)
    error = abs(np.clip(got.astype(want.dtype), -limit, limit) - np.clip(want, -limit, limit))
    error /= unit_in_last_place(scale, dtype)
    unclear = np.isnan(error)
    error[unclear] = np.where(np.isnan(got[unclear]) & np.isnan(want[unclear]), 0, INF)
    return error


def assert_close(error, ulps, got, want, describe):
    """Every error is at most `ulps`."""
    if error.size:
        worst = int(np.argmax(error))
        assert error[worst] <= ulps, (
            f"{describe(worst)}: {got[worst]!r} is {float(error[worst]):.3f} ulps from {want[worst]!r}"
        )


def evaluate_on(isa, name, *arrays):
    core.use_isa(isa)
    return core.elementary(name, *arrays)


def unaltered(result):
    return result


def compare(name, dtype, arrays, want, scale, altered=unaltered):
    for isa in ISAS:
        got = altered(evaluate_on(isa, name, *arrays))
        assert got.dtype == dtype
        error = ulps_between(got, want, scale, dtype)
        assert_close(
            error, bound(name, dtype), got, want, lambda i, isa=isa: f"{isa} {name}{tuple(a[i] for a in arrays)}"
        )


def compare_in_float64(name, x, altered=unaltered):
    """The same for float32 arguments of a function that is swept, in a fraction of the time."""
    ulps = bound(name, np.float32)
    want = TABLE[name].sweep(x.astype(np.float64))
    nearest = want.astype(np.float32)
    # The nearest float32 is half an ulp off at most, which only the square root is not allowed.
    strict = ulps < 0.5 + MARGIN
    doubtful = ulps_between(nearest, want, want, np.float32) > ulps - MARGIN if strict else np.zeros(x.size, bool)
    for isa in ISAS:
        got = altered(evaluate_on(isa, name, x))
        assert got.dtype == np.float32
        is_nearest = (got == nearest) | (np.isnan(got) & np.isnan(nearest))
        (places,) = np.nonzero(doubtful | ~is_nearest)
        at, got, wanted = x[places], got[places], want[places]
        error = ulps_between(got, wanted, wanted, np.float32)
        for i in np.nonzero(abs(error - ulps) <= MARGIN)[0]:
            exactly = np.array([to_long(exact(TABLE[name].reference)(float(at[i])))], LONG)
            error[i] = ulps_between(got[i : i + 1], exactly, exactly, np.float32)[0]
        assert_close(error, ulps, got, wanted, lambda i, isa=isa, at=at: f"{isa} {name}({at[i]})")


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


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", SWEPT)
def test_float32_sweep(name, part):
    size = (1 << 32) // PARTS
    first = part * size + (first_of_sweep() - part * size) % STRIDE
    for begin in range(first, (part + 1) * size, CHUNK * STRIDE):
        bits = np.arange(begin, min((part + 1) * size, begin + CHUNK * STRIDE), STRIDE, dtype=np.uint64)
        with np.errstate(all="ignore"):
            compare_in_float64(name, bits.astype(np.uint32).view(np.float32))


@pytest.mark.parametrize("name", SWEPT)
def test_references_of_the_sweep_are_as_exact_as_it_assumes(name):
    (x,), want, _ = sampled(name, np.float32)
    with np.errstate(all="ignore"):
        error = ulps_between(TABLE[name].sweep(x.astype(np.float64)), want, want, np.float32)
    assert error.max() < MARGIN / 8


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


@pytest.mark.parametrize("fault", FAULTS)
def test_the_sweep_sees_faults(fault):
    x = np.linspace(-103, 80, 500, dtype=np.float32)
    compare_in_float64("exp", x)
    with pytest.raises(AssertionError, match=r"exp\("):
        compare_in_float64("exp", x, FAULTS[fault])


@pytest.mark.parametrize("name", ["exp", "sqrt"])
def test_what_float64_cannot_decide_is_computed_exactly(name, monkeypatch):
    asked = []
    monkeypatch.setattr(sys.modules[__name__], "MARGIN", 0.6)
    monkeypatch.setattr(sys.modules[__name__], "to_long", lambda value: asked.append(value) or LONG(math.nan))
    with pytest.raises(AssertionError, match=rf"{name}\("):
        compare_in_float64(name, np.linspace(1, 2, 500, dtype=np.float32))
    assert asked

"""Which dtype computes, which dtype comes out, and that the numbers are right in each."""

from __future__ import annotations

import functools
import itertools

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl
from references import REFERENCES

HALVES = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
FLOATS = (*HALVES, np.dtype(np.float32), np.dtype(np.float64))
INTEGERS = tuple(np.dtype(t) for t in "?bBhHiIlLqQ")


def _computation(dtypes):
    """float64 if any floating operand is, else float32 if any is floating at all, else float64."""
    if any(d == np.float64 for d in dtypes):
        return np.dtype(np.float64)
    return np.dtype(np.float32) if any(d in FLOATS for d in dtypes) else np.dtype(np.float64)


@functools.cache
def _is_never_negative(name, operand):
    return bool((cases.sample(REFERENCES[name], cases.seed(name), 100, np.float64)[operand] >= 0).all())


def _choices(name, operand, dtype):
    """Numbers that an operand may be and the dtype holds exactly; inside the domain rather than at its ends."""
    domain = cases.domain(name, operand.name)
    if operand.integer:
        return [x for x in operand.specials if abs(x) < 128 and np.int64(x).astype(dtype) == x]
    values = np.arange(-12, 13) * 0.25 if dtype in FLOATS else np.arange(-3, 4)
    if _is_never_negative(name, operand.name):
        values = np.abs(values)
    values = np.unique(values[domain.contains(values)])
    if dtype not in FLOATS:
        values = values[values.astype(dtype) == values]
    inner = values[domain.room(values) > 0]
    return list(inner if inner.size > 1 else values)


def _operands(name, dtypes, count=257):
    """Exact numbers of these dtypes; an operand that must be an integer is one whatever dtype is asked for, and one
    whose domain holds no number of an integer dtype is a float32.
    """
    rng = cases.seed(name, "dtypes")
    made = {}
    for operand, dtype in zip(REFERENCES[name].operands, dtypes, strict=False):
        if operand.integer and dtype not in INTEGERS:
            dtype = np.dtype(np.int64)
        if not _choices(name, operand, dtype):
            dtype = np.dtype(np.float32)
        made[operand.name] = rng.choice(_choices(name, operand, dtype), count).astype(dtype)
    return made


def _reference_operands(operands):
    return {k: np.asarray(v).astype(np.float64) for k, v in operands.items()}


@pytest.mark.parametrize("name", cases.NAMES)
def test_promotion_of_every_pair_of_floating_dtypes(name):
    reference, loss = REFERENCES[name], cases.loss(name)
    count = len(reference.operands)
    for first, other in itertools.product(FLOATS, FLOATS):
        operands = _operands(name, [first] + [other] * (count - 1))
        wrt = cases.differentiable(name)
        computation = _computation([x.dtype for x in operands.values()])
        exact = cases.Exact(reference, _reference_operands(operands), {}, computation)
        value, gradients = loss.value_and_grad(**operands, reduction="none", wrt=wrt)
        what = f"{first} {other}"
        cases.assert_within(value, exact("value"), exact.bound("value"), computation, what)
        for operand, gradient in zip(wrt, gradients, strict=True):
            dtype = operands[operand].dtype
            want = exact(f"gradient:{operand}")
            _assert_rounded(gradient, want, exact.bound(f"gradient:{operand}"), dtype, f"{what} {operand}")
        mean = loss(**operands)
        assert isinstance(mean, np.generic), what
        assert mean.dtype == computation, what
        if cases.INFO[name].elementwise:
            assert loss.hess(**operands, reduction="none").dtype == first


def _assert_rounded(got, exact, bound, dtype, what):
    """Within the bound of the computation, and half a unit of the dtype it is stored in."""
    info = ml_dtypes.finfo(dtype)
    exponent = np.maximum(np.frexp(np.where(exact == 0, float(info.smallest_normal), exact))[1] - 1, info.minexp)
    half_unit = np.ldexp(cases.LONG(0.5001), exponent - info.nmant)
    assert got.dtype == dtype, what
    wide = got.astype(cases.LONG)
    overflow = np.isinf(wide) & (np.sign(wide) == np.sign(exact)) & (np.abs(exact) + half_unit > float(info.max))
    with np.errstate(invalid="ignore"):
        error = np.where(overflow, 0, np.abs(wide - exact))
    assert np.all(error <= bound + half_unit), f"{what}: {np.max(error / half_unit)} half units"


@pytest.mark.parametrize("dtype", INTEGERS, ids=lambda d: d.name)
@pytest.mark.parametrize("name", cases.NAMES)
def test_integers_in_every_other_operand_widen_nothing(name, dtype):
    reference, loss = REFERENCES[name], cases.loss(name)
    for floating in FLOATS if name in cases.REPRESENTATIVES else (np.dtype(np.float32),):
        for operand in reference.operands[1:]:
            dtypes = [dtype if o is operand else floating for o in reference.operands]
            operands = _operands(name, dtypes)
            if operands[operand.name].dtype != dtype:
                continue
            computation = _computation([floating])
            exact = cases.Exact(reference, _reference_operands(operands), {}, computation)
            value = loss(**operands, reduction="none")
            cases.assert_within(value, exact("value"), exact.bound("value"), computation, f"{floating} {operand.name}")
            if operand.differentiable:
                gradient = loss.grad(**operands, reduction="none", wrt=operand.name)
                assert gradient.dtype == computation


@pytest.mark.parametrize("dtype", INTEGERS, ids=lambda d: d.name)
@pytest.mark.parametrize("name", cases.NAMES)
def test_integer_predictions_count_as_float64(name, dtype):
    reference, loss = REFERENCES[name], cases.loss(name)
    for other in (np.dtype(np.float32), dtype):
        operands = _operands(name, [dtype] + [other] * (len(reference.operands) - 1))
        if operands[reference.first].dtype != dtype:
            continue
        exact, slope = (
            cases.Exact(reference, _reference_operands(operands), {}, np.float64),
            f"gradient:{reference.first}",
        )
        value, gradient = loss.value_and_grad(**operands, reduction="none")
        cases.assert_within(value, exact("value"), exact.bound("value"), np.float64)
        cases.assert_within(gradient, exact(slope), exact.bound(slope), np.float64)


@pytest.mark.parametrize("dtype", [np.dtype(t) for t in "bBhHiIlLqQ"], ids=lambda d: d.name)
def test_the_ends_of_every_integer_dtype_are_read_right(dtype):
    info = np.iinfo(dtype)
    target = np.array([info.min, info.max, 0, 1] * 20, dtype)
    for shaped in (target, target[::-1], target.astype(dtype.newbyteorder()), np.repeat(target, 2)[::2]):
        value = fl.l1_loss(np.zeros(80), shaped, reduction="none")
        np.testing.assert_array_equal(value, np.abs(shaped.astype(np.float64)))
    single = fl.l1_loss(np.zeros(80, np.float32), target, reduction="none")
    np.testing.assert_array_equal(single, np.abs(target.astype(np.float32)))


@pytest.mark.parametrize("dtype", FLOATS, ids=lambda d: d.name)
@pytest.mark.parametrize("name", cases.NAMES)
def test_bare_numbers_take_the_dtype_of_the_arrays(name, dtype):
    reference, loss = REFERENCES[name], cases.loss(name)
    operands = _operands(name, [dtype])
    numbers = {o.name: cases.bare_number(name, o.name) for o in reference.operands[1:]}
    operands |= {o.name: numbers[o.name] * (1 if o.integer else 1.0) for o in reference.operands[1:]}
    value, gradient = loss.value_and_grad(**operands, reduction="none")
    assert value.dtype == _computation([dtype])
    assert gradient.dtype == dtype
    np.testing.assert_array_equal(loss(**{**operands, **numbers}, reduction="none"), value, strict=True)
    # A NumPy scalar is an array: it takes part in the promotion.
    for operand in reference.operands[1:]:
        scalar = operand.dtype(np.float64).type(numbers[operand.name])
        with_scalar = loss(**{**operands, operand.name: scalar}, reduction="none")
        assert with_scalar.dtype == (_computation([dtype]) if operand.integer else np.float64)
    for operand in (o for o in reference.operands[1:] if o.differentiable):
        number = loss.grad(**operands, reduction="none", wrt=operand.name)
        assert np.shape(number) == ()
        assert np.asarray(number).dtype == _computation([dtype])


@pytest.mark.parametrize("name", cases.NAMES)
def test_nothing_but_bare_numbers(name):
    reference, loss = REFERENCES[name], cases.loss(name)
    operands = {o.name: cases.bare_number(name, o.name) for o in reference.operands}
    value, gradient = loss.value_and_grad(**operands)
    assert np.asarray(value).dtype == np.float64
    assert np.asarray(gradient).dtype == np.float64
    exact = cases.Exact(reference, {k: np.asarray(v) for k, v in operands.items()}, {}, np.float64)
    np.testing.assert_allclose(float(value), float(exact("value")), rtol=1e-15, atol=1e-15)
    assert loss(*([x, x] for x in operands.values())).dtype == np.float64


@pytest.mark.parametrize("dtype", HALVES, ids=lambda d: d.name)
def test_every_half_precision_number_is_read_and_written_right(dtype):
    every = np.arange(65536, dtype=np.uint16).view(dtype)
    wide = every.astype(np.float32)
    for source in (every, every[::-1][::-1], np.repeat(every, 2)[::2]):
        value = fl.l1_loss(source, np.zeros((), dtype), reduction="none")
        np.testing.assert_array_equal(value, np.abs(wide))
    # The gradient of the squared error at target 0 with a flowing gradient of 1/2 is the input itself, rounded.
    finite = np.abs(wide) < 1e38  # twice the largest overflows
    gradient = fl.mse_loss.grad(every[finite], dtype.type(0), reduction="none", grad_output=np.float32(0.5))
    np.testing.assert_array_equal(gradient.astype(np.float32), wide[finite])


@pytest.mark.parametrize("dtype", HALVES, ids=lambda d: d.name)
def test_rounding_to_a_half_is_to_nearest_even(dtype):
    rng = cases.seed(str(dtype), "rounding")
    numbers = np.concatenate(
        [
            np.ldexp(1 + rng.random(4000), rng.integers(-28, 17, 4000)),
            [65519.99, 65520.0, 65536.0, 1e-9, 2.0**-25, 3e38],
        ]
    )
    numbers = np.concatenate([numbers, -numbers]).astype(np.float32)
    # The gradient in the weight is the loss itself, in the weight's dtype, here |x|.
    gradient = fl.l1_loss.grad(numbers, np.float32(0), np.ones(numbers.size, dtype), reduction="none", wrt="weight")
    assert gradient.dtype == dtype
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(gradient, np.abs(numbers).astype(dtype))


@pytest.mark.parametrize("name", cases.NAMES)
def test_half_precision_means_use_wide_sums(name):
    for dtype in HALVES:
        drawn = cases.sample(REFERENCES[name], cases.seed(name), 100000, np.float32)
        operands = {k: v if v.dtype in INTEGERS else v.astype(dtype) for k, v in drawn.items()}
        mean = cases.loss(name)(**operands)
        wide = {k: v if v.dtype in INTEGERS else v.astype(np.float64) for k, v in operands.items()}
        elements = cases.loss(name)(**wide, reduction="none")
        assert mean.dtype == np.float32
        assert abs(mean - cases.loss(name)(**wide)) <= 2e-6 * np.mean(np.abs(elements))


OTHERS = tuple(np.dtype(t) for t in ("complex128", "U3", "M8[s]", "O", "longdouble"))
REFUSED = [
    pytest.param(cases.Check(name, f"refused:{operand.name}"), dtype, id=f"{name}-{operand.name}-{dtype.name}")
    for name in cases.NAMES
    for operand in REFERENCES[name].operands
    for dtype in OTHERS + (FLOATS if operand.integer else ())
]


@pytest.mark.parametrize(("check", "dtype"), REFUSED)
def test_other_dtypes_are_refused_by_name(check, dtype):
    reference, refused = REFERENCES[check.loss], check.what.removeprefix("refused:")
    numbers = {o: cases.bare_number(check.loss, o.name) for o in reference.operands}
    operands = {o.name: np.full(3, x, o.dtype(np.float64)) for o, x in numbers.items()}
    cases.loss(check.loss)(**operands)
    operands[refused] = np.array([1, None, 2], object) if dtype.kind == "O" else np.ones(3).astype(dtype)
    for function in (cases.loss(check.loss), cases.loss(check.loss).grad):
        with pytest.raises(TypeError, match=f"{refused}.*(dtype|{dtype.name})"):
            function(**operands)
    if reference.operand(refused).integer:
        with pytest.raises(TypeError, match=refused):
            cases.loss(check.loss)(**{**operands, refused: 1.0})

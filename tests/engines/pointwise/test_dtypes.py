"""Dtypes of losses of elements: bare numbers, every number of a narrow dtype, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from engines import Shape
from engines.adapter import FLOATS, HALVES
from engines.pointwise.adapter import Pointwise
from references import REFERENCES


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
    drawn = Pointwise(name).draw_as(cases.seed(name, "dtypes"), Shape((257,), 1), dict.fromkeys(reference.names, dtype))
    operands = {reference.first: drawn[reference.first]}
    numbers = {o.name: cases.bare_number(name, o.name) for o in reference.operands[1:]}
    operands |= {o.name: numbers[o.name] * (1 if o.integer else 1.0) for o in reference.operands[1:]}
    value, gradient = loss.value_and_grad(**operands, reduction="none")
    computation = np.float64 if dtype == np.float64 else np.float32
    assert value.dtype == computation
    assert gradient.dtype == dtype
    np.testing.assert_array_equal(loss(**{**operands, **numbers}, reduction="none"), value, strict=True)
    # A NumPy scalar is an array: it takes part in the promotion.
    for operand in reference.operands[1:]:
        scalar = operand.dtype(np.float64).type(numbers[operand.name])
        with_scalar = loss(**{**operands, operand.name: scalar}, reduction="none")
        assert with_scalar.dtype == (computation if operand.integer else np.float64)
    for operand in (o for o in reference.operands[1:] if o.differentiable):
        number = loss.grad(**operands, reduction="none", wrt=operand.name)
        assert np.shape(number) == ()
        assert np.asarray(number).dtype == computation


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

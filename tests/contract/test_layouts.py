"""Where the numbers lie does not matter, to any engine: strides, order, alignment, byte order, repeated and empty."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import layouts
from contract.compare import assert_same, check, everything
from engines import Shape, calls

CALLS = calls()
WAYS = [
    (call, dtype, layout)
    for call in CALLS
    for dtype in cases.DTYPES
    for layout in layouts.ALL
    if dtype == np.float32 or call.stands_for_others
]


@pytest.mark.parametrize(("call", "dtype", "layout"), WAYS, ids=str)
def test_layouts(call, dtype, layout):
    turn = layouts.ALL[layout]
    for shape in call.shapes:
        operands = call.draw(cases.seed(call, shape, "layouts"), shape, dtype)
        units, turned = call.exact(operands), {name: turn(x) for name, x in operands.items()}
        what = f"{layout} {shape}"
        check(call, turned, dtype, what, reductions=("none", "mean"), units=units)
        for name in operands:
            mixed = {**operands, name: turned[name]}
            check(call, mixed, dtype, f"{what} {name}", units=units, second=False)
        for name, x in operands.items():
            np.testing.assert_array_equal(turned[name], x)


def _orders(x):
    """The same numbers with their axes in every order in memory."""
    for axes in itertools.permutations(range(x.ndim)):
        yield np.ascontiguousarray(x.transpose(axes)).transpose(np.argsort(axes))


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_results_lie_in_the_order_of_what_they_are_of(call):
    for shape in call.shapes:
        operands = call.draw(cases.seed(call, shape, "order"), shape, np.float32)
        first, names = next(iter(operands)), call.wrt(operands)
        for name in names:
            for turned in _orders(operands[name]):
                found = everything(call, {**operands, name: turned}, reduction=call.reductions[0])
                assert found[f"gradient in {name}"].strides == np.empty_like(turned).strides
                if name == first:
                    for part in found.keys() & {"hess", "hvp"}:
                        assert found[part].strides == np.empty_like(turned).strides, part
                    if found["value"].shape == turned.shape:
                        assert found["value"].strides == np.empty_like(turned).strides


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_lists_of_numbers(call):
    operands = call.draw(cases.seed(call), call.shape_of(4, 3), np.float64)
    lists = {name: x.tolist() for name, x in operands.items()}
    names = call.wrt(operands)
    value, gradients = call.function.value_and_grad(**operands, wrt=names)
    again, others = call.function.value_and_grad(**lists, wrt=names)
    for x, y in zip((value, *gradients), (again, *others), strict=True):
        assert_same(x, y, str(call))


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_units_that_are_one_in_memory(call, dtype):
    tried = 0
    for shape in call.shapes[:2]:
        one = call.draw(cases.seed(call, shape), Shape((1, *shape.units[1:]), shape.width), dtype)
        own = [name for name in one if not call.is_shared(name)]
        if any(one[name].shape[0] != 1 for name in own):  # the first axis is not of units alone
            continue
        repeated = one | {name: np.broadcast_to(one[name], (9, *one[name].shape[1:])) for name in own}
        check(call, repeated, dtype, f"{shape} repeated", reductions=("none", "mean"))
        tried += 1
    assert tried


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_no_units(call, dtype):
    for shape in call.empty_shapes:
        operands = call.draw(cases.seed(call), shape, dtype)
        for part, x in everything(call, operands).items():
            if part == "value":
                assert np.isnan(x)
            else:
                assert x.dtype == dtype
                assert (x == 0).all()
        if call.has_units:
            unreduced = call.function(**operands, reduction="none")
            assert unreduced.shape == shape.units
            assert unreduced.dtype == dtype
        assert call.function(**operands, reduction="sum") == 0

"""Which dtype computes, which dtypes come out, and that the numbers are right in each: the same of every engine."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
from contract.compare import check
from engines import calls
from engines.adapter import FLOATS, HALVES, INTEGERS

CALLS = calls()
APART = [call for call in CALLS if call.units_are_apart]


def _drawn(call, what, first, others):
    """Operands of which the first is of one dtype and the others are of another, as far as they may be."""
    names = [operand.name for operand in call.function.info.operands]
    dtypes = {name: np.dtype(others) for name in names} | {names[0]: np.dtype(first)}
    return call.draw_as(cases.seed(call, what), call.shape_of(37, 9), dtypes)


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_every_pair_of_floating_dtypes(call):
    for first, others in itertools.product(FLOATS, FLOATS):
        operands = _drawn(call, "pairs", first, others)
        check(call, operands, call.computation(operands), f"{first} {others}", reductions=("none", "mean"))
        assert isinstance(call.function(**operands), np.generic)


@pytest.mark.parametrize("dtype", INTEGERS, ids=lambda d: d.name)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_an_integer_prediction_counts_as_float64(call, dtype):
    for others in (np.dtype(np.float32), dtype):
        operands = _drawn(call, "predictions", dtype, others)
        if next(iter(operands.values())).dtype == dtype:
            check(call, operands, np.float64, f"{dtype} {others}", reductions=("none", "mean"), second=False)


@pytest.mark.parametrize("dtype", INTEGERS, ids=lambda d: d.name)
@pytest.mark.parametrize("call", CALLS, ids=str)
def test_integers_in_any_other_operand(call, dtype):
    names = [operand.name for operand in call.function.info.operands]
    for floating in FLOATS if call.stands_for_others else (np.dtype(np.float32),):
        for name in names[1:]:
            dtypes = dict.fromkeys(names, floating) | {name: dtype}
            operands = call.draw_as(cases.seed(call, "integers"), call.shape_of(37, 9), dtypes)
            if name in operands and operands[name].dtype == dtype:
                check(call, operands, call.computation(operands), f"{floating} {name}", second=False)


@pytest.mark.parametrize("dtype", HALVES, ids=lambda d: d.name)
@pytest.mark.parametrize("call", APART, ids=str)
def test_a_mean_of_many_narrow_numbers_is_of_wide_sums(call, dtype):
    """The sum of 100000 losses is beyond float16."""
    drawn = _drawn(call, "many", dtype, dtype)
    want = call.exact(drawn).reduce("mean")
    mean = call.function(**call.repeated(drawn, np.arange(37 * 2703) % 37))
    assert mean.dtype == np.float32
    assert abs(float(mean) - want.value) <= 2e-6 * want.magnitudes["value"]

"""The value of every loss against its independent reference, within the stated bound."""

from __future__ import annotations

import numpy as np
import pytest

import cases
from references import REFERENCES


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("check", cases.checks("value"), ids=str)
def test_value_over_the_whole_range(check, dtype, use_isa):
    for options, present in cases.settings(REFERENCES[check.loss]):
        operands, exact = cases.hostile(check.loss, options, present, dtype)
        for isa in cases.ISAS:
            use_isa(isa)
            what = f"{check} {options} {present} {isa}"
            value = cases.compute(check.loss, "value", operands, options)
            cases.assert_within(value, exact("value"), exact.bound("value"), dtype, what)
            together = cases.loss(check.loss).value_and_grad(**operands, **options, reduction="none")[0]
            np.testing.assert_array_equal(together, value, err_msg=what, strict=True)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("check", cases.checks("value"), ids=str)
def test_value_of_ordinary_numbers_matches_plain_numpy(check, dtype):
    # No bound machinery here: ordinary numbers, and NumPy's own comparison.
    reference = REFERENCES[check.loss]
    for options in cases.option_sets(reference):
        operands = cases.sample(reference, cases.seed(check), 500, dtype)
        exact = cases.Exact(reference, operands, options, dtype)
        value = cases.compute(check.loss, "value", operands, options)
        eps = np.finfo(dtype).eps
        np.testing.assert_allclose(value, exact("value").astype(dtype), rtol=32 * eps, atol=32 * eps)


LEFT_OUT = [(name, o.name) for name in cases.NAMES for o in REFERENCES[name].operands if o.may_be_left_out]


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize(("name", "operand"), LEFT_OUT)
def test_an_operand_that_is_left_out_is_its_default(name, operand, dtype):
    reference, loss = REFERENCES[name], cases.loss(name)
    described = reference.operand(operand)
    default = np.asarray(1.0 if described.default is None else described.default, dtype)
    columns = default.size if default.ndim else 7
    operands = cases.sample(reference, cases.seed(name, operand, "left out"), 30 * columns, dtype)
    operands = {k: v.reshape(30, columns) for k, v in operands.items() if k != operand}
    for options in cases.option_sets(reference):
        for reduction in ("none", "mean", "sum"):
            call = {**operands, **options, "reduction": reduction}
            value, slope = loss.value_and_grad(**call, **{operand: default})
            for left_out in ({}, {operand: None}):
                again, gradient = loss.value_and_grad(**call, **left_out)
                np.testing.assert_allclose(again, value, rtol=4 * np.finfo(dtype).eps, strict=True)
                np.testing.assert_allclose(gradient, slope, rtol=4 * np.finfo(dtype).eps, strict=True)
    if described.default is None:
        with pytest.raises(ValueError, match=f"{operand}.*not given"):
            loss.grad(**operands, wrt=operand)
    elif described.differentiable:
        gradient = loss.grad(**operands, wrt=operand)
        expected = loss.grad(**operands, **{operand: default}, wrt=operand)
        np.testing.assert_allclose(gradient, expected, rtol=4 * np.finfo(dtype).eps, strict=True)

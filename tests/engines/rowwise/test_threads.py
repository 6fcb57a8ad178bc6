"""Row-wise losses give the same bits at any number of threads, and the same value with its gradient as without."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import rows_cases


def _same(one, other, what):
    for k, (x, y) in enumerate(zip(one, other, strict=True)):
        assert np.asarray(x).tobytes() == np.asarray(y).tobytes(), f"{what}: result {k}"


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("rows", rows_cases.settings(), ids=str)
def test_the_value_alone_has_the_bits_of_value_and_grad(rows, dtype, use_isa):
    loss = cases.loss(rows.loss)
    small = [((1,), 1), ((5,), 3), ((33,), 10), ((64,), 16), ((7,), 21), ((9,), 100), ((3,), 9000), ((2, 3, 5), 6)]
    for isa, (shape, classes), axis in itertools.product(cases.ISAS, small, (1, -1)):
        use_isa(isa)
        operands = rows_cases.draw(rows, cases.seed(rows, shape), shape, classes, dtype, axis=axis, ignored=0.1)
        for reduction in ("none", "mean", "sum"):
            call = {**operands, **rows.given, "axis": axis, "reduction": reduction}
            value = loss(**call)
            what = f"{isa} {shape} {classes} {axis} {reduction}"
            for names in ("input", rows_cases.wrt(rows, operands), rows_cases.wrt(rows, operands)[-1:]):
                again, gradient = loss.value_and_grad(**call, wrt=names)
                _same([again], [value], what)
                alone = loss.grad(**call, wrt=names)
                gradient, alone = ((x,) if names == "input" else x for x in (gradient, alone))
                _same(alone, gradient, what)
            if rows.reference.reference == "log_sum_exp":
                beside, _ = loss(**call, return_="prediction")
                _same([beside], [value], what)


@pytest.mark.parametrize("rows", rows_cases.kinds(), ids=str)
def test_instruction_sets_agree(rows, use_isa):
    operands = rows_cases.draw(rows, cases.seed(rows), (3001,), 10, np.float32)
    values = []
    for isa in cases.ISAS:
        use_isa(isa)
        values.append(cases.loss(rows.loss)(**operands))
    size = np.mean(np.abs(cases.loss(rows.loss)(**operands, reduction="none")))
    np.testing.assert_allclose(values, values[:1] * len(values), rtol=0, atol=2e-6 * size)

"""Reductions of losses of elements: what they owe to their blocks and to the formula of one element."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
from references import REFERENCES
from references.reductions import reduce


@pytest.mark.parametrize("name", cases.NAMES)
def test_gradient_of_the_mean_is_its_slope(name):
    # Independent of the quotient rule in the references: differences of the reduced value itself.
    reference, loss = REFERENCES[name], cases.loss(name)
    drawn = cases.sample(reference, cases.seed(name, "slope of the mean"), 100, np.float64)
    smooth = np.ones(100, bool)
    if reference.pointwise.distance_to_kink is not None:
        exact = cases.Exact(reference, drawn, {}, np.float64)
        smooth = reference.pointwise.distance_to_kink(**exact.operands, **exact.options) > 0.01
    operands = {k: v[smooth][:12] for k, v in drawn.items()}
    call = {"sample_weight": np.linspace(0.5, 2, 12)}
    for operand in (n for n in reference.names if reference.operand(n).differentiable):
        gradient = loss.grad(**operands, **call, wrt=operand)
        for i in range(12):
            h = 1e-6
            moved = [{**operands, operand: operands[operand] + h * sign * (np.arange(12) == i)} for sign in (1, -1)]
            slope = (loss(**moved[0], **call) - loss(**moved[1], **call)) / (2 * h)
            np.testing.assert_allclose(gradient[i], slope, rtol=1e-6, atol=1e-8, err_msg=f"{operand}[{i}]")


@pytest.mark.parametrize("name", cases.NAMES)
def test_the_same_bits_with_and_without_the_gradient(name):
    reference, loss = REFERENCES[name], cases.loss(name)
    for dtype, count in itertools.product(cases.DTYPES, (1, 5, 1000, 1025, 8193, 100003)):
        operands = cases.sample(reference, cases.seed(name, count), count, dtype)
        for call in (
            {},
            {"reduction": "sum"},
            {"sample_weight": np.linspace(1, 0.25, count)},
            {"where": np.arange(count) % 3 != 1},
        ):
            for wrt in (None, cases.differentiable(name)):
                assert loss(**operands, **call) == loss.value_and_grad(**operands, **call, wrt=wrt)[0], (
                    dtype,
                    count,
                    call.keys(),
                )


@pytest.mark.parametrize("name", cases.NAMES)
def test_a_zero_weight_wins_over_an_infinite_loss(name):
    reference, loss = REFERENCES[name], cases.loss(name)
    operands = cases.sample(reference, cases.seed(name, "zero"), 40, np.float64)
    kept = np.arange(40) % 4 > 0
    for operand, x in cases.most_extreme(name).items():
        operands[operand][~kept] = x
    assert np.isinf(loss(**operands)) or "bounded" in reference.properties
    weights = [{"sample_weight": kept.astype(float)}]
    weights += [{o.name: kept.astype(float)} for o in reference.operands if o.multiplies]
    clean = {k: v[kept] for k, v in operands.items()}
    for weight in weights:
        for reduction in ("mean", "sum"):
            dirty = {**operands, **weight}
            ones = {**clean, **{k: np.ones(kept.sum()) for k in weight}}
            value, gradient = loss.value_and_grad(**dirty, reduction=reduction)
            want, slope = loss.value_and_grad(**ones, reduction=reduction)
            counted = "sample_weight" not in weight and reference.denominator_term == "count"
            factor = 0.75 if reduction == "mean" and counted else 1
            np.testing.assert_allclose(value, want * factor, rtol=1e-14)
            np.testing.assert_allclose(gradient[kept], slope * factor, rtol=1e-13)
            assert not gradient[~kept].any()


def _constants(name):
    """The same numbers for every element, which no sum in float32 adds up exactly."""
    constants = {}
    for operand in REFERENCES[name].operands:
        share = next((x for x in (0.3, 1.1) if cases.domain(name, operand.name).contains(x)), None)
        constants[operand.name] = cases.bare_number(name, operand.name) if operand.integer or share is None else share
    first = REFERENCES[name].first
    doubled = 2 * constants[first]
    return {**constants, first: doubled if cases.domain(name, first).contains(doubled) else constants[first]}


@pytest.mark.parametrize("name", cases.NAMES)
def test_float32_mean_of_many_equal_elements(name):
    reference, count = REFERENCES[name], 3_000_000
    numbers = _constants(name)
    drawn = {n: np.array([numbers[n]], reference.operand(n).dtype(np.float32)) for n in cases.presences(reference)[0]}
    # A mean is that of any number of copies.
    want = reduce(reference, drawn, {}, "mean")
    mean = cases.loss(name)(**{k: np.tile(v, count) for k, v in drawn.items()})
    # It keeps the rounding error of the one element, which is large where terms of a loss cancel.
    own = abs(float(cases.loss(name)(**drawn)) - want.value)
    assert abs(float(mean) - want.value) <= 1e-6 * want.magnitudes["value"] + own

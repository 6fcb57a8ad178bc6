"""The references of row-wise losses hold what they promise: derivatives against differences of the value itself."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
from references import ROW_REFERENCES
from references.reductions import LONG
from references.row_reductions import RowLoss
from references.row_statistics import others

ROWS, STEP = 3, LONG(2.0**-16)


def _option_sets(reference):
    alone = ({name: value} for name, values in reference.options.items() for value in values)
    return [{}, *alone, *map(dict, reference.combined_options)]


SETTINGS = [
    (name, kind, options)
    for name, reference in ROW_REFERENCES.items()
    for kind, options in itertools.product(reference.kinds_of_target, _option_sets(reference))
]


def _operands(reference, kind, options, classes):
    """Operands that are well away from every kink."""
    for attempt in range(100):
        drawn = _draw(reference, kind, options, classes, cases.seed(reference.name, kind, options, classes, attempt))
        if RowLoss(reference, drawn, options, axis=-1).room() > 8 * STEP:
            return drawn
    raise AssertionError("no operands away from kinks")


def _draw(reference, kind, options, classes, rng):
    drawn = {}
    for operand in reference.operands:
        if operand.kind == "index" and kind != "index":
            continue
        draw = operand.ordinary
        if operand.kind == "scores":
            for option, draws in reference.draws.items():
                draw = draws.get(options.get(option, reference.defaults[option]), draw)
        drawn[operand.name] = draw(rng, ROWS, classes, np.float64).astype(LONG)
    if kind == "index":
        drawn[reference.target.name] = rng.integers(0, classes, ROWS)
    return drawn


def _value(reference, operands, options, **call):
    return RowLoss(reference, operands, options, axis=-1).reduce("mean", **call).value


def _difference(value, x):
    """Of fourth order, in every element of x, which is moved and put back."""
    slope = np.zeros(x.shape, LONG)
    for at in np.ndindex(x.shape):
        kept, found = x[at], []
        h = STEP * max(1, abs(kept))
        for k in (-2, -1, 1, 2):
            x[at] = kept + k * h
            found.append(value())
        x[at] = kept
        slope[at] = (found[0] - 8 * found[1] + 8 * found[2] - found[3]) / (12 * h)
    return slope


@pytest.mark.parametrize(("name", "kind", "options"), SETTINGS, ids=str)
def test_gradients_are_the_slopes_of_the_value(name, kind, options):
    reference = ROW_REFERENCES[name]
    call = {"sample_weight": np.array([0.5, 2.0, 1.25])}
    for classes in (1, 2, 5):
        operands = _operands(reference, kind, options, classes)
        gradients = RowLoss(reference, operands, options, axis=-1).reduce("mean", **call).gradients
        expected = {o.name for o in reference.operands if o.differentiable}
        assert set(gradients) == expected - ({reference.target.name} if kind == "index" else set())
        for operand, gradient in gradients.items():
            slope = _difference(lambda o=operands: _value(reference, o, options, **call), operands[operand])
            np.testing.assert_allclose(
                gradient.astype(float), slope.astype(float), rtol=1e-10, atol=1e-12, err_msg=f"{operand} {classes}"
            )


@pytest.mark.parametrize(("name", "kind", "options"), SETTINGS, ids=str)
def test_hessians_are_the_slopes_of_the_gradient(name, kind, options):
    reference = ROW_REFERENCES[name]
    for classes in (1, 2, 5):
        operands = _operands(reference, kind, options, classes)
        result = RowLoss(reference, operands, options, axis=-1).reduce()
        scores = operands[reference.first]

        def along(direction, o=operands, scores=scores):
            """The slope of the gradient along a direction, by differences."""
            kept, found = scores.copy(), []
            for k in (-2, -1, 1, 2):
                scores[...] = kept + k * STEP * direction
                found.append(RowLoss(reference, o, options, axis=-1).reduce().gradients[reference.first])
            scores[...] = kept
            return (found[0] - 8 * found[1] + 8 * found[2] - found[3]) / (12 * STEP)

        vector = cases.seed(name, classes).standard_normal(scores.shape).astype(LONG)
        np.testing.assert_allclose(
            result.product(vector).astype(float), along(vector).astype(float), rtol=1e-9, atol=1e-11
        )
        diagonal = np.zeros(scores.shape, LONG)
        for at in np.ndindex(scores.shape):
            unit = np.zeros(scores.shape, LONG)
            unit[at] = 1
            np.testing.assert_allclose(
                float(result.product(unit)[at]), float(result.hessian[at]), rtol=1e-12, atol=1e-15
            )
            diagonal[at] = along(unit)[at]
        np.testing.assert_allclose(result.hessian.astype(float), diagonal.astype(float), rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("name", ROW_REFERENCES)
def test_golden_values(name):
    reference = ROW_REFERENCES[name]
    assert reference.golden
    for case in reference.golden:
        operands = {n: np.asarray(v) for n, v in zip(reference.names, case.operands, strict=False)}
        value = RowLoss(reference, operands, case.keywords).reduce().value
        assert float(value) == pytest.approx(case.value, rel=1e-9, abs=0)


def test_the_sum_of_the_others_has_no_subtraction():
    x = np.array([[1e30, 1.0, 2.0], [0.0, 0.0, 5.0]], LONG)
    np.testing.assert_array_equal(others(x)[:, 0], [3, 5])
    np.testing.assert_array_equal(others(x)[1], [5, 5, 0])
    assert others(np.zeros((2, 1), LONG)).tolist() == [[0], [0]]

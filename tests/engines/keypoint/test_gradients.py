"""Gradients of losses of keypoints against finite differences, and a descent along them."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from references import KEYPOINT_REFERENCES, keypoint_draws
from references.keypoints_schema import KeypointLoss

NAMES = [name for name, info in fl.losses().items() if info.engine == "keypoint"]
BOTH = KeypointLoss.names
STEP = 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name):
    loss = cases.loss(name)
    operands = keypoint_draws.ordinary(cases.seed(name, "differences"), (30,), 6)
    for options in ({}, {"eps": 3.0}):
        gradients = loss.grad(**operands, **options, reduction="sum", wrt=BOTH)
        for each, gradient in zip(BOTH, gradients, strict=True):
            for k in range(6):
                for axis in range(2):
                    moved = []
                    for sign in (1, -1):
                        other = operands[each].copy()
                        other[:, k, axis] += sign * STEP
                        moved.append(loss(**{**operands, each: other}, **options, reduction="none"))
                    slope = (moved[0] - moved[1]) / (2 * STEP)
                    np.testing.assert_allclose(gradient[:, k, axis], slope, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_has_the_derivatives_of_its_formula(name):
    e, step = np.linspace(0.01, 20, 300).astype(np.longdouble), np.longdouble(1e-6)
    formula = KEYPOINT_REFERENCES[name].term
    above, below, here = formula(e + step), formula(e - step), formula(e)
    assert formula(np.zeros(1)).value == 0
    for moved, slope in (("value", here.slope), ("slope", here.curve)):
        found = (getattr(above, moved) - getattr(below, moved)) / (2 * step)
        np.testing.assert_allclose(found.astype(float), slope.astype(float), rtol=1e-4, atol=1e-11)


@pytest.mark.parametrize("name", NAMES)
def test_descent_brings_keypoints_to_their_targets(name):
    operands = keypoint_draws.ordinary(cases.seed(name, "descent"), (10,), 17, present=())
    operands["input"] = operands["target"] + 0.5
    variance = (2 * 0.1) ** 2 * operands["area"][:, np.newaxis, np.newaxis]
    for _ in range(200):
        operands["input"] -= 17 * variance * cases.loss(name).grad(**operands, sigmas=0.1, reduction="sum")
    np.testing.assert_allclose(operands["input"], operands["target"], atol=1e-10)

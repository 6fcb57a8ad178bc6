"""Gradients of losses of embeddings against finite differences, and a descent along them."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from references import EMBEDDING_REFERENCES, distance_draws

NAMES = [name for name, info in fl.losses().items() if info.engine == "distance"]
STEP = 1e-5


@pytest.mark.parametrize("name", NAMES)
def test_gradients_are_those_of_finite_differences(name):
    reference, loss = EMBEDDING_REFERENCES[name], cases.loss(name)
    for options in reference.option_sets():
        operands = distance_draws.ordinary(cases.seed(name, options), reference, (60,), 4, options=options)
        gradients = loss.grad(**operands, **options, reduction="sum", wrt=reference.differentiable)
        for each, gradient in zip(reference.differentiable, gradients, strict=True):
            for place in [()] if gradient.ndim == 1 else [(k,) for k in range(4)]:
                moved = []
                for sign in (1, -1):
                    other = operands[each].copy()
                    other[(slice(None), *place)] += sign * STEP
                    moved.append(loss(**{**operands, each: other}, **options, reduction="none"))
                slope = (moved[0] - moved[1]) / (2 * STEP)
                # Beside a kink, such as where a difference of p below 2 is 0, the two sides do not belong together.
                close = np.isclose(gradient[(slice(None), *place)], slope, rtol=1e-4, atol=1e-6)
                assert close.mean() > 0.95, f"{options} {each}"


def descent(name, rate, steps=400, **options):
    """The losses on the way of all embeddings down their gradients."""
    reference, loss = EMBEDDING_REFERENCES[name], cases.loss(name)
    operands = distance_draws.ordinary(cases.seed(name, "descent"), reference, (20,), 5)
    found = []
    for _ in range(steps):
        value, gradients = loss.value_and_grad(**operands, **options, reduction="sum", wrt=reference.embeddings)
        found.append(value)
        for each, gradient in zip(reference.embeddings, gradients, strict=True):
            operands[each] -= rate * gradient
    return found


@pytest.mark.parametrize("name", NAMES)
def test_descent_reaches_what_the_loss_is_least_at(name):
    found = descent(name, 0.02 if name == "margin_mse_loss" else 0.1)
    least = -20 if name == "negative_cosine_loss" else 0
    assert found[0] > least + 1
    assert found[-1] < least + 0.1 * (found[0] - least)

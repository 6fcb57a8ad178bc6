"""Linear cross-entropy against torch's, in float64: values and gradients agree to ten digits."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl
from oracles import torch
from references.linear import draw

pytestmark = pytest.mark.needs("torch")

SHAPES = {
    "one sample": {"samples": ()},
    "a batch": {"samples": (13,), "classes": 17, "features": 8},
    "places": {"samples": (5,), "inner": (2, 3)},
}


@pytest.mark.parametrize("smoothing", [0.0, 0.15])
@pytest.mark.parametrize("probabilities", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_values_and_gradients_are_those_of_torch(shape, probabilities, smoothing):
    rng = cases.seed("torch linear", shape)
    for reduction, bias, weighted in itertools.product(("mean", "sum", "none"), (False, True), (False, True)):
        operands = draw(rng, **SHAPES[shape], probabilities=probabilities, bias=bias)
        call = {"reduction": reduction, "label_smoothing": smoothing}
        if weighted:
            operands["weight"] = rng.random(operands["linear_weight"].shape[0]) + 0.5
        if not probabilities:
            call["ignore_index"] = 2
        names = [name for name in ("input", "linear_weight", "linear_bias") if name in operands]
        value, gradients = fl.linear_cross_entropy.value_and_grad(**operands, **call, wrt=names)
        tensors = {name: torch.tensor(array) for name, array in operands.items()}
        for name in names:
            tensors[name].requires_grad_()
        want = torch.nn.functional.linear_cross_entropy(**tensors, **call)
        np.testing.assert_allclose(value, want.detach(), rtol=1e-10, atol=1e-10)
        if np.isnan(value).any():  # everything ignored: torch's gradient is NaN too
            continue
        for got, expected in zip(
            gradients, torch.autograd.grad(want.sum(), [tensors[name] for name in names]), strict=True
        ):
            np.testing.assert_allclose(got, expected, rtol=1e-10, atol=1e-10)

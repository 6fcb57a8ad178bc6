"""Losses of boxes against the published formulas in torch, in float64: values and gradients agree to ten digits."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from oracles import torch
from references import BOX_REFERENCES, box_draws
from references.boxes_schema import BoxLoss

pytestmark = pytest.mark.needs("torch")

NAMES = [name for name, info in fl.losses().items() if info.engine == "box"]
BOTH = BoxLoss.names


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_those_of_the_published_formulas(name):
    reference = BOX_REFERENCES[name]
    for options in reference.option_sets():
        own = {k: v for k, v in {**reference.defaults, **options}.items() if k != "fmt"}
        for units in ((400,), (3, 5), ()):
            operands = box_draws.ordinary_of(name, cases.seed(name, options, units), units)
            value, gradients = cases.loss(name).value_and_grad(**operands, **own, reduction="none", wrt=BOTH)
            tensors = [torch.tensor(x, requires_grad=True) for x in operands.values()]
            want = reference.torch(torch, *tensors, **own)
            np.testing.assert_allclose(value, want.detach(), rtol=1e-10, atol=1e-10)
            for gradient, expected in zip(gradients, torch.autograd.grad(want.sum(), tensors), strict=True):
                np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-10)

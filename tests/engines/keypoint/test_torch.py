"""Losses of keypoints against the published formulas in torch, in float64: values and gradients agree to ten digits."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from oracles import torch
from references import KEYPOINT_REFERENCES, keypoint_draws
from references.keypoints_schema import KeypointLoss

pytestmark = pytest.mark.needs("torch")

NAMES = [name for name, info in fl.losses().items() if info.engine == "keypoint"]
BOTH = KeypointLoss.names


@pytest.mark.parametrize("name", NAMES)
def test_values_and_gradients_are_those_of_the_published_formulas(name):
    reference = KEYPOINT_REFERENCES[name]
    for options in reference.option_sets():
        for units, keypoints in (((400,), 17), ((3, 5), 4), ((), 17)):
            operands = keypoint_draws.ordinary(cases.seed(name, options, units), units, keypoints)
            value, gradients = cases.loss(name).value_and_grad(**operands, **options, reduction="none", wrt=BOTH)
            tensors = {each: torch.tensor(x, requires_grad=each in BOTH) for each, x in operands.items()}
            want = reference.torch(torch, **tensors, **{**reference.defaults, **options})
            np.testing.assert_allclose(value, want.detach(), rtol=1e-10, atol=1e-10)
            slopes = torch.autograd.grad(want.sum(), [tensors[each] for each in BOTH])
            for gradient, expected in zip(gradients, slopes, strict=True):
                np.testing.assert_allclose(gradient, expected, rtol=1e-10, atol=1e-10)

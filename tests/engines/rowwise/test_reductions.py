"""Reductions of losses of rows: the range in which a weight and a loss of the row meet."""

from __future__ import annotations

import numpy as np
import pytest

import fastloss as fl


@pytest.mark.parametrize(("gap", "weight"), [(1e30, 1e10), (-68.0, 1e-20), (1e20, 1e-30)])
@pytest.mark.parametrize("weighed", ["sample_weight", "weight", "z_loss"])
def test_only_the_weight_takes_a_loss_out_of_the_range_of_its_dtype(gap, weight, weighed):
    for classes in (2, 40):
        scores = np.full((5, classes), -200 + min(gap, 0), np.float32)
        scores[:, 0], scores[:, 1] = 0, gap
        if gap > 0:
            scores = scores - np.float32(gap)
        target = np.zeros(5, int)
        more = {"z_loss": 0.5} if weighed == "z_loss" else {}
        call = {"weight": np.full(classes, weight)} if weighed == "weight" else {"sample_weight": np.full(5, weight)}
        want, slope = fl.cross_entropy.value_and_grad(scores, target, **more)
        value, gradient = fl.cross_entropy.value_and_grad(scores, target, **more, **call)
        assert 0 < want < np.inf
        assert value == pytest.approx(float(want), rel=1e-6)
        np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-38)
        assert fl.cross_entropy(scores, target, **more, **call) == value

"""The numbers that the documents which the project implements give for their example data."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl

TARGETS, PREDICTIONS = [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]
SCORES, LABELS = [0.2, 0.4, 1.2], [1.0, -1.0, 1.0]

GOLDEN = {
    "mse_loss": [((PREDICTIONS, TARGETS), {}, 0.375), (([3.2, 5.8, 2.1], [3.0, 6.0, 2.0]), {}, 0.03)],
    "l1_loss": [((PREDICTIONS, TARGETS), {}, 0.5)],
    "rmse_loss": [((PREDICTIONS, TARGETS), {}, 0.6123724356957945)],
    "huber_loss": [((PREDICTIONS, TARGETS), {}, 0.1875)],
    "binary_cross_entropy_with_logits": [
        (([2.0, -1.0, 0.0], [1.0, 0.0, 1.0]), {}, 0.3777789597),
        (([2.0, -1.0, 0.5], [1.0, 0.0, 1.0]), {}, 0.3047555609),
        (([2.0, -1.0, 0.5], [1.0, 0.0, 1.0]), {"pos_weight": 3.0}, 0.7054255578),
    ],
    "gaussian_nll_loss": [(([0.0, 1.5], [0.0, 1.0], [1.0, 0.25]), {}, -0.0965735903)],
    "hinge_loss": [
        ((SCORES, LABELS), {}, 0.7333333333),
        ((SCORES, [1, 0, 1]), {"labels": "01"}, 0.7333333333),
    ],
}
CASES = [
    pytest.param(name, *case, id=f"{name}-{i}") for name, several in GOLDEN.items() for i, case in enumerate(several)
]


@pytest.mark.parametrize(("name", "operands", "keywords", "expected"), CASES)
def test_golden_value(name, operands, keywords, expected):
    loss = cases.loss(name)
    # Nine decimals are right; the arguments are lists, in the documented order.
    assert loss(*operands, **keywords) == pytest.approx(expected, abs=1e-10)
    assert loss(*map(np.array, operands), **keywords) == loss(*operands, **keywords)
    dtypes = (np.int32 if o.integer else np.float32 for o in cases.INFO[name].operands)
    single = loss(*(np.array(x, t) for x, t in zip(operands, dtypes, strict=False)), **keywords)
    assert single.dtype == np.float32
    assert single == pytest.approx(expected, rel=1e-5)


def test_every_loss_has_golden_numbers():
    assert set(GOLDEN) == set(cases.INFO)


def test_weight_and_pos_weight_are_different_numbers():
    logits, labels = [2.0, -1.0, 0.5], [1.0, 0.0, 1.0]
    bce = fl.binary_cross_entropy_with_logits
    assert bce(logits, labels, weight=3.0) == pytest.approx(3 * 0.3047555609, abs=2e-10)
    assert bce(logits, labels, pos_weight=3.0) == pytest.approx(0.7054255578, abs=1e-10)
    assert bce(logits, labels, [3.0], [1.0]) == pytest.approx(3 * 0.3047555609, abs=2e-10)


def test_gradients_by_hand():
    residuals = np.array(PREDICTIONS) - np.array(TARGETS)  # -0.5, 0.5, 0, 1
    np.testing.assert_array_equal(fl.mse_loss.grad(PREDICTIONS, TARGETS), residuals / 2)
    np.testing.assert_array_equal(fl.l1_loss.grad(PREDICTIONS, TARGETS), [-0.25, 0.25, 0, 0.25])
    np.testing.assert_array_equal(fl.huber_loss.grad(PREDICTIONS, TARGETS, delta=0.25), [-0.0625, 0.0625, 0, 0.0625])
    np.testing.assert_allclose(fl.rmse_loss.grad(PREDICTIONS, TARGETS), residuals / (4 * np.sqrt(0.375)), rtol=1e-15)
    np.testing.assert_allclose(fl.hinge_loss.grad(SCORES, LABELS), [-1 / 3, 1 / 3, 0], rtol=1e-15)
    np.testing.assert_allclose(
        fl.gaussian_nll_loss.grad([0.0, 1.5], [0.0, 1.0], [1.0, 0.25], wrt="var"), [0.25, 0.0], atol=1e-16
    )

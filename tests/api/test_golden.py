"""The numbers that the documents which the project implements give for their example data."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from references import REFERENCES

TARGETS, PREDICTIONS = [3.0, -0.5, 2.0, 7.0], [2.5, 0.0, 2.0, 8.0]
SCORES, LABELS = [0.2, 0.4, 1.2], [1.0, -1.0, 1.0]

CASES = [
    pytest.param(name, *case, id=f"{name}-{i}")
    for name in cases.NAMES
    for i, case in enumerate(REFERENCES[name].golden)
]


def _lists(given):
    """Sequences as the lists that people write."""
    return [list(x) if isinstance(x, tuple) else x for x in given]


def _single(name, given):
    """Sequences as arrays, of float32 where they need not be integers."""
    integers = {o.name for o in cases.INFO[name].operands if o.integer}
    return {
        k: np.array(x, np.int32 if k in integers else np.float32) if isinstance(x, tuple) else x
        for k, x in given.items()
    }


@pytest.mark.parametrize(("name", "operands", "keywords", "expected"), CASES)
def test_golden_value(name, operands, keywords, expected):
    loss, names = cases.loss(name), REFERENCES[name].names
    # Ten decimals are right; the arguments are lists, in the documented order.
    options = dict(zip(keywords, _lists(keywords.values()), strict=True))
    value = loss(*_lists(operands), **options)
    assert value == pytest.approx(expected, abs=1e-10)
    np.testing.assert_array_equal(loss(*map(np.array, operands), **options), value)
    single = loss(**_single(name, {**dict(zip(names, operands, strict=False)), **keywords}))
    assert single.dtype == np.float32
    assert single == pytest.approx(expected, rel=1e-5, abs=1e-6)


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


def test_pairs_and_triplets_of_embeddings():
    """The first with the eps of torch in each difference, and without."""
    first, second = [[1.0, 2.0]], [[1.5, 2.5]]
    assert fl.contrastive_loss(first, second, [1.0]) == pytest.approx(0.499998, abs=1e-10)
    assert fl.contrastive_loss(first, second, [1.0], eps=0) == pytest.approx(0.5, abs=1e-10)
    distance = fl.pairwise_distance(first, second)
    assert fl.contrastive_distance_loss(distance, [1.0]) == pytest.approx(0.499998, abs=1e-10)
    assert fl.triplet_margin_loss([[1.0, 2.0]], [[1.1, 2.1]], [[3.0, 4.0]], margin=1.0, p=2) == 0

"""What margin losses get wrong in the wild; the numbers are those of the project's list of traps."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl

INF = float("inf")
LABELLED = ("squared_hinge_loss", "modified_huber_loss", "perceptron_loss", "soft_margin_loss", "exponential_loss")


@pytest.mark.parametrize("name", ["soft_margin_loss", "hinge_embedding_loss"])
def test_trap_002_nothing_broadcasts_silently(name):
    for x, t in (((2, 1), (2,)), ((2,), (2, 1)), ((3,), (2,))):
        with pytest.raises(ValueError, match=rf"{name}.*target"):
            cases.loss(name)(np.ones(x), np.ones(t))


def test_trap_004_the_mean_divides_by_the_number_of_elements():
    x, t = np.array([[0.5, -2.0], [1.5, 3.0]]), np.array([[1.0, -1.0], [-1.0, 1.0]])
    for name in (*LABELLED, "hinge_embedding_loss"):
        each = cases.loss(name)(x, t, reduction="none")
        assert cases.loss(name)(x, t) == pytest.approx(each.sum() / 4, rel=1e-15)
        assert cases.loss(name)(x, t, reduction="batchmean") == pytest.approx(each.sum() / 2, rel=1e-15)


def test_trap_081_other_labels_than_1_and_minus_1():
    # Silent by default, with torch's numbers: x + max(0, margin - x) = margin, and max(0, margin).
    value, gradient = fl.hinge_embedding_loss.value_and_grad([0.25, 0.25], [0, 2], reduction="none")
    np.testing.assert_array_equal(value, [1.0, 1.0])
    np.testing.assert_array_equal(gradient, [0.0, 0.0])
    assert fl.margin_ranking_loss([3.0], [1.0], [0], margin=0.5) == 0.5
    with fl.errstate(domain="raise"):
        for label in (0, 2):
            with pytest.raises(ValueError, match=r"target.*-1 or 1"):
                fl.hinge_embedding_loss([0.25], [label])
            with pytest.raises(ValueError, match=r"target.*-1 or 1"):
                fl.margin_ranking_loss([3.0], [1.0], [label])
    for shape in ((3, 1), (1, 3), (2,)):
        with pytest.raises(ValueError, match=r"target"):
            fl.margin_ranking_loss(np.zeros(3), np.zeros(3), np.ones(shape))
        with pytest.raises(ValueError, match="input2"):
            fl.margin_ranking_loss(np.zeros(3), np.zeros(shape), np.ones(3))


@pytest.mark.parametrize("name", LABELLED)
def test_trap_082_labels_are_said_and_never_guessed(name):
    loss, x = cases.loss(name), np.array([0.3, -0.4])
    np.testing.assert_array_equal(
        loss(x, [1, 0], labels="01", reduction="none"), loss(x, [1, -1], reduction="none"), strict=True
    )
    for t in ([1, 1], [1, -1]):
        ones = (np.array(t) + 1) // 2
        np.testing.assert_array_equal(loss.grad(x, ones, labels="01"), loss.grad(x, t))
    with fl.errstate(domain="raise"):
        with pytest.raises(ValueError, match=r"target.*-1 or 1"):
            loss(x, [1, 0])
        with pytest.raises(ValueError, match=r"target.*0 or 1"):
            loss(x, [1, -1], labels="01")


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_083_soft_margin_does_not_overflow(dtype):
    x = np.array([89, -89, 1e4, 3e38, INF, 0], dtype)
    t = np.array([-1, 1, -1, -1, -1, 1], dtype)
    value, gradient = fl.soft_margin_loss.value_and_grad(x, t, reduction="none")
    np.testing.assert_allclose(value, [89, 89, 1e4, 3e38, INF, np.log(2)], rtol=2 * np.finfo(dtype).eps)
    np.testing.assert_array_equal(gradient, np.array([1, -1, 1, 1, 1, -0.5], dtype))


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_040_no_max_trick_at_zero(dtype):
    for zero in (0.0, -0.0):
        for label in (-1, 1):
            x, t = np.array([zero], dtype), np.array([label], dtype)
            assert fl.soft_margin_loss.grad(x, t) == -label / 2
            assert fl.soft_margin_loss.hess(x, t) == 0.25


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_the_slope_in_the_label_outlives_the_sigmoid(dtype):
    # exp(-104) is 0 in float32 (exp(-745.5) in float64), 104 times it is not.
    x = np.array([104 if dtype == np.float32 else 745.5], dtype)
    exact = -x.astype(cases.LONG) * np.exp(-x.astype(cases.LONG))
    for loss in (fl.soft_margin_loss, fl.exponential_loss):
        got = loss.grad(x, dtype(1), reduction="none", wrt="target")
        assert got < 0
        assert abs(got - exact) <= 2 * np.finfo(dtype).smallest_subnormal

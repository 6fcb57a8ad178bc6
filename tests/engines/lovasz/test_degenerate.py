"""Images without pixels, without a class, with missing and infinite numbers."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from engines.lovasz.test_values import NAMES, drawn

INF, NAN = np.inf, np.nan


@pytest.mark.parametrize("name", NAMES)
def test_images_of_which_every_pixel_is_ignored_count_nowhere(name):
    loss, operands = cases.loss(name), drawn(name, (3, 4, 20))
    operands["target"][1] = -100
    each = loss(**operands, per_image=True, reduction="none")
    assert each[1] == 0
    assert loss(**operands, per_image=True) == pytest.approx(each.sum() / 2)
    gradient = loss.grad(**operands, per_image=True)
    assert not gradient[1].any()
    kept = {k: x[[0, 2]] for k, x in operands.items()}
    np.testing.assert_array_equal(gradient[[0, 2]], loss.grad(**kept, per_image=True))
    operands["target"][:] = -100
    assert np.isnan(loss(**operands))
    assert not loss.grad(**operands).any()


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_a_mask_of_nothing_and_of_everything(dtype):
    x = np.array([[-0.5, 0.25, 2.0]], dtype)
    assert fl.lovasz_hinge_loss(x, np.zeros((1, 3), int)) == 3  # the largest error alone
    np.testing.assert_array_equal(fl.lovasz_hinge_loss.grad(x, np.zeros((1, 3), int)), [[0, 0, 1]])
    assert fl.lovasz_hinge_loss(x, np.ones((1, 3), int)) == pytest.approx((1.5 + 0.75) / 3)
    assert fl.lovasz_hinge_loss(5 * np.ones((1, 3), dtype), np.ones((1, 3), int)) == 0


def test_one_class():
    p = np.array([[[0.25, 1.0, 0.5]]])
    assert fl.lovasz_softmax_loss(p, [[0, 0, 0]]) == pytest.approx(1.25 / 3)
    assert fl.lovasz_softmax_loss(p, [[0, 0, 0]], from_logits=True) == 0
    assert not fl.lovasz_softmax_loss.grad(p, [[0, 0, 0]], from_logits=True).any()


@pytest.mark.parametrize("name", NAMES)
def test_arrays_of_nothing(name):
    loss = cases.loss(name)
    classes = name == "lovasz_softmax_loss"
    for shape in ((0, 3, 4), (2, 3, 0), (0, 3, 0), *(((2, 0, 0),) if classes else ())):
        x, t = np.zeros(shape), np.zeros((shape[0], *shape[2:]) if classes else shape, int)
        assert np.isnan(loss(x, t))
        assert loss(x, t, reduction="sum") == 0
        assert loss.grad(x, t).shape == shape
        assert not loss(x, t, per_image=True, reduction="none").any()
    if classes:
        with pytest.raises(IndexError, match="class"):
            loss(np.zeros((2, 0, 5)), np.zeros((2, 5), int))
        assert np.isnan(loss(np.zeros((2, 0, 5)), np.full((2, 5), -100), from_logits=True))


def test_what_is_missing_is_missed_where_there_is_an_error():
    """It has no rank, so no other has one; what has no error has no part in it."""
    for dtype in cases.DTYPES:
        x, t = np.array([0.5, NAN, 3.0, 1.5, -4.0], dtype), np.array([1, 1, 1, 0, 0])
        value, gradient = fl.lovasz_hinge_loss.value_and_grad(x, t)
        assert np.isnan(value)
        np.testing.assert_array_equal(np.isnan(gradient), [True, True, False, True, False])
        value, gradient = fl.lovasz_hinge_loss.value_and_grad(x, t, where=[True, False, True, True, True])
        assert np.isfinite(value)
        assert gradient[1] == 0
        for junk in (NAN, -NAN):
            many = np.full(5000, junk, dtype)
            assert np.isnan(fl.lovasz_hinge_loss.grad(many, np.arange(5000) % 2)).all()


def test_a_missing_probability_is_missed_in_its_class():
    p, y = np.array([[0.5, 0.5], [0.25, NAN], [0.75, 0.25]]).T[np.newaxis], np.array([[0, 1, 1]])
    value, gradient = fl.lovasz_softmax_loss.value_and_grad(p, y)
    assert np.isnan(value)
    assert np.isfinite(gradient[0, 0]).all()
    assert np.isnan(gradient[0, 1]).all()
    z = np.where(np.isnan(p), p, 4 * p)
    assert np.isnan(fl.lovasz_softmax_loss.grad(z, y, from_logits=True)).any()
    masked = fl.lovasz_softmax_loss.value_and_grad(z, y, from_logits=True, where=[[True, False, True]])
    assert np.isfinite(masked[0])
    assert (masked[1][..., 1] == 0).all()
    assert np.isfinite(masked[1]).all()


def test_infinite_scores():
    for dtype in cases.DTYPES:
        x, t = np.array([INF, -INF, 2.0, 0.5], dtype), np.array([1, 1, 0, 0])
        value, gradient = fl.lovasz_hinge_loss.value_and_grad(x, t)
        assert value == INF  # an infinite error
        np.testing.assert_allclose(gradient, [0, -1 / 2, 1 / 6, 1 / 12], rtol=1e-6)
        assert fl.lovasz_hinge_loss(np.array([INF, -INF], dtype), [1, 0]) == 0
        # Behind the last pixel of the mask and the first of the others nothing is left to lose, infinite or not.
        assert fl.lovasz_hinge_loss(np.array([-INF, INF, INF], dtype), [0, 0, 0]) == INF
        many = np.full((2, 300), -INF, dtype)
        assert np.isfinite(fl.lovasz_hinge_loss.grad(many, np.ones((2, 300), int))).all()


def test_subnormal_errors_are_sorted_too():
    for dtype in cases.DTYPES:
        tiny = np.finfo(dtype).smallest_subnormal
        p = np.array([[3 * tiny, tiny, 2 * tiny, 0]], dtype).reshape(1, 1, 4)
        x = np.concatenate([p, 1 - p], axis=1)
        value, gradient = fl.lovasz_softmax_loss.value_and_grad(x, [[1, 1, 1, 1]], classes="all")
        np.testing.assert_array_equal(gradient[0, 0] != 0, [True, False, False, False])
        assert value == dtype(3 * tiny / 2)


def test_errstate():
    x, t = np.array([0.5, NAN]), np.array([1, 0])
    with fl.errstate(nonfinite="raise"):
        with pytest.raises(ValueError, match="not finite"):
            fl.lovasz_hinge_loss(x, t)
        with pytest.raises(ValueError, match="not finite"):
            fl.lovasz_hinge_loss.grad(x, t)
        with pytest.raises(ValueError, match="not finite"):
            fl.lovasz_softmax_loss.grad([[0.5, NAN]], [0], from_logits=True)
        assert fl.lovasz_hinge_loss(x, t, where=[True, False]) == 0.5
    with fl.errstate(empty="raise"), pytest.raises(ValueError, match="mean is over nothing"):
        fl.lovasz_hinge_loss(x, t, where=False)

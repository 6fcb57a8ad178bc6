"""What losses of keypoints get wrong in the wild."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from references import keypoint_draws


def coco_similarity(input, target, area, sigmas, visible):
    """The published code of COCO's evaluation, `COCOeval.computeOks`, for one instance with visible keypoints."""
    variances = (sigmas * 2) ** 2
    dx, dy = (input - target).T
    e = (dx**2 + dy**2) / variances / (area + np.spacing(1)) / 2
    e = e[visible > 0]
    return np.sum(np.exp(-e)) / e.shape[0]


def test_it_is_what_coco_evaluates():
    """Whose variance is (2 sigma)^2 and not sigma^2, and whose mean is over what is visible alone."""
    operands = keypoint_draws.ordinary(cases.seed("coco"), (50,), 17, present=("visible",))
    operands["visible"] = np.minimum(operands["visible"].round(), 2)
    operands["visible"][:, 3] = 2  # COCO's flag of a keypoint that can be seen; 1 is one that is labelled
    sigmas = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
    mask = operands["visible"] > 0
    found = fl.oks_loss(**{**operands, "visible": mask}, eps=np.spacing(1), reduction="none")
    for k in range(50):
        want = coco_similarity(
            operands["input"][k], operands["target"][k], operands["area"][k], sigmas, operands["visible"][k]
        )
        assert 1 - found[k] == pytest.approx(want, rel=1e-12)


def test_flags_of_visibility_are_weights():
    """COCO's 0, 1 and 2 as they are count what is seen twice: a mask is asked for by v > 0."""
    target = np.zeros((2, 2))
    input = np.array([[1.0, 0.0], [0.0, 0.0]])
    flags = np.array([2, 1])
    one = fl.oks_loss(input, target, 1.0, 0.5)
    assert fl.oks_loss(input, target, 1.0, 0.5, flags > 0) == one
    assert fl.oks_loss(input, target, 1.0, 0.5, flags) == pytest.approx(4 / 3 * one, rel=1e-14)


def test_padding_that_is_nan_reaches_nothing():
    """A product with a mask of zeros leaves NaN, in the value and, where it does not, in the gradient."""
    target = np.array([[1.0, 2.0], [np.nan, np.nan]])
    value, gradient = fl.oks_loss.value_and_grad([[1.5, 2.0], [3.0, 4.0]], target, 4.0, 0.5, [True, False])
    assert value == pytest.approx(-np.expm1(-0.25 / 8))
    np.testing.assert_allclose(gradient, [[np.exp(-0.25 / 8) * 0.125, 0], [0, 0]])


def test_nobody_visible_is_no_division_by_zero():
    """Peers add 1e-9 to the number of visible keypoints, or have NaN."""
    x = np.ones((3, 17, 2))
    visible = np.ones((3, 17), bool)
    visible[1] = False
    value, gradient = fl.oks_loss.value_and_grad(x, x + 1, 100.0, visible=visible, reduction="none")
    assert value[1] == 0
    assert value[0] == value[2] > 0
    assert not gradient[1].any()
    with fl.errstate(nonfinite="raise", empty="raise"):
        assert fl.oks_loss(x, x + 1, 100.0, visible=visible) == pytest.approx(2 / 3 * value[0])


def test_an_area_of_none():
    """A box of no size: no division by zero, and no NaN where the keypoints are in place."""
    for dtype in cases.DTYPES:
        x = np.zeros((17, 2), dtype)
        with fl.errstate(nonfinite="raise"):
            value, gradient = fl.oks_loss.value_and_grad(x, x, dtype(0))
            assert value == 0
            assert not gradient.any()
            assert fl.oks_loss(x + 1, x, dtype(0)) == 1


def test_one_minus_exp_of_almost_nothing_is_not_nothing():
    """1 - exp(-e) is 0 in float32 below 6e-8: losses of good poses are multiples of that."""
    target = np.zeros((17, 2), np.float32)
    value = fl.oks_loss(target + np.float32(1e-3), target, 1e4, 0.1)
    assert value == pytest.approx(2e-6 / (2 * 0.04 * 1e4), rel=1e-5)


def test_sigmas_of_other_keypoints_are_not_guessed():
    """Peers take 1 / K for every keypoint where there are not 17: it is to be asked for."""
    x = np.ones((4, 21, 2))
    with pytest.raises(ValueError, match="oks_loss: sigmas must be given for 21 keypoints"):
        fl.oks_loss(x, x, 1.0)
    assert fl.oks_loss(x, x + 0.1, 1.0, 1 / 21) == fl.oks_loss(x, x + 0.1, 1.0, np.full(21, 1 / 21))

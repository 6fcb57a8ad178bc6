"""What binary cross-entropy of probabilities and label smoothing get wrong; numbers of the list of traps."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl

INF, NAN = float("inf"), float("nan")
bce = fl.binary_cross_entropy
logits_bce = fl.binary_cross_entropy_with_logits


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_035_sure_and_wrong_costs_100_and_no_more(dtype):
    p, t = np.array([0, 1, 0, 0, 1], dtype), np.array([1, 0, 0.5, 0, 1], dtype)
    np.testing.assert_array_equal(bce(p, t, reduction="none"), np.array([100, 100, 50, 0, 0], dtype), strict=True)
    slopes = bce.grad(p, t, reduction="none")
    np.testing.assert_allclose(slopes, np.array([-1e12, 1e12, -5e11, 0, 0], dtype), rtol=2 * np.finfo(dtype).eps)


def test_trap_036_the_bounds_of_value_and_gradient_are_two():
    value, slope = bce.value_and_grad([1e-13], [1.0])
    assert value == pytest.approx(-np.log(1e-13))  # not bounded
    assert slope[0] == pytest.approx(-1e12)  # where the slope is -1e13
    through_sigmoid = bce.grad([1 / (1 + np.exp(50.0))], [1.0]) * np.exp(-50.0)
    assert abs(through_sigmoid[0]) < 1e-9  # so training stalls
    assert logits_bce.grad([-50.0], [1.0])[0] == pytest.approx(-1)  # and with logits it does not


@pytest.mark.parametrize("bad", [1.0000001, -1e-30, 7.0, INF])
def test_trap_037_probabilities_are_checked_in_every_call(bad):
    for name, arguments in (("input", ([0.5, bad], [0, 1])), ("target", ([0.5, 0.5], [0.0, bad]))):
        for call in (bce, bce.grad, bce.value_and_grad, bce.hess):
            with pytest.raises(ValueError, match=name):
                call(*arguments)
    # NaN is data: it comes back at its own element alone.
    np.testing.assert_array_equal(np.isnan(bce([0.5, NAN, 0.5], [0, 1, NAN], reduction="none")), [False, True, True])


def test_trap_037_targets_of_logits_are_checked_on_request():
    assert logits_bce([1.0], [7.0]) == pytest.approx(np.log1p(np.e) - 7)
    with fl.errstate(domain="raise"), pytest.raises(ValueError, match="target"):
        logits_bce([1.0], [7.0])


def test_trap_043_the_gradient_in_the_target_has_no_bound():
    p = np.array([0.0, 1.0, 0.25, 1e-50])
    with np.errstate(divide="ignore"):
        exact = np.log1p(-p) - np.log(p)
    np.testing.assert_allclose(bce.grad(p, [1, 0, 0.5, 0.5], reduction="none", wrt="target"), exact, rtol=1e-15)
    assert exact[0] == INF
    assert exact[1] == -INF


@pytest.mark.parametrize("loss", [bce, logits_bce])
@pytest.mark.parametrize("bad", [1.1, -0.1, NAN, -1e-12])
def test_trap_056_label_smoothing_outside_its_range_is_refused(loss, bad):
    with pytest.raises(ValueError, match="label_smoothing"):
        loss([0.5], [1.0], label_smoothing=bad)


def test_label_smoothing_moves_the_target():
    x, t = np.array([2.0, -1.0, 0.5]), np.array([1.0, 0.0, 0.3])
    p = 1 / (1 + np.exp(-x))
    for smoothing in (0.1, 0.5, 1.0):
        moved = t * (1 - smoothing) + smoothing / 2
        for loss, z in ((logits_bce, x), (bce, p)):
            value, slopes = loss.value_and_grad(z, t, label_smoothing=smoothing, wrt=("input", "target"))
            exact, expected = loss.value_and_grad(z, moved, wrt=("input", "target"))
            assert value == pytest.approx(exact, rel=1e-14)
            np.testing.assert_allclose(slopes[0], expected[0], rtol=1e-13)
            np.testing.assert_allclose(slopes[1], (1 - smoothing) * expected[1], rtol=1e-13)


def test_no_label_smoothing_changes_no_bit():
    rng = cases.seed("label smoothing")
    for dtype in cases.DTYPES:
        x, t = (4 * rng.standard_normal(5000)).astype(dtype), rng.random(5000).astype(dtype)
        q = (2 * rng.random(5000)).astype(dtype)
        for extra in ({}, {"pos_weight": q}):
            plain = logits_bce.value_and_grad(x, t, **extra, reduction="none")
            smooth = logits_bce.value_and_grad(x, t, **extra, reduction="none", label_smoothing=0.0)
            np.testing.assert_array_equal(plain, smooth, strict=True)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_a_smoothed_certainty_keeps_its_digits(dtype):
    # The part of the target on the wrong side is s / 2, not 1 - (1 - s / 2).
    smoothing = 2.0**-20
    value = logits_bce(np.array([1e5], dtype), np.array([1], dtype), label_smoothing=smoothing)
    assert value == pytest.approx(1e5 * smoothing / 2, rel=float(4 * np.finfo(dtype).eps))


def test_smoothing_everything_away_leaves_no_slope_in_the_target():
    assert logits_bce.grad([INF, -INF], [1, 0], reduction="none", wrt="target", label_smoothing=1.0).tolist() == [0, 0]
    assert bce.grad([0.0, 1.0], [1, 0], reduction="none", wrt="target", label_smoothing=1.0).tolist() == [0, 0]

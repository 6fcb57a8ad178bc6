"""What quantile losses get wrong in the wild."""

from __future__ import annotations

import numpy as np
import pytest

import fastloss as fl

INF, NAN = float("inf"), float("nan")
LEVELS = [(fl.quantile_loss, "quantile"), (fl.huber_quantile_loss, "quantile"), (fl.expectile_loss, "tau")]
LEVELS += [(fl.multi_quantile_loss, "quantiles")]


def test_trap_001_a_column_of_targets_is_no_row():
    with pytest.raises(ValueError, match=r"target.*\(3, 1\).*\(3,\)"):
        fl.quantile_loss(np.ones(3), np.ones((3, 1)))
    # A target for each row is what multi_quantile_loss takes; a column is the same, a row of its own is not.
    x, t = np.arange(12.0).reshape(4, 3), np.arange(4.0)
    assert fl.multi_quantile_loss(x, t) == fl.multi_quantile_loss(x, t[:, None])
    assert fl.multi_quantile_loss.grad(x, t, wrt="target").shape == (4,)
    with pytest.raises(ValueError, match=r"target.*\(3,\).*\(4, 3\)"):
        fl.multi_quantile_loss(x, t[:3])


def test_trap_012_a_nan_is_not_hidden():
    value, gradient = fl.quantile_loss.value_and_grad([NAN, INF], [0.0, INF], reduction="none")
    assert np.isnan(value).all()
    assert np.isnan(gradient).all()


@pytest.mark.parametrize(("loss", "level"), LEVELS)
def test_trap_019_levels_are_always_checked(loss, level):
    for bad in (0.0, 1.0, -0.5, 80.0, INF):
        with pytest.raises(ValueError, match=rf"{level} must be between 0 and 1, 0 excluded, 1 excluded, got"):
            loss([1.0, 2.0], [0.0, 3.0], bad)
        with pytest.raises(ValueError, match=level):
            loss.grad([1.0, 2.0], [0.0, 3.0], [0.5, bad])
    assert np.isnan(loss([1.0, 2.0], [0.0, 3.0], NAN))


def test_trap_019_delta_is_checked_and_zero_is_the_quantile_loss():
    x, t = np.array([3.0, 1.0, 2.0, -5.0]), np.array([1.0, 3.0, 2.0, 1e300])
    for bad in (-1.0, NAN, -INF):
        with pytest.raises(ValueError, match="delta"):
            fl.huber_quantile_loss(x, t, delta=bad)
    for dtype in (np.float32, np.float64):
        with np.errstate(over="ignore"):
            pair = x.astype(dtype), t.astype(dtype)
        sharp = fl.quantile_loss.value_and_grad(*pair, 0.75, reduction="none")
        smooth = fl.huber_quantile_loss.value_and_grad(*pair, 0.75, delta=0.0, reduction="none")
        np.testing.assert_array_equal(sharp, smooth)
        assert not fl.huber_quantile_loss.hess(*pair, 0.75, delta=0.0).any()


def test_trap_021_both_sides_count():
    u = np.array([-3.0, 3.0])
    for loss, _ in LEVELS[:3]:
        low, high = loss(np.zeros(2), u, 0.75, reduction="none")
        assert high == 3 * low > 0
        # The other level sees the mirror image.
        np.testing.assert_array_equal(loss(np.zeros(2), -u, 0.25, reduction="none"), [low, high])


def test_the_quantile_is_the_minimum():
    targets = np.random.default_rng(0).standard_normal(1001)
    for level in (0.1, 0.5, 0.75):
        best = np.quantile(targets, level)
        at = fl.quantile_loss(np.full(1001, best), targets, level)
        for step in (1e-3, -1e-3):
            assert fl.quantile_loss(np.full(1001, best + step), targets, level) > at
        # Of the two-sided mean squared distance the expectile is where the slope vanishes.
        low, high = targets.min(), targets.max()
        for _ in range(80):
            middle = (low + high) / 2
            slope = fl.expectile_loss.grad(np.full(1001, middle), targets, level).sum()
            low, high = (low, middle) if slope > 0 else (middle, high)
        above, below = np.maximum(targets - low, 0).sum(), np.maximum(low - targets, 0).sum()
        assert level * above == pytest.approx((1 - level) * below, rel=1e-9)


def test_the_median_and_the_mean_are_halves_of_l1_and_mse():
    x, t = np.array([2.5, 0.0, 2.0, 8.0]), np.array([3.0, -0.5, 2.0, 7.0])
    np.testing.assert_array_equal(2 * fl.quantile_loss.grad(x, t), fl.l1_loss.grad(x, t))
    np.testing.assert_array_equal(2 * fl.expectile_loss.grad(x, t), fl.mse_loss.grad(x, t))
    assert fl.huber_quantile_loss(x, t) == fl.huber_loss(x, t) / 2
    assert fl.pinball_loss is fl.quantile_loss


def test_levels_of_columns():
    x, t = np.arange(12.0).reshape(4, 3), np.array([2.0, 3.0, 9.0, 8.0])
    levels = np.array([0.2, 0.5, 0.9])
    columns = [fl.quantile_loss(x[:, k], t, levels[k]) for k in range(3)]
    assert fl.quantile_loss(x, t[:, None], levels) == pytest.approx(np.mean(columns), rel=1e-15)
    assert fl.multi_quantile_loss(x, t, levels) == pytest.approx(np.mean(columns), rel=1e-15)
    gradient = fl.multi_quantile_loss.grad(x, t, levels, wrt="quantiles", reduction="sum")
    np.testing.assert_allclose(gradient, (t[:, None] - x).sum(axis=0), rtol=1e-15)


def test_as_many_columns_as_quantiles():
    for columns in (1, 2, 4):
        with pytest.raises(ValueError, match=rf"multi_quantile_loss: quantiles.*\(3,\).*\(5, {columns}\)"):
            fl.multi_quantile_loss(np.ones((5, columns)), np.ones(5))
    with pytest.raises(ValueError, match=r"multi_quantile_loss: quantiles.*\(2,\).*\(5, 3\)"):
        fl.multi_quantile_loss(np.ones((5, 3)), np.ones(5), [0.1, 0.9])


def test_a_small_weight_of_a_huge_square():
    value = fl.expectile_loss(np.float32(0), np.float32(1e25), 1e-30)
    assert value == pytest.approx(1e20, rel=1e-6)

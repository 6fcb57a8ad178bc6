"""What focal losses get wrong in the wild, one test each; the numbers are those of the list of traps."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import cases
import fastloss as fl

focal, quality, varifocal, asymmetric = (
    fl.sigmoid_focal_loss,
    fl.quality_focal_loss,
    fl.varifocal_loss,
    fl.asymmetric_loss,
)
INF, LOG2, LONG = float("inf"), np.log(2.0), np.longdouble
GAMMAS = (0.0, 0.01, 0.5, 1.0, 1.3, 2.0, 5.0)


def finite(loss, operands, options):
    results = [
        *loss.value_and_grad(*operands, **options, reduction="none"),
        loss.hess(*operands, **options, reduction="none"),
    ]
    if loss is not varifocal:
        results.append(loss.grad(*operands, **options, reduction="none", wrt="target"))
    return all(np.isfinite(x).all() for x in results)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_070_no_gamma_gives_nan_at_saturation(dtype):
    logits = np.array([0, 1e-30, 20, 40, 88, 100, 104, 710, 746, 1e4, 1e30], dtype)
    logits = np.concatenate([logits, -logits])
    for exponent, target in itertools.product(GAMMAS, (0.0, 1.0, 0.3, 1e-30)):
        operands = logits, np.full_like(logits, target)
        assert finite(focal, operands, {"gamma": exponent})
        assert finite(quality, operands, {"beta": exponent})
        assert finite(varifocal, operands, {"gamma": exponent})
        assert finite(asymmetric, operands, {"gamma_neg": exponent, "gamma_pos": exponent})
        assert finite(asymmetric, operands, {"gamma_neg": exponent, "gamma_pos": exponent, "clip": 0.0, "eps": 0.0})


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_070_small_losses_are_not_zero(dtype):
    # p_t = 1 - e^-|z| nearly: l = e^-(gamma + 1) |z|.
    eps = float(np.finfo(dtype).eps)
    for gamma, z in ((0.5, 20.0), (1.0, 20.0), (2.0, 17.0), (2.0, 25.0), (5.0, 12.0)):
        exact = 0.25 * np.exp(-z) ** gamma / (1 + np.exp(-z)) ** gamma * np.log1p(np.exp(-z))
        value, slope = focal.value_and_grad(np.array([z], dtype), np.array([1], dtype), gamma=gamma)
        assert value == pytest.approx(exact, rel=16 * eps, abs=0)
        relative = gamma + np.exp(-z) / np.log1p(np.exp(-z))
        assert slope[0] == pytest.approx(-exact * relative / (1 + np.exp(-z)), rel=16 * eps, abs=0)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_071_gamma_zero_is_the_weighted_cross_entropy_to_the_bit(dtype):
    rng = cases.seed("gamma zero")
    logits = np.concatenate([8 * rng.standard_normal(3000), [0, 100, -100, 1e4, INF, -INF]]).astype(dtype)
    target = rng.integers(0, 2, logits.size).astype(dtype)
    value, slope = fl.binary_cross_entropy_with_logits.value_and_grad(logits, target, reduction="none")
    ours = focal.value_and_grad(logits, target, alpha=None, gamma=0.0, reduction="none")
    np.testing.assert_array_equal(ours[0], value, strict=True)
    np.testing.assert_array_equal(ours[1], slope, strict=True)
    factor = np.where(target == 1, dtype(0.75), dtype(0.25))
    np.testing.assert_array_equal(focal(logits, target, alpha=0.75, gamma=0.0, reduction="none"), factor * value)


def test_trap_072_the_mean_counts_what_is_kept():
    logits, target, keep = np.array([1.0, -2.0, 0.5]), np.array([1, 0, 0]), np.array([True, False, True])
    each = focal(logits, target, reduction="none")
    assert focal(logits, target, where=keep) == pytest.approx((each[0] + each[2]) / 2)
    assert focal(logits, target, normalizer=1.0) == pytest.approx(each.sum())
    # alpha does not enter the denominator, so it does not cancel.
    assert focal([1.0], [1], alpha=0.5) == pytest.approx(2 * focal([1.0], [1], alpha=0.25))


def test_trap_073_the_second_derivative_is_negative_where_very_wrong():
    curvatures = focal.hess([-4.0, -3.0], [1, 1], alpha=None, reduction="none")
    np.testing.assert_allclose(curvatures, [-0.0467, -0.0201], atol=5e-5)
    assert focal.hess([0.0], [1], alpha=None)[0] == pytest.approx(1 / 16 + 1 / 4 + LOG2 / 8, rel=1e-15)


def test_alpha_none_and_negative_are_off():
    for off in (None, -1, -1.0, -0.5):
        assert focal([0.0], [1.0], alpha=off) == pytest.approx(LOG2 / 4)
    assert focal.partial(alpha=None)([0.0], [1.0]) == pytest.approx(LOG2 / 4)
    for bad in (1.5, -2.0, float("nan")):
        with pytest.raises(ValueError, match="alpha"):
            focal([0.0], [1.0], alpha=bad)
    with pytest.raises(TypeError, match="gamma"):
        focal([0.0], [1.0], gamma=None)


def test_alpha_weights_the_positive_class():
    value = focal([0.0, 0.0], [1, 0], reduction="none")
    np.testing.assert_allclose(value, [0.25 * LOG2 / 4, 0.75 * LOG2 / 4])


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_powers_of_decayed_probabilities_keep_their_digits(dtype):
    # sigmoid(-z) is subnormal or 0 here, and its root, which the gradient in the target holds, is an ordinary number.
    for z in (95.0, 120.0) if dtype == np.float32 else (730.0, 900.0):
        exact = (z + 0.25) * np.exp(-z / 4)
        slope = focal.grad(np.array([-z], dtype), np.array([0], dtype), wrt="target", alpha=None, gamma=0.25)
        assert slope[0] == pytest.approx(exact, rel=float(8 * np.finfo(dtype).eps), abs=0)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_quality_focal_is_right_beside_its_target(dtype):
    # p - t is one rounding error of p, and the loss its square.
    t = np.nextafter(dtype(0.5), dtype(1))
    d = LONG(t) - LONG(0.5)
    value, slope = quality.value_and_grad(np.zeros(1, dtype), np.array([t]), reduction="none")
    assert value[0] == pytest.approx(float(d * d * np.log(LONG(2))), rel=float(8 * np.finfo(dtype).eps), abs=0)
    assert slope[0] == pytest.approx(float(-d / 2 * np.log(LONG(2))), rel=float(8 * np.finfo(dtype).eps), abs=0)


def test_varifocal_has_no_gradient_in_the_target():
    with pytest.raises(ValueError, match="target"):
        varifocal.grad([0.0], [0.5], wrt="target")
    assert varifocal([0.0], [0.5], iou_weighted=False) == pytest.approx(2 * varifocal([0.0], [0.5]))


def test_a_negative_of_varifocal_is_the_focal_loss():
    z = np.linspace(-30, 30, 121)
    for gamma in (0.5, 1.0, 2.0):
        ours = varifocal.value_and_grad(z, 0.0, gamma=gamma, alpha=0.5, reduction="none")
        theirs = focal.value_and_grad(z, 0.0, gamma=gamma, alpha=None, reduction="none")
        for x, y in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(x, 0.5 * y)


def test_easy_negatives_of_the_asymmetric_loss_count_nothing():
    z = np.array([-3.0, -20.0, -INF])  # sigmoid(-3) = 0.047
    value, slope = asymmetric.value_and_grad(z, np.zeros(3), reduction="none")
    assert value.tolist() == [0, 0, 0]
    assert slope.tolist() == [0, 0, 0]
    assert (asymmetric(z[:2], np.zeros(2), clip=0.0, reduction="none") > 0).all()


def test_without_exponents_and_clip_the_asymmetric_loss_is_the_cross_entropy():
    z, t = np.linspace(-30, 30, 61), np.linspace(0, 1, 61)
    plain = {"gamma_neg": 0.0, "gamma_pos": 0.0, "clip": 0.0, "eps": 0.0}
    exact = fl.binary_cross_entropy_with_logits.value_and_grad(z, t, reduction="none")
    for got, want in zip(asymmetric.value_and_grad(z, t, **plain, reduction="none"), exact, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-14, atol=1e-15)


def test_the_bound_of_the_asymmetric_loss_stops_the_slope():
    value, slope = asymmetric.value_and_grad([-25.0], [1.0])
    assert value == pytest.approx(-np.log(1e-8))
    assert abs(slope[0]) < 1e-8
    assert asymmetric.grad([-25.0], [1.0], eps=0.0)[0] == pytest.approx(-1)

"""What losses between the squared and the absolute error get wrong in the wild."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

import cases
import fastloss as fl

INF, NAN = float("inf"), float("nan")
OF_RESIDUALS = ("smooth_l1_loss", "pseudo_huber_loss", "charbonnier_loss", "log_cosh_loss", "lp_loss")
OF_RESIDUALS += ("l2_loss", "epsilon_insensitive_loss")
OPTIONS = [
    (fl.smooth_l1_loss, "beta", (-1.0, NAN, -INF)),
    (fl.pseudo_huber_loss, "delta", (0.0, -1.0, NAN, INF)),
    (fl.charbonnier_loss, "eps", (-1e-9, NAN)),
    (fl.lp_loss, "p", (0.0, -1.0, NAN, INF)),
    (fl.epsilon_insensitive_loss, "epsilon", (-0.1, NAN)),
]


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_017_a_huge_residual(dtype):
    huge = np.array([1e-2, -1e-2, 1], dtype) * np.finfo(dtype).max
    zero = np.zeros(3, dtype)
    expected = {"smooth_l1_loss": {"beta": 2.0}, "charbonnier_loss": {}, "log_cosh_loss": {}, "pseudo_huber_loss": {}}
    for name, options in expected.items():
        value, gradient = cases.loss(name).value_and_grad(huge, zero, **options, reduction="none")
        rounding = 4 * np.finfo(dtype).eps
        np.testing.assert_allclose(value, np.abs(huge), rtol=rounding, err_msg=name)
        np.testing.assert_allclose(gradient, np.sign(huge), rtol=rounding, err_msg=name)
        assert not cases.loss(name).hess(huge, zero, **options).any()


def test_trap_018_smooth_l1_is_huber_divided_by_its_threshold():
    x, t = [1.0, 5.0], [0.0, 0.0]
    np.testing.assert_array_equal(fl.smooth_l1_loss(x, t, beta=2.0, reduction="none"), [0.25, 4.0])
    np.testing.assert_array_equal(fl.huber_loss(x, t, delta=2.0, reduction="none"), [0.5, 8.0])


@pytest.mark.parametrize(("loss", "option", "bad"), OPTIONS)
def test_trap_019_options_are_validated(loss, option, bad):
    for x in bad:
        with pytest.raises(ValueError, match=option):
            loss([1.0], [0.0], **{option: x})


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_019_a_width_of_zero_is_exactly_l1(dtype):
    rng = np.random.default_rng(19)
    x, t = rng.standard_normal((2, 500)).astype(dtype)
    x[::7] = t[::7]
    exact = fl.l1_loss.value_and_grad(x, t, reduction="none")
    for loss, options in (
        (fl.smooth_l1_loss, {"beta": 0.0}),
        (fl.charbonnier_loss, {"eps": 0.0}),
        (fl.lp_loss, {"p": 1.0}),
        (fl.epsilon_insensitive_loss, {"epsilon": 0.0}),
    ):
        for ours, l1 in zip(loss.value_and_grad(x, t, **options, reduction="none"), exact, strict=True):
            np.testing.assert_array_equal(ours, l1, err_msg=loss.__name__)
        assert not loss.hess(x, t, **options).any()
    for ours, mse in zip(fl.lp_loss.grad_and_hess(x, t, p=2.0), fl.mse_loss.grad_and_hess(x, t), strict=True):
        np.testing.assert_array_equal(ours, mse)
    assert fl.lp_loss(x, t) == fl.mse_loss(x, t)
    assert fl.l2_loss(x, t) == fl.mse_loss(x, t) / 2


@pytest.mark.parametrize("dtype", [np.float16, ml_dtypes.bfloat16])
def test_trap_020_half_precision_intermediates(dtype):
    x, t = np.array([300.0], dtype), np.array([0.0], dtype)
    exact = float(x[0])
    assert fl.smooth_l1_loss(x, t, beta=1000.0) == pytest.approx(exact**2 / 2000, rel=1e-6)
    assert fl.smooth_l1_loss.grad(x, t, beta=1000.0).dtype == dtype
    assert fl.l2_loss(x, t) == exact**2 / 2
    assert fl.pseudo_huber_loss(x, t, delta=1000.0) == pytest.approx(
        1e6 * (np.sqrt(1 + (exact / 1000) ** 2) - 1), rel=1e-6
    )
    assert fl.lp_loss(x, t, p=3.0) == pytest.approx(exact**3, rel=1e-6)


@pytest.mark.parametrize("name", OF_RESIDUALS)
def test_trap_021_both_sides_count(name):
    r = np.array([1e-6, 0.3, 0.9, 2.0, 50.0])
    value, gradient = cases.loss(name).value_and_grad(np.r_[r, -r], np.zeros(10), reduction="none")
    np.testing.assert_array_equal(value[:5], value[5:])
    np.testing.assert_array_equal(gradient[:5], -gradient[5:])
    assert (gradient[1:5] > 0).all()


def test_trap_022_the_value_overflows_the_gradient_does_not():
    for loss, options, slope in (
        (fl.l2_loss, {}, 3e19),
        (fl.lp_loss, {}, 6e19),
        (fl.lp_loss, {"p": 2.5}, 2.5 * 3e19**1.5),
    ):
        value, gradient = loss.value_and_grad(np.float32(3e19), np.float32(0), **options)
        assert value == INF
        assert gradient == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_024_log_cosh_does_not_overflow(dtype):
    x = np.array([100, -100, 1000, -1e30], dtype)
    value, gradient = fl.log_cosh_loss.value_and_grad(x, np.zeros(4, dtype), reduction="none")
    np.testing.assert_allclose(value, np.abs(x) - np.log(2), rtol=2e-7 if dtype == np.float32 else 2e-16)
    np.testing.assert_array_equal(gradient, np.sign(x))


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_025_small_residuals_keep_their_digits(dtype):
    r = np.array([1e-4, -1e-4, 1e-6, 1e-9, 1e-18], dtype)
    slack = 1e-8 + 4 * float(np.finfo(dtype).eps)
    half_square = r.astype(np.longdouble) ** 2 / 2
    for name in ("log_cosh_loss", "pseudo_huber_loss", "smooth_l1_loss"):
        value, gradient = cases.loss(name).value_and_grad(r, np.zeros(5, dtype), reduction="none")
        # The next term of the series is smaller by r^2 / 6 at most.
        np.testing.assert_allclose(value.astype(np.longdouble), half_square, rtol=slack, err_msg=name)
        np.testing.assert_allclose(gradient, r, rtol=slack, err_msg=name)
    curve = fl.log_cosh_loss.hess(r, np.zeros(5, dtype), reduction="none")
    np.testing.assert_allclose(curve, 1, rtol=2e-8 + slack)


def test_pseudo_huber_is_a_shifted_charbonnier():
    r = np.linspace(-3, 3, 101)
    ours = fl.pseudo_huber_loss(r, 0.0, delta=0.5, reduction="none")
    np.testing.assert_allclose(ours, 0.5 * (fl.charbonnier_loss(r, 0.0, eps=0.5, reduction="none") - 0.5), atol=1e-15)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_options_that_the_dtype_cannot_hold(dtype):
    x, t = np.array([2.0, 0.0, INF], dtype), np.zeros(3, dtype)
    for delta in (1e-300, 1e300):
        value, gradient = fl.pseudo_huber_loss.value_and_grad(x, t, delta=delta, reduction="none")
        assert not np.isnan(value).any()
        assert not np.isnan(gradient).any()
        assert value[0] == pytest.approx(2.0 if delta > 1 else 0.0, abs=1e-6)
    assert fl.charbonnier_loss.grad(x, t, eps=1e-300, reduction="sum").tolist() == [1.0, 0.0, 1.0]


def test_a_power_without_a_slope_at_its_cusp():
    for p in (0.25, 0.5, 0.75, 1.0):
        gradient, hessian = fl.lp_loss.grad_and_hess([1.0, 1.0], [1.0, 0.0], p=p, reduction="sum")
        assert gradient.tolist() == [0.0, p]
        assert hessian.tolist() == [0.0, p * (p - 1)]

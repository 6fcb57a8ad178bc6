"""What relative errors get wrong in the wild, one test each."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl

INF = float("inf")


def f32(*values):
    return np.array(values, np.float32)


def test_trap_026_a_target_of_zero():
    # The target enters the denominator as eps; it neither divides by 0 nor counts as 10^15.
    value, gradient = fl.mape_loss.value_and_grad([1.0, 0.0], [0.0, 0.0], reduction="none")
    np.testing.assert_allclose(value, [1e7, 0.0], rtol=1e-15)
    np.testing.assert_allclose(gradient, [1e7, 0.0], rtol=1e-15)
    np.testing.assert_array_equal(fl.mape_loss([0.0, 1.0], [1.0, 1.0], reduction="none"), [1.0, 0.0])
    assert fl.mape_loss([1.0], [0.0], eps=0.5) == 2.0
    with pytest.raises(ValueError, match="eps"):
        fl.mape_loss([1.0], [1.0], eps=0.0)


def test_trap_026_the_factor_is_one():
    assert fl.mape_loss([110.0], [100.0]) == pytest.approx(0.1, rel=1e-15)
    assert fl.mape_loss([110.0], [100.0], scale=100.0) == pytest.approx(10.0, rel=1e-15)
    np.testing.assert_allclose(fl.mape_loss.grad([110.0, 90.0], [100.0, -100.0], reduction="none"), [0.01, 0.01])


def test_mape_has_a_gradient_in_the_target():
    # |x / t - 1| depends on t as x / t does.
    np.testing.assert_allclose(
        fl.mape_loss.grad([3.0, 1.0, -3.0], [2.0, 2.0, 2.0], wrt="target", reduction="none"), [-0.75, 0.25, -0.75]
    )


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_smape_of_nothing_is_nothing(dtype):
    zeros = np.zeros(3, dtype)
    for eps in (1e-8, 0.0):
        value, gradients = fl.smape_loss.value_and_grad(
            zeros, -zeros, eps=eps, reduction="none", wrt=("input", "target")
        )
        for result in (value, *gradients, fl.smape_loss.hess(zeros, zeros, eps=eps, reduction="none")):
            np.testing.assert_array_equal(result, zeros)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_smape_lies_between_zero_and_one(dtype):
    rng = cases.seed("smape range", np.dtype(dtype))
    x = rng.standard_normal(5000).astype(dtype) * np.exp2(rng.integers(-100, 100, 5000)).astype(dtype)
    t = rng.standard_normal(5000).astype(dtype) * np.exp2(rng.integers(-100, 100, 5000)).astype(dtype)
    value = fl.smape_loss(x, t, eps=0.0, reduction="none")
    assert value.min() >= 0
    assert value.max() == 1
    # Opposite signs: exactly 1, exactly flat.
    apart = np.sign(x) != np.sign(t)
    assert np.all(value[apart] == 1)
    assert not fl.smape_loss.grad(x, t, eps=0.0, reduction="none")[apart].any()


def test_relative_errors_of_huge_operands():
    huge = f32(3e38)
    assert fl.mape_loss(huge, -huge) == 2
    assert fl.smape_loss(huge, -huge) == 1
    assert fl.smape_loss(huge, huge / 3) == pytest.approx(0.5, rel=1e-6)
    np.testing.assert_allclose(fl.smape_loss.grad(huge, huge / 3), f32(0.375 / 3e38), rtol=1e-6)


def test_trap_027_msle_at_and_below_minus_one():
    x = np.array([-1.0, -1.5, -INF, -0.5])
    value, gradient = fl.msle_loss.value_and_grad(x, np.zeros(4), reduction="none")
    np.testing.assert_array_equal(value[:3], [INF, np.nan, np.nan])
    np.testing.assert_array_equal(gradient[:3], [-INF, np.nan, np.nan])
    assert value[3] == pytest.approx(np.log(0.5) ** 2, rel=1e-15)
    # Both below: the logarithm of their quotient exists, theirs do not.
    value, gradient = fl.msle_loss.value_and_grad([-2.0], [-3.0])
    assert np.isnan(value)
    assert np.isnan(gradient).all()
    assert np.isnan(fl.msle_loss.grad([-2.0], [-3.0], wrt="target")).all()
    with fl.errstate(domain="raise"):
        assert fl.msle_loss([-1.0], [0.0]) == INF
        with pytest.raises(ValueError, match="input"):
            fl.msle_loss([-1.25], [0.0])
        with pytest.raises(ValueError, match="target"):
            fl.msle_loss([0.0], [-1.25])


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_msle_of_close_and_of_distant_operands(dtype):
    eps = np.finfo(dtype).eps
    t = np.array([1.0, 1000.0, 0.0, 1e30], dtype)
    x = np.nextafter(t, dtype(INF))
    exact = np.log1p((x.astype(cases.LONG) - t) / (1 + t.astype(cases.LONG)))
    with np.errstate(under="ignore"):
        expected = (exact**2).astype(dtype)
    np.testing.assert_allclose(fl.msle_loss(x, t, reduction="none"), expected, rtol=8 * eps)
    np.testing.assert_allclose(
        fl.msle_loss.grad(x, t, reduction="none"), 2 * exact / (1 + x.astype(cases.LONG)), rtol=8 * eps
    )
    # The quotient of 1 + x and 1 + t overflows, the difference of their logarithms does not.
    top, bottom = np.finfo(dtype).max, np.nextafter(dtype(-1), dtype(0))
    expected = (np.log1p(np.longdouble(top)) - np.log1p(np.longdouble(bottom))) ** 2
    for x, t in ((top, bottom), (bottom, top)):
        np.testing.assert_allclose(fl.msle_loss(np.array([x]), np.array([t])), float(expected), rtol=8 * eps)

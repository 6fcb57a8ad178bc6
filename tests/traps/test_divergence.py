"""What divergences get wrong in the wild; the numbers are those of the project's list of traps."""

from __future__ import annotations

import numpy as np
import pytest

import cases
import fastloss as fl
from references import REFERENCES

INF = float("inf")
P = np.array([[0.36, 0.48, 0.16]])
Q = np.array([[1 / 3, 1 / 3, 1 / 3]])


def test_trap_002_nothing_broadcasts_silently():
    for x, t in (((2, 1), (2,)), ((2,), (2, 1)), ((1, 2), (2, 2))):
        with pytest.raises(ValueError, match=r"kl_div.*target"):
            fl.kl_div(np.zeros(x), np.ones(t))


def test_trap_004_067_the_mean_is_not_the_divergence():
    x, t = np.log(np.repeat(Q, 2, axis=0)), np.repeat(P, 2, axis=0)
    divergence = float(np.sum(P * np.log(P / Q)))
    assert fl.kl_div(x, t, reduction="batchmean") == pytest.approx(divergence, rel=1e-14)
    assert fl.kl_div(x, t) == pytest.approx(divergence / 3, rel=1e-14)
    assert fl.kl_div(x, t, reduction="sum") == pytest.approx(2 * divergence, rel=1e-14)


def test_trap_068_batchmean_of_one_distribution_divides_by_its_classes():
    x, t = np.log([0.5, 0.5]), np.array([0.25, 0.75])
    assert fl.kl_div(x, t, reduction="batchmean") == fl.kl_div(x, t, reduction="sum") / 2


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_064_065_a_target_of_zero(dtype):
    x, t = np.array([-1, -INF, 0], dtype), np.zeros(3, dtype)
    value, (in_input, in_target) = fl.kl_div.value_and_grad(x, t, reduction="none", wrt=("input", "target"))
    for result in (value, in_input, in_target):
        np.testing.assert_array_equal(result, np.zeros(3, dtype), strict=True)
    value, gradient = fl.kl_div.value_and_grad(np.array([-INF], dtype), np.array([0.25], dtype))
    assert value == INF
    assert gradient == -0.25


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("masked", [-INF, -1e9])
def test_trap_066_log_targets_whose_exponential_is_zero(masked, dtype):
    # Masks of -inf and of a large number meet: 0, and not inf or NaN.
    x, t = np.array([-INF, -1e9, -1], dtype), np.full(3, masked, dtype)
    for loss, a, b in ((fl.kl_div, x, t), (fl.reverse_kl_div, t, x)):
        for operand in ("input", "target"):
            value, gradient = loss.value_and_grad(a, b, log_target=True, reduction="none", wrt=operand)
            np.testing.assert_array_equal(value, np.zeros(3, dtype), strict=True)
            np.testing.assert_array_equal(gradient, np.zeros(3, dtype), strict=True)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_a_prediction_that_vanishes_costs_nothing_against_a_target_of_zero(dtype):
    x, t = np.array([-200 if dtype == np.float32 else -1500], dtype), np.zeros(1, dtype)
    for operand in ("input", "target"):
        value, gradient = fl.reverse_kl_div.value_and_grad(x, t, wrt=operand)
        assert value == 0
        assert gradient == 0


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_products_outlive_their_exponential(dtype):
    # exp(z) is 0 in the dtype, and its product with a large difference is not.
    z = np.array([-120 if dtype == np.float32 else -760], dtype)
    far = np.array([-1e20], dtype)
    exact = np.exp(z.astype(cases.LONG)) * (z.astype(cases.LONG) - far.astype(cases.LONG))
    np.testing.assert_allclose(fl.kl_div(far, z, log_target=True), exact[0], rtol=1e-6)
    np.testing.assert_allclose(fl.reverse_kl_div(z, far, log_target=True), exact[0], rtol=1e-6)


def test_trap_069_log_probabilities_are_asked_for():
    with fl.errstate(domain="raise"):
        with pytest.raises(ValueError, match=r"input must be <= 0"):
            fl.kl_div(Q, P)
        with pytest.raises(ValueError, match="target"):
            fl.kl_div(np.log(Q), np.log(P))
        with pytest.raises(ValueError, match="target"):
            fl.kl_div(np.log(Q), P, log_target=True)
        fl.kl_div(np.log(Q), P)
        fl.kl_div(np.log(Q), np.log(P), log_target=True)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("name", ["generalized_kl_div", "hellinger_loss"])
def test_small_losses_keep_their_digits(name, dtype):
    steps = np.arange(1, 60)
    x = np.float64(1.5) + steps * np.finfo(dtype).eps
    t = np.full(steps.size, 1.5)
    d = (x - t).astype(cases.LONG)
    exact = (
        d * d / (2 * t) * (1 - 2 * d / (3 * t)) if name == "generalized_kl_div" else d * d / (8 * t) * (1 - d / (2 * t))
    )
    got = cases.loss(name)(x.astype(dtype), t.astype(dtype), reduction="none")
    np.testing.assert_allclose(got, exact.astype(dtype), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("alpha", [-3.0, -1.0, 0.0, 0.25, 0.5, 1.0, 1.5, 2.0, 7.0])
def test_small_alpha_divergences_keep_their_digits(alpha, dtype):
    steps = np.arange(1, 60)
    x = (np.float64(1.5) + np.concatenate([-steps, steps]) * np.finfo(dtype).eps).astype(dtype)
    t = np.full(x.size, 1.5, dtype)
    f = (t.astype(cases.LONG) - x) / x
    exact = x * f * f / 2 * (1 + (alpha - 2) * f / 3 * (1 + (alpha - 3) * f / 4))
    got, gradient = fl.alpha_divergence.value_and_grad(x, t, alpha=alpha, reduction="none")
    np.testing.assert_allclose(got, exact.astype(dtype), rtol=4 * np.finfo(dtype).eps)
    slope = -f * (1 + (alpha - 1) * f / 2 * (1 + (alpha - 2) * f / 3))
    np.testing.assert_allclose(gradient, slope.astype(dtype), rtol=4 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("limit", [0.0, 1.0])
def test_the_limits_of_the_alpha_divergence_are_approached_without_cancellation(limit, dtype):
    rng = cases.seed("alpha", limit, dtype)
    x, t = (np.exp(3 * rng.standard_normal(500)).astype(dtype) for _ in range(2))
    a, b = (x, t) if limit else (t, x)
    expected = fl.generalized_kl_div(a, b, reduction="none")
    for distance in (0.0, 1e-30, np.finfo(dtype).eps / 4):
        got = fl.alpha_divergence(x, t, alpha=limit - distance, reduction="none")
        np.testing.assert_allclose(got, expected, rtol=64 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_alpha_divergences_with_a_name(dtype):
    rng = cases.seed("alpha names", dtype)
    x, t = (rng.uniform(0.1, 4, 500).astype(dtype) for _ in range(2))
    wide_x, wide_t = x.astype(cases.LONG), t.astype(cases.LONG)
    square = (wide_x - wide_t) ** 2 / 2
    named = {0.5: 4 * fl.hellinger_loss(x, t, reduction="none"), 2.0: square / wide_x, -1.0: square / wide_t}
    for alpha, expected in named.items():
        got = fl.alpha_divergence(x, t, alpha=alpha, reduction="none")
        error = np.abs(got - expected) <= 16 * np.finfo(dtype).eps * (expected + (dtype == np.float64) * np.abs(x - t))
        assert error.all(), alpha


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("alpha", [40.0, -300.0])
def test_large_exponents_keep_their_digits(alpha, dtype):
    reference = REFERENCES["alpha_divergence"]
    operands = cases.sample(reference, cases.seed("alpha", alpha, dtype), 4000, dtype, "wide")
    exact = cases.Exact(reference, operands, {"alpha": alpha}, dtype)
    for quantity in cases.quantities("alpha_divergence"):
        got = cases.compute("alpha_divergence", quantity, operands, {"alpha": alpha})
        cases.assert_within(got, exact(quantity), exact.bound(quantity), dtype, quantity)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("beta", [0.5, 0.1, 0.99])
def test_small_mixture_divergences_keep_their_digits(beta, dtype):
    steps = np.concatenate([-np.arange(1, 60), np.arange(1, 60)])
    x = np.full(steps.size, -0.75, dtype)
    y = (x * (1 + steps * np.finfo(dtype).eps)).astype(dtype)
    s, d, b = np.exp(cases.LONG(-0.75)), y.astype(cases.LONG) - x, cases.LONG(dtype(beta))
    # To the second order in d, the distance of the logarithms.
    exact = b * (1 - b) * s * d * d / 2 * (1 + (2 - b) * d / 3)
    value, gradient = fl.js_div.value_and_grad(x, y, beta=beta, log_target=True, reduction="none")
    np.testing.assert_allclose(value, exact.astype(dtype), rtol=8 * np.finfo(dtype).eps)
    slope = -b * (1 - b) * s * d * (1 + (1 - b) * d / 2)
    np.testing.assert_allclose(gradient, slope.astype(dtype), rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("log_target", [False, True])
def test_a_mixture_divergence_is_bounded_symmetric_and_between_the_two_others(log_target):
    rng = cases.seed("mixture", log_target)
    p, q = (rng.dirichlet(np.full(20, 3.0), 50) for _ in range(2))
    call = {"log_target": log_target, "reduction": "batchmean"}
    a, b = (p, q) if not log_target else (np.log(p), np.log(q))
    divergence = fl.js_div(np.log(q), a, **call)
    assert 0 < divergence < np.log(2)
    assert fl.js_div(np.log(p), b, **call) == pytest.approx(divergence, rel=1e-13)
    assert fl.js_div(np.log(p), b, beta=0.3, **call) == pytest.approx(
        fl.js_div(np.log(q), a, beta=0.7, **call), rel=1e-13
    )
    tiny = 1e-9
    for beta, other in ((tiny, fl.kl_div), (1 - tiny, fl.reverse_kl_div)):
        limit = other(np.log(q), a, **call)
        assert fl.js_div(np.log(q), a, beta=beta, **call) / tiny == pytest.approx(limit, rel=1e-6)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_a_confident_student_is_pushed_even_where_its_probability_vanishes(dtype):
    # exp(-100) is subnormal in float32: the slope keeps the digits that it has not.
    x = np.array([-100, -100], dtype)
    wide = x.astype(cases.LONG)
    s, t = np.exp(wide), np.array([1, 1e-20], dtype).astype(cases.LONG)
    exact = s * (wide - np.log((s + t) / 2)) / 2
    gradient = fl.js_div.grad(x, t.astype(dtype), reduction="sum")
    np.testing.assert_allclose(
        gradient, exact.astype(dtype), rtol=8 * np.finfo(dtype).eps, atol=2e-45 if dtype == np.float32 else 0
    )

"""What likelihoods and scoring rules get wrong elsewhere: shapes of scales, limits of distributions, scales near 0."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest

import cases
import fastloss as fl

SCALED = {
    "gaussian_nll_loss": "var",
    "laplace_nll_loss": "scale",
    "log_normal_nll_loss": "scale",
    "student_t_nll_loss": "scale",
    "von_mises_nll_loss": "concentration",
    "crps_gaussian": "scale",
    "crps_laplace": "scale",
    "crps_logistic": "scale",
}
MORE = {"student_t_nll_loss": {"df": 3.0}}


def call(name, x, t, scale, **keywords):
    return cases.loss(name)(x, t, **{SCALED[name]: scale}, **MORE.get(name, {}), **keywords)


@pytest.mark.parametrize("name", SCALED)
def test_a_scale_may_have_extents_of_1_anywhere(name):
    # torch raises for some of these shapes of a variance.
    rng = cases.seed(name)
    x, t = rng.standard_normal((4, 3, 2, 2)), rng.random((4, 3, 2, 2)) + 0.1
    for shape in ((4, 1, 2, 2), (4, 3, 1, 1), (1, 1, 1, 1), (4, 3, 2), ()):
        scale = rng.random(shape) + 0.5
        full = np.broadcast_to(scale[..., None] if shape == (4, 3, 2) else scale, x.shape)
        np.testing.assert_array_equal(
            call(name, x, t, scale, reduction="none"), call(name, x, t, full.copy(), reduction="none")
        )


@pytest.mark.parametrize("name", SCALED)
def test_a_scale_of_one_rank_less_holds_one_number_for_each_row(name):
    x, t, scale = np.array([[0.5, 1.5], [2.5, -1.0]]), np.array([[0.25, 1.0], [2.0, 0.5]]), np.array([1.0, 4.0])
    rows = [call(name, x[i], t[i], scale[i], reduction="none") for i in (0, 1)]
    np.testing.assert_array_equal(call(name, x, t, scale, reduction="none"), rows)


@pytest.mark.parametrize("name", SCALED)
def test_a_negative_scale_is_an_error_in_every_call(name):
    with pytest.raises(ValueError, match=SCALED[name]):
        call(name, np.ones(3), np.ones(3), np.array([1.0, -1e-30, 1.0]))


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_beta_weighs_the_likelihood_and_has_no_gradient_of_its_own(dtype):
    rng = cases.seed("beta")
    x, t = rng.standard_normal((2, 500)).astype(dtype)
    var = np.exp(rng.standard_normal(500)).astype(dtype)
    plain = [fl.gaussian_nll_loss(x, t, var, reduction="none")]
    plain += fl.gaussian_nll_loss.grad(x, t, var, wrt=("input", "target", "var"), reduction="none")
    for beta in (0.0, 0.25, 0.5, 1.0):
        weighed = [fl.gaussian_nll_loss(x, t, var, beta=beta, reduction="none")]
        weighed += fl.gaussian_nll_loss.grad(x, t, var, beta=beta, wrt=("input", "target", "var"), reduction="none")
        for one, other in zip(plain, weighed, strict=True):
            exact = var.astype(float) ** beta * one
            # The value and the gradient in var have two terms, which may cancel.
            terms = var.astype(float) ** beta * (
                np.abs(np.log(var)) / 2 + (x - t) ** 2 / (2 * var) * (1 + 1 / var) + 1 / var
            )
            assert np.all(np.abs(other - exact) <= 4 * np.finfo(dtype).eps * (np.abs(exact) + terms))
    np.testing.assert_array_equal(fl.gaussian_nll_loss(x, t, var, beta=0.0, reduction="none"), plain[0])
    # At 1 the means are fitted as by the squared error.
    slope = fl.gaussian_nll_loss.grad(x, t, var, beta=1.0, reduction="none")
    np.testing.assert_allclose(slope, x - t, rtol=4 * np.finfo(dtype).eps)


def exact_student_t(z, df):
    """Value and derivative in df with 60 digits, at scale 1."""
    with mp.workdps(60):
        z, df = mp.mpf(z), mp.mpf(df)

        def value(n):
            return mp.loggamma(n / 2) - mp.loggamma((n + 1) / 2) + mp.log(n / 2) / 2 + (n + 1) / 2 * mp.log1p(z * z / n)

        slope = (
            mp.log1p(z * z / df)
            - (df + 1) / df * z * z / (df + z * z)
            + 1 / df
            + mp.digamma(df / 2)
            - mp.digamma((df + 1) / 2)
        ) / 2
        return float(value(df)), float(slope)


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("z", [0.0, 0.25, 1.0, 3.0, 100.0])
@pytest.mark.parametrize("df", [1e-3, 0.5, 1.0, 2.0, 7.5, 30.0, 1e3, 1e6, 1e9, 1e15])
def test_student_t_from_heavy_tails_to_the_normal_limit(df, z, dtype):
    # Differences of lgamma and digamma have no digit left here: the gradient in df falls as 1 / df^2.
    df = float(dtype(df))
    want, want_slope = exact_student_t(z, df)
    operands = [np.array([x], dtype) for x in (z, 0.0, 1.0, df)]
    eps = np.finfo(dtype).eps
    np.testing.assert_allclose(fl.student_t_nll_loss(*operands), want, rtol=4 * eps)
    np.testing.assert_allclose(fl.student_t_nll_loss.grad(*operands, wrt="df"), want_slope, rtol=32 * eps)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_student_t_with_infinite_df_is_the_normal_likelihood(dtype):
    rng = cases.seed("normal limit")
    x, t = rng.standard_normal((2, 500)).astype(dtype)
    scale = np.exp(rng.standard_normal(500)).astype(dtype)
    for full in (False, True):
        student = fl.student_t_nll_loss(x, t, scale, dtype(np.inf), full=full, reduction="none")
        normal = fl.gaussian_nll_loss(x, t, scale * scale, full=full, reduction="none")
        np.testing.assert_allclose(student, normal, rtol=1e-5 if dtype is np.float32 else 1e-13, atol=1e-6)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_student_t_outliers_do_not_overflow(dtype):
    # The square of the quotient leaves the range of the dtype; its logarithm does not.
    largest = np.finfo(dtype).max
    value, slope = fl.student_t_nll_loss.value_and_grad(
        np.array([largest, -largest]), np.zeros(2, dtype), np.array([1.0, 1e-6], dtype), dtype(3.0), reduction="none"
    )
    with mp.workdps(30):
        want = [
            float(mp.log(s) + 2 * mp.log1p((mp.mpf(float(largest)) / s) ** 2 / 3)) + exact_student_t(0.0, 3.0)[0]
            for s in (mp.mpf(1), mp.mpf(float(dtype(1e-6))))
        ]
    np.testing.assert_allclose(value, want, rtol=4 * np.finfo(dtype).eps)
    np.testing.assert_allclose(slope * largest, [4.0, -4.0], rtol=8 * np.finfo(dtype).eps)


@pytest.mark.parametrize("name", ["crps_gaussian", "crps_laplace", "crps_logistic"])
@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_scores_of_a_vanishing_scale_are_the_absolute_error(name, dtype):
    x = np.array([-3e38, -1.0, 0.0, 1e-30, 2.0, 3e38], dtype)
    for scale in (0.0, np.finfo(dtype).smallest_subnormal, 1e-37):
        value, slope = cases.loss(name).value_and_grad(x, dtype(0), dtype(scale), reduction="none")
        np.testing.assert_allclose(value, np.abs(x), rtol=1e-6, atol=1e-37)
        np.testing.assert_array_equal(slope, np.sign(x))


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_the_laplace_score_has_no_kink_where_the_forecast_is_right(dtype):
    # |z| + exp(-|z|), differentiated term by term, has the second derivative 1 only away from 0.
    z = np.array([0.0, -0.0, 1e-30, -1e-3], dtype)
    np.testing.assert_allclose(fl.crps_laplace.hess(z, dtype(0), dtype(1), reduction="none"), np.exp(-np.abs(z)))
    np.testing.assert_allclose(
        fl.crps_laplace.grad(z, dtype(0), dtype(1), reduction="none"), -np.sign(z) * np.expm1(-np.abs(z))
    )


@pytest.mark.parametrize("name", ["crps_gaussian", "crps_laplace", "crps_logistic"])
def test_scores_are_integrals_of_the_squared_error_of_the_distribution(name):
    # The definition: the integral of (F(u) - 1[u >= t])^2, by the midpoint rule.
    r, scale = np.array([-2.5, -0.3, 0.0, 1.0, 4.0]), np.array([0.5, 1.0, 2.0, 0.75, 1.5])
    u = (np.arange(400_000) + 0.5) / 400_000 * 160 - 80
    distribution = {
        "crps_gaussian": lambda z: 0.5 * (1 + fl._core.elementary("erf", z / np.sqrt(2))),
        "crps_laplace": lambda z: np.where(z < 0, 0.5 * np.exp(-np.abs(z)), 1 - 0.5 * np.exp(-np.abs(z))),
        "crps_logistic": lambda z: 0.5 * (1 + np.tanh(z / 2)),
    }[name]
    want = [np.sum((distribution(u / s) - (u >= -x)) ** 2) * 160 / 400_000 for x, s in zip(r, scale, strict=True)]
    np.testing.assert_allclose(cases.loss(name)(r, 0.0, scale, reduction="none"), want, atol=3e-4)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_angles_are_the_same_after_a_turn(dtype):
    # 7 half turns away in float32, and far more than the digits of pi in three words count in either dtype.
    k = dtype(2.5)
    for angle in (0.3, 22.0, 1e5, 1e15, 1e30):
        x = np.array([angle], dtype)
        with mp.workdps(400):
            want = mp.log(mp.besseli(0, 2.5)) - mp.mpf(2.5) * mp.cos(mp.mpf(float(x[0])))
            slope = mp.mpf(2.5) * mp.sin(mp.mpf(float(x[0])))
        value, gradient = fl.von_mises_nll_loss.value_and_grad(x, dtype(0), k)
        np.testing.assert_allclose(value, float(want), rtol=0, atol=16 * np.finfo(dtype).eps)
        np.testing.assert_allclose(gradient, float(slope), rtol=0, atol=16 * np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_a_concentrated_angle_is_a_normal_number(dtype):
    # Bessel functions overflow at 90 in float32; for large k, k is 1 / variance.
    k, r = np.array([1e3, 1e6, 1e30], dtype), np.array([0.0, 1e-3, 1e-15], dtype)
    value = fl.von_mises_nll_loss(r, dtype(0), k, full=True, reduction="none")
    normal = fl.gaussian_nll_loss(r, dtype(0), 1 / k, full=True, eps=1e-37, reduction="none")
    np.testing.assert_allclose(value, normal, rtol=1e-3)

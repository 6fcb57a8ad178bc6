"""What likelihoods of counts get wrong in the wild, one test each; the numbers are those of the list of traps."""

from __future__ import annotations

import itertools
import math

import mpmath as mp
import numpy as np
import pytest

import cases
import fastloss as fl

INF, NAN = float("inf"), float("nan")


def everything(loss, *operands, **options):
    """The value and the gradients in all operands, of one element."""
    wrt = tuple(o.name for o in loss.info.operands[: len(operands)] if o.differentiable)
    value, gradients = loss.value_and_grad(*([x] for x in operands), **options, wrt=wrt)
    return [float(value), *(float(g[0]) for g in gradients)]


def test_trap_028_a_rate_of_zero():
    rate = fl.poisson_nll_loss.partial(log_input=False)
    assert everything(rate, 0.0, 0.0)[:2] == [0.0, 1.0]
    assert everything(rate, 0.0, 1.0) == pytest.approx([-math.log(1e-8), 1 - 1e8, -math.log(1e-8)], rel=1e-15)
    # Where PyTorch has NaN.
    assert everything(rate, 0.0, 0.0, eps=0.0) == [0.0, 1.0, INF]
    assert everything(rate, 0.0, 1.0, eps=0.0) == [INF, -INF, INF]


@pytest.mark.parametrize("dtype", cases.DTYPES)
def test_trap_028_a_rate_that_overflows(dtype):
    huge = np.array([100.0, 3e38, INF], dtype) * (1 if dtype == np.float32 else 10)
    for target in (0, 1, 5.0):
        value, (slope, by_target) = fl.poisson_nll_loss.value_and_grad(
            huge, target, reduction="none", wrt=("input", "target")
        )
        assert (value == INF).all()
        assert (slope == INF).all()
        assert by_target == -INF


@pytest.mark.parametrize("eps", [0.0, 1e-8, 2.0])
@pytest.mark.parametrize("target", [0.0, 1.0, 3.0])
def test_trap_029_a_negative_rate_is_nan_in_value_and_gradient(target, eps):
    call = {"log_input": False, "eps": eps}
    assert np.isnan(everything(fl.poisson_nll_loss, -1.0, target, **call)).all()
    assert np.isnan(fl.poisson_nll_loss.hess([-1.0], [target], **call)).all()
    with fl.errstate(domain="raise"), pytest.raises(ValueError, match="input"):
        fl.poisson_nll_loss([-1.0], [target], **call)
    assert not np.isnan(fl.poisson_nll_loss([-1.0], [target]))
    assert not np.isnan(fl.poisson_nll_loss([-0.0], [target], **call))


def test_trap_030_stirling_and_the_exact_factorial():
    value = fl.poisson_nll_loss([0.3] * 3, [1.0, np.nextafter(1.0, 2), 2.0], full=True, reduction="none")
    plain = fl.poisson_nll_loss([0.3] * 3, [1.0, np.nextafter(1.0, 2), 2.0], reduction="none")
    stirling = 2 * math.log(2) - 2 + math.log(4 * math.pi) / 2
    np.testing.assert_allclose(value - plain, [0, math.log(2 * math.pi) / 2 - 1, stirling], atol=1e-14)
    counts = np.arange(171)
    added = fl.poisson_nll_loss(0 * counts, counts, log_factorial=True, reduction="none") - 1
    np.testing.assert_allclose(added, [math.lgamma(n + 1) for n in counts], rtol=1e-14, atol=1e-15)
    # The exact one takes the place of the other.
    both = fl.poisson_nll_loss(0 * counts, counts, full=True, log_factorial=True, reduction="none") - 1
    np.testing.assert_array_equal(both, added)


def test_trap_031_no_nan_leaks_from_the_logarithm_of_a_target_of_zero():
    for option in ("full", "log_factorial"):
        value, slope, by_target = everything(fl.poisson_nll_loss, 0.75, 0.0, **{option: True})
        assert [value, slope] == [math.exp(0.75)] * 2
        assert by_target == pytest.approx(-0.75 + (0 if option == "full" else -np.euler_gamma), rel=1e-15)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.int64, np.uint64, np.bool_])
def test_counts_of_every_integer_dtype(dtype):
    counts = np.array([0, 1, 1, 100], dtype)
    x = np.array([0.5, -1, 2, 4], np.float32)
    value, gradient = fl.poisson_nll_loss.value_and_grad(x, counts)
    assert value.dtype == gradient.dtype == np.float32
    assert value == fl.poisson_nll_loss(x, counts.astype(np.float32))
    np.testing.assert_array_equal(gradient, fl.poisson_nll_loss.grad(x, counts.astype(np.float32)))


def test_large_counts_keep_the_digits_of_a_small_likelihood():
    # -log of a probability near its largest, of which every term is about 1e7.
    counts = np.array([1e6, 1e6 + 1000.0])
    value = fl.poisson_nll_loss(np.log(1e6) + 0 * counts, counts, log_factorial=True, reduction="none")
    np.testing.assert_allclose(value, [7.82669390, 8.32702706], rtol=1e-8)


def test_the_negative_binomial_distribution_at_a_dispersion_of_zero_is_poissons():
    x, counts = np.log([0.5, 3.0, 1e6, 1e-3]), np.array([0.0, 5, 1e6 + 500, 2])
    for full in (False, True):
        for dispersion in (0.0, 1e-300, 1e-30):
            value, (slope, by_target, by_dispersion) = fl.negative_binomial_nll_loss.value_and_grad(
                x, counts, np.full(4, dispersion), full=full, reduction="none", wrt=("input", "target", "dispersion")
            )
            poisson, (poisson_slope, poisson_by_target) = fl.poisson_nll_loss.value_and_grad(
                x, counts, log_factorial=full, reduction="none", wrt=("input", "target")
            )
            np.testing.assert_allclose(value, poisson, rtol=1e-14, atol=1e-8)
            np.testing.assert_allclose(slope, poisson_slope, rtol=1e-14, atol=1e-9)
            np.testing.assert_allclose(by_target, poisson_by_target, rtol=1e-14, atol=1e-14)
            np.testing.assert_allclose(by_dispersion, (counts - (np.exp(x) - counts) ** 2) / 2, rtol=1e-12)


MEANS, COUNTS, DISPERSIONS = (1e-3, 2.0, 999_000.0), (0, 1, 7, 1_000_000), (1e-12, 1e-6, 0.01, 0.124, 0.126, 3.0, 1e4)


@pytest.mark.parametrize("full", [False, True])
def test_the_negative_binomial_likelihood_against_its_definition_in_eighty_digits(full):
    mean, count, dispersion = np.array(list(itertools.product(MEANS, COUNTS, DISPERSIONS)), float).T
    with mp.workdps(80):

        def loss(m, t, a):
            r = 1 / a
            ratio = mp.loggamma(r + t) - mp.loggamma(r)
            return r * mp.log1p(a * m) + t * mp.log1p(1 / (a * m)) - ratio + (mp.loggamma(t + 1) if full else 0)

        points = [tuple(map(mp.mpf, p)) for p in zip(mean.tolist(), count.tolist(), dispersion.tolist(), strict=True)]
        exact = np.array([float(loss(*p)) for p in points])
        slopes = [np.array([float(mp.diff(loss, p, n)) for p in points]) for n in ((1, 0, 0), (0, 0, 1))]
    operands = (mean, count, dispersion)
    call = {"log_input": False, "full": full, "reduction": "none"}
    value, (in_mean, in_dispersion) = fl.negative_binomial_nll_loss.value_and_grad(
        *operands, **call, wrt=("input", "dispersion")
    )
    # What the rounding of the largest term alone amounts to.
    np.testing.assert_allclose(value, exact, rtol=4e-15, atol=4e-16 * np.max(count * np.log(1e6)))
    np.testing.assert_allclose(in_mean, slopes[0], rtol=1e-13, atol=1e-15)
    assert np.all(np.abs(in_dispersion - slopes[1]) <= 1e-11 * np.abs(slopes[1]) + 1e-15 * np.maximum(1, count))
    single = [x.astype(np.float32) for x in operands]
    value = fl.negative_binomial_nll_loss(*single, **call)
    np.testing.assert_allclose(value, exact, rtol=1e-5, atol=0.5)


def test_a_binomial_likelihood_of_many_trials():
    trials, successes = np.array([1e6, 3e9, 1e15]), np.array([5e5, 3, 1])
    got = fl.binomial_nll_loss(0 * trials, successes, trials, full=True, reduction="none")
    with mp.workdps(50):
        exact = [
            float(n * mp.log(2) - mp.log(mp.binomial(n, t)) if t < 10 else n * mp.log(2) - _log_binomial(n, t))
            for n, t in zip(map(mp.mpf, trials), map(mp.mpf, successes), strict=True)
        ]
    np.testing.assert_allclose(got, exact, rtol=1e-9)
    # As small as the probabilities of 0 and 1 success in one trial are likely.
    np.testing.assert_allclose(fl.binomial_nll_loss([-50.0, 50.0], [0, 1], full=True), np.exp(-50.0), rtol=1e-14)


def _log_binomial(n, t):
    return mp.loggamma(n + 1) - mp.loggamma(t + 1) - mp.loggamma(n - t + 1)


def test_one_trial_is_binary_cross_entropy():
    x, t = cases.seed("one trial").standard_normal((2, 200))
    t = (t > 0).astype(float)
    for wrt in ("input", "target"):
        value, gradient = fl.binomial_nll_loss.value_and_grad(x, t, wrt=wrt)
        exact, slope = fl.binary_cross_entropy_with_logits.value_and_grad(x, t, wrt=wrt)
        np.testing.assert_allclose(value, exact, rtol=1e-14)
        np.testing.assert_allclose(gradient, slope, rtol=1e-14)
    np.testing.assert_allclose(fl.binomial_nll_loss(x, t, 1.0), fl.binary_cross_entropy_with_logits(x, t), rtol=1e-14)

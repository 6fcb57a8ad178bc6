"""Powers near which the formulas of deviances fall apart, targets of 0 and below, and scikit-learn's own losses."""

from __future__ import annotations

import mpmath as mp
import numpy as np
import pytest
from sklearn._loss import loss as sklearn_losses

import cases
import fastloss as fl

RNG = cases.seed("deviance")
X, T = RNG.standard_normal(300), np.exp(RNG.standard_normal(300))
POWERS = (-1.0, 0.0, 0.5, 1.0, 1.5, 2.0, 3.0)


def exact_deviance(m, t, p):
    """Half the deviance by its definition, the integral of (t - u) / u^p from m to t."""
    m, t, p = map(mp.mpf, (m, t, p))
    if p == 1:
        return t * mp.log(t / m) - t + m
    if p == 2:
        return t / m - 1 - mp.log(t / m)
    a, b = 2 - p, 1 - p
    return t**a / (a * b) - t * m**b / b + m**a / a


@pytest.mark.parametrize("dtype", cases.DTYPES)
@pytest.mark.parametrize("centre", [0.0, 1.0, 2.0])
def test_the_deviance_keeps_its_digits_near_the_powers_where_terms_become_infinite(centre, dtype):
    for step in (0.0, 1e-14, -1e-14, 1e-9, -1e-7, 1e-6, -1e-4, 1e-3):
        power = float(dtype(centre + step))
        for mean, target in ((1.5, 3.0), (40.0, 1e-3), (2.0, 2.0000019073486328)):
            with mp.workdps(60):
                exact = float(exact_deviance(mean, target, power))
            value = fl.tweedie_loss(
                np.array([mean], dtype), np.array([target], dtype), power=power, link="identity", full=True
            )
            # Close to the optimum what one ulp of the mean changes.
            slope = abs(mean ** (1 - power) - target * mean**-power) * mean
            assert abs(value - exact) <= np.finfo(dtype).eps * (16 * exact + 4 * slope), (power, mean, target)


def test_the_powers_of_distributions_that_have_a_loss_of_their_own():
    for full in (False, True):
        for link, x in (("log", X), ("identity", np.exp(X))):
            call = {"link": link, "full": full, "reduction": "none"}
            gamma = fl.gamma_nll_loss(x, T, **call)
            np.testing.assert_array_equal(fl.tweedie_loss(x, T, power=2.0, **call), gamma)
    np.testing.assert_array_equal(
        fl.tweedie_loss(X, T, power=1.0, reduction="none"), fl.poisson_nll_loss(X, T, reduction="none")
    )
    np.testing.assert_allclose(
        fl.tweedie_loss(X, T, power=0.0, link="identity", full=True, reduction="none"),
        fl.mse_loss(X, T, reduction="none") / 2,
        rtol=1e-15,
    )


@pytest.mark.parametrize("link", ["log", "identity"])
@pytest.mark.parametrize("power", POWERS)
def test_gradients_pass_smoothly_through_every_power(power, link):
    x = X if link == "log" else np.exp(X)
    for full in (False, True):
        call = {"link": link, "full": full, "reduction": "none"}
        at = fl.tweedie_loss.grad(x, T, power=power, **call)
        beside = fl.tweedie_loss.grad(x, T, power=power + 1e-9, **call)
        np.testing.assert_allclose(beside, at, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("power", [-1.0, 0.0])
def test_below_power_one_targets_may_be_negative(power):
    x, t = np.array([0.5, 2.0, 0.5]), np.array([-1.5, -1.5, 0.0])
    for link, mean in (("log", np.exp(x)), ("identity", x)):
        with fl.errstate(domain="raise"):
            value, slope = fl.tweedie_loss.value_and_grad(
                x, t, power=power, link=link, full=True, reduction="none", wrt="target"
            )
        a, b = 2 - power, 1 - power
        # A negative target has no power of its own to add; the square of power 0 it has.
        constant = t**2 / 2 if power == 0 else 0
        np.testing.assert_allclose(value, mean**a / a - t * mean**b / b + constant, rtol=1e-14)
        np.testing.assert_allclose(slope, (t if power == 0 else 0) - mean**b / b, rtol=1e-14)


def test_targets_outside_of_the_domain():
    for power, allowed in ((0.0, True), (1.5, False), (2.0, False), (3.0, False)):
        call = {"power": power, "full": True}
        if not allowed:
            value, gradients = fl.tweedie_loss.value_and_grad([0.5], [-1.0], **call, wrt=("input", "target"))
            assert np.isnan([value, *(g[0] for g in gradients)]).all()
        for target, fine in ((-1.0, allowed), (0.0, power < 2), (1.0, True)):
            with fl.errstate(domain="raise"):
                if fine:
                    fl.tweedie_loss([0.5], [target], **call)
                else:
                    with pytest.raises(ValueError, match="target"):
                        fl.tweedie_loss([0.5], [target], **call)
    with fl.errstate(domain="raise"), pytest.raises(ValueError, match="input"):
        fl.gamma_nll_loss([0.0], [1.0], link="identity")
    with fl.errstate(domain="raise"), pytest.raises(ValueError, match="target"):
        fl.gamma_nll_loss([0.0], [0.0], full=True)


PEERS = [
    (fl.poisson_nll_loss, {}, "HalfPoissonLoss", {}),
    (fl.gamma_nll_loss, {}, "HalfGammaLoss", {}),
    *(
        (fl.tweedie_loss, {"power": p, "link": link}, f"HalfTweedieLoss{suffix}", {"power": p})
        for p in (1.0, 1.2, 1.5, 2.0, 3.0)
        for link, suffix in (("log", ""), ("identity", "Identity"))
    ),
]


@pytest.mark.parametrize(("loss", "options", "peer", "settings"), PEERS)
def test_agrees_with_scikit_learn(loss, options, peer, settings):
    x = np.exp(X) if options.get("link") == "identity" else X
    theirs = getattr(sklearn_losses, peer)(**settings)
    value, slope = loss.value_and_grad(x, T, **options, reduction="none")
    np.testing.assert_allclose(slope, theirs.gradient(T, x), rtol=1e-11, atol=1e-12)
    # scikit-learn leaves out constants of its own where the mean is given.
    difference = value - theirs.loss(T, x)
    again = loss(x + 0.5, T, **options, reduction="none") - theirs.loss(T, x + 0.5)
    np.testing.assert_allclose(again, difference, rtol=1e-10, atol=1e-10)
    if loss is not fl.poisson_nll_loss:
        deviance = loss(x, T, **options, full=True, reduction="none")
        np.testing.assert_allclose(
            deviance, theirs.loss(T, x) + theirs.constant_to_optimal_zero(T), rtol=1e-9, atol=1e-11
        )

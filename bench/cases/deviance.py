"""Cases of deviances, with the logarithm of the mean."""

import numpy as np

from bench.case import Sklearn
from bench.pointwise import Pointwise


def gamma(mode, out, x, t):
    """x + t exp(-x); its gradient is 1 - t exp(-x)."""
    q = np.negative(x, out=out)
    np.exp(q, out=q)
    q *= t
    value = (x.sum() + q.sum()) / x.size if mode.value else None
    if mode.gradient:
        np.subtract(1, q, out=q)
        q *= 1 / x.size
    return value, q


def tweedie(mode, out, x, t):
    """With h = exp(x / 2) the loss is 2 (h + t / h) and the gradient h - t / h."""
    h = np.multiply(x, 0.5, out=out)
    np.exp(h, out=h)
    rest = t / h
    value = 2 * (h.sum() + rest.sum()) / x.size if mode.value else None
    if mode.gradient:
        h -= rest
        h *= 1 / x.size
    return value, h


def tweedie_formula(xp, x, t):
    """For JAX and torch alike."""
    return xp.mean(2 * (xp.exp(0.5 * x) + t * xp.exp(-0.5 * x)))


def gamma_formula(xp, x, t):
    """For JAX and torch alike."""
    return xp.mean(x + t * xp.exp(-x))


CASES = {
    "gamma_nll_loss": Pointwise(numpy=gamma, jax=gamma_formula, torch=gamma_formula, sklearn=Sklearn("HalfGammaLoss")),
    "tweedie_loss": Pointwise(
        numpy=tweedie, jax=tweedie_formula, torch=tweedie_formula, sklearn=Sklearn("HalfTweedieLoss", {"power": 1.5})
    ),
}

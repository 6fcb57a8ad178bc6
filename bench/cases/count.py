"""Cases of likelihoods of counts and other non-negative targets."""

import numpy as np

from bench.case import Case, Sklearn


def poisson(mode, out, x, t):
    """exp(x) - t x."""
    rate = np.exp(x, out=out)
    value = (rate.sum() - np.dot(t, x)) / x.size if mode.value else None
    if mode.gradient:
        rate -= t
        rate *= 1 / x.size
    return value, rate


CASES = {
    "poisson_nll_loss": Case(
        numpy=poisson,
        jax=lambda jnp, x, t: jnp.mean(jnp.exp(x) - t * x),
        sklearn=Sklearn("HalfPoissonLoss"),
    ),
}

"""Cases of negative log-likelihoods.

The data keeps the variance above `eps`, so the formulas leave the clamp out: it would halve JAX's speed, and torch's
check of the sign of the variance keeps `torch.compile` from compiling the library function.
"""

import numpy as np

from bench.case import Case


def gaussian(mode, out, x, t, var):
    """(log(var) + (x - t)^2 / var) / 2."""
    r = np.subtract(x, t, out=None if mode.value else out)
    quotient = np.divide(r, var, out=out if mode.value else r)
    value = (np.log(var).mean() + np.dot(quotient, r) / r.size) / 2 if mode.value else None
    if mode.gradient:
        quotient *= 1 / r.size
    return value, quotient


def gaussian_formula(xp, x, t, var):
    """For JAX and torch alike."""
    return 0.5 * xp.mean(xp.log(var) + (x - t) ** 2 / var)


CASES = {
    "gaussian_nll_loss": Case(numpy=gaussian, jax=gaussian_formula, torch_compiled=gaussian_formula),
}

"""Cases of margin losses."""

import numpy as np

from bench.case import Case


def hinge(mode, out, x, t):
    """max(1 - x t, 0)."""
    gap = np.multiply(x, t)
    np.subtract(1, gap, out=gap)
    gradient = None
    if mode.gradient:
        gradient = np.multiply(t, gap >= 0, out=out)
        gradient *= -1 / x.size
    return np.maximum(gap, 0, out=gap).mean() if mode.value else None, gradient


CASES = {
    "hinge_loss": Case(
        numpy=hinge,
        jax=lambda jnp, x, t: jnp.mean(jnp.maximum(1 - x * t, 0)),
        torch=lambda torch, x, t: torch.relu(1 - x * t).mean(),
    ),
}

"""Cases of the losses of a difference."""

import numpy as np

from bench.case import Case, Sklearn


def squared(mode, out, x, t):
    """(x - t)^2; the sum of squares is one dot product."""
    r = np.subtract(x, t, out=out)
    value = np.dot(r, r) / r.size if mode.value else None
    if mode.gradient:
        r *= 2 / r.size
    return value, r


def absolute(mode, out, x, t):
    """|x - t|; the sum of magnitudes is the dot product with the signs."""
    r = np.subtract(x, t, out=None if mode.value else out)
    if not mode.gradient:
        return np.abs(r, out=r).mean(), None
    sign = np.sign(r, out=out if mode.value else r)
    value = np.dot(sign, r) / r.size if mode.value else None
    sign *= 1 / r.size
    return value, sign


def huber(mode, out, x, t):
    """With c = clip(r, -1, 1) the loss is c (r - c / 2) and the gradient c."""
    r = np.subtract(x, t, out=None if mode.value else out)
    c = np.clip(r, -1, 1, out=out if mode.value else r)
    value = (np.dot(c, r) - np.dot(c, c) / 2) / r.size if mode.value else None
    if mode.gradient:
        c *= 1 / r.size
    return value, c


def root_mean_square(mode, out, x, t):
    """sqrt(mean((x - t)^2))."""
    r = np.subtract(x, t, out=out)
    value = np.sqrt(np.dot(r, r) / r.size)
    if mode.gradient:
        r *= 1 / (value * r.size)
    return value, r


def jax_huber(jnp, x, t):
    """The branch form, which XLA runs fastest."""
    r = x - t
    a = jnp.abs(r)
    return jnp.mean(jnp.where(a <= 1, 0.5 * r * r, a - 0.5))


CASES = {
    "mse_loss": Case(
        numpy=squared,
        jax=lambda jnp, x, t: jnp.mean((x - t) ** 2),
        sklearn=Sklearn("HalfSquaredError", factor=2.0),
    ),
    "l1_loss": Case(
        numpy=absolute,
        jax=lambda jnp, x, t: jnp.mean(jnp.abs(x - t)),
        sklearn=Sklearn("AbsoluteError"),
    ),
    "huber_loss": Case(numpy=huber, jax=jax_huber, sklearn=Sklearn("HuberLoss", {"delta": 1.0})),
    "rmse_loss": Case(
        numpy=root_mean_square,
        jax=lambda jnp, x, t: jnp.sqrt(jnp.mean((x - t) ** 2)),
        torch=lambda torch, x, t: torch.sqrt(torch.nn.functional.mse_loss(x, t)),
    ),
}

"""Cases of quantile losses, at a level other than the median, where they are more than an absolute error."""

import numpy as np

from bench.case import Sklearn
from bench.pointwise import Pointwise

LEVEL = 0.75
DECILES = np.array([0.1, 0.5, 0.9])


def slope(out, r, level):
    """1 - level where the prediction is too high, -level elsewhere: a truth value times 1, minus the level."""
    return np.subtract(r > 0, level, out=np.empty_like(r) if out is None else out, dtype=r.dtype)


def pinball(mode, out, x, t):
    """The sum of the losses is the dot product of residuals and slopes."""
    r = x - t
    gradient = slope(out if mode.gradient else None, r, np.float32(LEVEL))
    value = np.dot(gradient, r) / r.size if mode.value else None
    if mode.gradient:
        gradient *= 1 / r.size
    return value, gradient


def pinballs(mode, out, x, t):
    """The same for columns of quantiles."""
    r = x - t[:, np.newaxis]
    gradient = slope(out if mode.gradient else None, r, DECILES.astype(r.dtype))
    value = np.vdot(gradient, r) / r.size if mode.value else None
    if mode.gradient:
        gradient *= 1 / r.size
    return value, gradient


def huber(mode, out, x, t):
    """With c = clip(r, -1, 1), Huber's function is c (r - c / 2) and its slope c."""
    r = x - t
    c = np.clip(r, -1, 1)
    gradient = np.abs(slope(out if mode.gradient else None, r, np.float32(LEVEL)), out=out if mode.gradient else None)
    gradient *= c
    value = (np.dot(gradient, r) - np.dot(gradient, c) / 2) / r.size if mode.value else None
    if mode.gradient:
        gradient *= 1 / r.size
    return value, gradient


def expectile(mode, out, x, t):
    """The sum of the losses is half the dot product of residuals and slopes."""
    r = x - t
    gradient = slope(out if mode.gradient else None, r, np.float32(LEVEL))
    np.abs(gradient, out=gradient)
    gradient *= r
    value = np.dot(gradient, r) / r.size if mode.value else None
    if mode.gradient:
        gradient *= 2 / r.size
    return value, gradient


def pinball_formula(xp, x, t):
    """For JAX and torch alike."""
    r = x - t
    return xp.mean(xp.where(r > 0, (1 - LEVEL) * r, -LEVEL * r))


def jax_pinballs(jnp, x, t):
    """A row of quantiles for each target."""
    r = x - t[:, None]
    levels = jnp.asarray(DECILES, x.dtype)
    return jnp.mean(jnp.where(r > 0, (1 - levels) * r, -levels * r))


def torch_pinballs(torch, x, t):
    """A row of quantiles for each target."""
    r = x - t[:, None]
    levels = torch.tensor(DECILES, dtype=x.dtype)
    return torch.where(r > 0, (1 - levels) * r, -levels * r).mean()


def huber_formula(xp, x, t):
    """For JAX and torch alike."""
    r = x - t
    a = xp.abs(r)
    return xp.mean(xp.where(r > 0, 1 - LEVEL, LEVEL) * xp.where(a < 1, 0.5 * r * r, a - 0.5))


def expectile_formula(xp, x, t):
    """For JAX and torch alike."""
    r = x - t
    return xp.mean(xp.where(r > 0, (1 - LEVEL) * r, LEVEL * r) * r)


CASES = {
    "quantile_loss": Pointwise(
        numpy=pinball,
        jax=pinball_formula,
        torch=pinball_formula,
        sklearn=Sklearn("PinballLoss", {"quantile": LEVEL}),
        fixed={"quantile": LEVEL},
    ),
    "multi_quantile_loss": Pointwise(numpy=pinballs, jax=jax_pinballs, torch=torch_pinballs, columns=DECILES.size),
    "huber_quantile_loss": Pointwise(numpy=huber, jax=huber_formula, torch=huber_formula, fixed={"quantile": LEVEL}),
    "expectile_loss": Pointwise(numpy=expectile, jax=expectile_formula, torch=expectile_formula, fixed={"tau": LEVEL}),
}

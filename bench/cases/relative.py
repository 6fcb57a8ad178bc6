"""Cases of relative errors."""

import numpy as np

from bench.pointwise import Pointwise


def percentage(mode, out, x, t):
    """|x - t| / max(|t|, eps) is the product of the difference and its slope."""
    r = np.subtract(x, t)
    size = np.abs(t)
    np.maximum(size, np.float32(1e-7), out=size)
    slope = np.sign(r, out=out if mode.gradient else None)
    slope /= size
    value = np.dot(slope, r) / r.size if mode.value else None
    if mode.gradient:
        slope *= 1 / r.size
    return value, slope


def percentage_formula(xp, x, t):
    """For JAX and torch alike."""
    size = xp.abs(t)
    return xp.mean(xp.abs(x - t) / xp.where(size > 1e-7, size, 1e-7))


def symmetric_percentage(mode, out, x, t):
    """|x - t| / d for d = |x| + |t|; the slope is (sign(r) - sign(x) |r| / d) / d."""
    r = np.subtract(x, t)
    size = np.abs(x)
    size += np.abs(t)
    np.maximum(size, np.float32(1e-8), out=size)
    ratio = np.abs(r)
    ratio /= size
    value = ratio.mean() if mode.value else None
    if not mode.gradient:
        return value, None
    gradient = np.sign(x, out=out)
    gradient *= ratio
    np.subtract(np.sign(r, out=r), gradient, out=gradient)
    gradient /= size
    gradient *= 1 / r.size
    return value, gradient


def symmetric_percentage_formula(xp, x, t):
    """For JAX and torch alike."""
    size = xp.abs(x) + xp.abs(t)
    return xp.mean(xp.abs(x - t) / xp.where(size > 1e-8, size, 1e-8))


def logarithmic(mode, out, x, t):
    """(log1p(x) - log1p(t))^2."""
    d = np.log1p(x, out=None if mode.value else out)
    d -= np.log1p(t)
    value = np.dot(d, d) / d.size if mode.value else None
    if not mode.gradient:
        return value, None
    gradient = np.add(x, 1, out=out if mode.value else None)
    gradient = np.divide(d, gradient, out=gradient if mode.value else d)
    gradient *= 2 / d.size
    return value, gradient


def logarithmic_formula(xp, x, t):
    """For JAX and torch alike."""
    return xp.mean((xp.log1p(x) - xp.log1p(t)) ** 2)


CASES = {
    "mape_loss": Pointwise(numpy=percentage, jax=percentage_formula, torch=percentage_formula),
    "smape_loss": Pointwise(
        numpy=symmetric_percentage, jax=symmetric_percentage_formula, torch=symmetric_percentage_formula
    ),
    "msle_loss": Pointwise(numpy=logarithmic, jax=logarithmic_formula, torch=logarithmic_formula),
}

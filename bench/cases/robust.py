"""Cases of robust losses, with their default widths."""

import numpy as np

from bench.pointwise import Pointwise

F32 = np.float32


def scaled(gradient, count):
    """The gradient of the sum as that of the mean, in place."""
    gradient *= 1 / count
    return gradient


def root(mode, out, x, t):
    """sqrt(1 + r^2) - 1, of shape 1; the slope is r / sqrt(1 + r^2)."""
    r = np.subtract(x, t)
    size = np.multiply(r, r)
    size += 1
    np.sqrt(size, out=size)
    value = size.mean() - 1 if mode.value else None
    return value, scaled(np.divide(r, size, out=out), r.size) if mode.gradient else None


def root_formula(xp, x, t):
    """For JAX and torch alike."""
    return xp.mean(xp.sqrt((x - t) ** 2 + 1)) - 1


def cauchy(mode, out, x, t):
    """log1p(r^2 / 2); the slope is r / (1 + r^2 / 2)."""
    r = np.subtract(x, t)
    half = np.multiply(r, F32(0.5))
    half *= r
    gradient = None
    if mode.gradient:
        gradient = np.add(half, 1, out=out)
        scaled(np.divide(r, gradient, out=gradient), r.size)
    return np.log1p(half, out=half).mean() if mode.value else None, gradient


def cauchy_formula(xp, x, t):
    """For JAX and torch alike."""
    return xp.mean(xp.log1p(0.5 * (x - t) ** 2))


def welsch(mode, out, x, t):
    """1 - exp(-r^2 / 2); the slope is r exp(-r^2 / 2)."""
    r = np.subtract(x, t)
    power = np.multiply(r, F32(-0.5))
    power *= r
    np.exp(power, out=power)
    value = 1 - power.mean() if mode.value else None
    return value, scaled(np.multiply(power, r, out=out), r.size) if mode.gradient else None


def welsch_formula(xp, x, t):
    """For JAX and torch alike."""
    return -xp.mean(xp.expm1(-0.5 * (x - t) ** 2))


def geman_mcclure(mode, out, x, t):
    """With u = 1 / (r^2 + 4) the loss is 2 - 8 u and the slope 16 r u^2."""
    r = np.subtract(x, t)
    inverse = np.multiply(r, r)
    inverse += 4
    np.divide(1, inverse, out=inverse)
    value = 2 - 8 * inverse.mean() if mode.value else None
    if not mode.gradient:
        return value, None
    gradient = np.multiply(inverse, inverse, out=out)
    gradient *= r
    gradient *= 16 / r.size
    return value, gradient


def geman_mcclure_formula(xp, x, t):
    """For JAX and torch alike."""
    square = (x - t) ** 2
    return xp.mean(2 * square / (square + 4))


def tukey(mode, out, x, t):
    """With g = max(1 - (r / c)^2, 0) the loss is c^2 / 6 (1 - g^3) and the slope r g^2."""
    r = np.subtract(x, t)
    gap = np.multiply(r, F32(-1 / 4.685**2))
    gap *= r
    gap += 1
    np.maximum(gap, 0, out=gap)
    square = np.multiply(gap, gap)
    value = 4.685**2 / 6 * (1 - np.dot(square, gap) / r.size) if mode.value else None
    return value, scaled(np.multiply(square, r, out=out), r.size) if mode.gradient else None


def tukey_formula(xp, x, t):
    """For JAX and torch alike."""
    gap = 1 - ((x - t) / 4.685) ** 2
    return 4.685**2 / 6 * xp.mean(1 - xp.where(gap > 0, gap, 0.0) ** 3)


def fair(mode, out, x, t):
    """|r| - log1p(|r|); the slope is r / (1 + |r|)."""
    r = np.subtract(x, t)
    size = np.abs(r)
    gradient = None
    if mode.gradient:
        gradient = np.add(size, 1, out=out)
        scaled(np.divide(r, gradient, out=gradient), r.size)
    return size.mean() - np.log1p(size, out=size).mean() if mode.value else None, gradient


def fair_formula(xp, x, t):
    """For JAX and torch alike."""
    size = xp.abs(x - t)
    return xp.mean(size - xp.log1p(size))


GROWTH = np.expm1(3.0)


def balanced_l1(mode, out, x, t):
    """With s = min(|r|, 1) and L = log1p(b s): ((s + 1 / b) L - s) / 2 + 3 / 2 (|r| - s), and the slope L / 2."""
    r = np.subtract(x, t)
    size = np.abs(r)
    inside = np.minimum(size, 1)
    logarithm = np.multiply(inside, F32(GROWTH))
    np.log1p(logarithm, out=logarithm)
    value = None
    if mode.value:
        value = (np.dot(inside, logarithm) + logarithm.sum() / GROWTH - 4 * inside.sum() + 3 * size.sum()) / (
            2 * r.size
        )
    if not mode.gradient:
        return value, None
    # At |r| = 1 the logarithm is 3, and half of it the slope of the rest.
    gradient = np.copysign(logarithm, r, out=out)
    gradient *= 0.5 / r.size
    return value, gradient


def balanced_l1_formula(xp, x, t):
    """For JAX and torch alike."""
    size = xp.abs(x - t)
    inside = xp.where(size < 1, size, 1.0)
    grown = GROWTH * inside
    small = 0.5 / GROWTH * (grown + 1) * xp.log1p(grown) - 0.5 * inside
    return xp.mean(xp.where(size < 1, small, 1.5 * size + (1.5 / GROWTH - 0.5)))


def wing(mode, out, x, t):
    """With s = min(|r|, 5): 5 log1p(2 s) + |r| - s, and the slope 5 / (s + 1 / 2) or 1."""
    r = np.subtract(x, t)
    size = np.abs(r)
    inside = np.minimum(size, 5)
    gradient = None
    if mode.gradient:
        gradient = np.add(inside, F32(0.5), out=out)
        np.divide(5, gradient, out=gradient)
        gradient[size >= 5] = 1
        gradient *= np.sign(r, out=r)
        scaled(gradient, r.size)
    value = None
    if mode.value:
        value = size.mean() - inside.mean()
        inside *= 2
        value += 5 * np.log1p(inside, out=inside).mean()
    return value, gradient


def wing_formula(xp, x, t):
    """For JAX and torch alike."""
    size = xp.abs(x - t)
    inside = xp.where(size < 5, size, 5.0)
    return xp.mean(xp.where(size < 5, 5 * xp.log1p(2 * inside), size + (5 * np.log(11.0) - 5)))


CASES = {
    "general_robust_loss": Pointwise(numpy=root, jax=root_formula, torch=root_formula),
    "cauchy_loss": Pointwise(numpy=cauchy, jax=cauchy_formula, torch=cauchy_formula),
    "welsch_loss": Pointwise(numpy=welsch, jax=welsch_formula, torch=welsch_formula),
    "geman_mcclure_loss": Pointwise(numpy=geman_mcclure, jax=geman_mcclure_formula, torch=geman_mcclure_formula),
    "tukey_loss": Pointwise(numpy=tukey, jax=tukey_formula, torch=tukey_formula),
    "fair_loss": Pointwise(numpy=fair, jax=fair_formula, torch=fair_formula),
    "balanced_l1_loss": Pointwise(numpy=balanced_l1, jax=balanced_l1_formula, torch=balanced_l1_formula),
    "wing_loss": Pointwise(numpy=wing, jax=wing_formula, torch=wing_formula),
}

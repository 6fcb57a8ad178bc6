"""Cases of scoring rules. The data keeps the scale above 0, so no formula needs to guard its division."""

import numpy as np
from scipy.special import erf, expit

from bench.case import special
from bench.pointwise import Pointwise

ROOT_2, ROOT_2_BY_PI, ROOT_1_BY_PI = 2**0.5, (2 / np.pi) ** 0.5, np.pi**-0.5


def crps_gaussian(mode, out, x, t, scale):
    """The slope is erf(z / sqrt(2)), which the value uses too."""
    z = np.subtract(x, t)
    z /= scale
    slope = erf(np.multiply(z, np.float32(1 / ROOT_2)), out=out if mode.gradient else None)
    value = None
    if mode.value:
        density = np.multiply(z, z)
        density *= np.float32(-0.5)
        np.exp(density, out=density)
        density *= np.float32(ROOT_2_BY_PI)
        density -= np.float32(ROOT_1_BY_PI)
        z *= slope
        z += density
        value = np.dot(z, scale) / z.size
    slope *= 1 / z.size
    return value, slope


def crps_laplace(mode, out, x, t, scale):
    """|z| + exp(-|z|) - 3/4, with the slope sign(z) (1 - exp(-|z|))."""
    z = np.subtract(x, t)
    z /= scale
    a = np.abs(z)
    bounded = np.expm1(np.negative(a), out=out)
    value = None
    if mode.value:
        a += bounded
        a += np.float32(0.25)
        value = np.dot(a, scale) / a.size
    if not mode.gradient:
        return value, None
    slope = np.copysign(bounded, z, out=bounded)
    slope *= 1 / a.size
    return value, slope


def crps_logistic(mode, out, x, t, scale):
    """|z| + 2 log(1 + exp(-|z|)) - 1, with the slope 2 sigmoid(z) - 1."""
    z = np.subtract(x, t)
    z /= scale
    value = None
    if mode.value:
        a = np.abs(z)
        tail = np.log1p(np.exp(np.negative(a)))
        tail *= 2
        a += tail
        a -= 1
        value = np.dot(a, scale) / a.size
    if not mode.gradient:
        return value, None
    slope = expit(z, out=out)
    slope *= 2 / z.size
    slope -= 1 / z.size
    return value, slope


def crps_gaussian_jax(xp, x, t, scale):
    """The formula of the textbooks."""
    z = (x - t) / scale
    return xp.mean(scale * (z * special(xp).erf(z / ROOT_2) + ROOT_2_BY_PI * xp.exp(-0.5 * z * z) - ROOT_1_BY_PI))


def crps_gaussian_torch(torch, x, t, scale):
    """The same for torch, where erf is elsewhere."""
    z = (x - t) / scale
    return torch.mean(scale * (z * torch.erf(z / ROOT_2) + ROOT_2_BY_PI * torch.exp(-0.5 * z * z) - ROOT_1_BY_PI))


def crps_laplace_formula(xp, x, t, scale):
    """For JAX and torch alike."""
    a = xp.abs((x - t) / scale)
    return xp.mean(scale * (a + xp.exp(-a) - 0.75))


def crps_logistic_formula(xp, x, t, scale):
    """For JAX and torch alike, by the largest of two as both libraries write softplus."""
    a = xp.abs((x - t) / scale)
    return xp.mean(scale * (a + 2 * xp.log1p(xp.exp(-a)) - 1))


CASES = {
    "crps_gaussian": Pointwise(numpy=crps_gaussian, jax=crps_gaussian_jax, torch=crps_gaussian_torch),
    "crps_laplace": Pointwise(numpy=crps_laplace, jax=crps_laplace_formula, torch=crps_laplace_formula),
    "crps_logistic": Pointwise(numpy=crps_logistic, jax=crps_logistic_formula, torch=crps_logistic_formula),
}

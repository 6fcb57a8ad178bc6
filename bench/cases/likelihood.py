"""Cases of negative log-likelihoods.

The data keeps variances and scales above `eps`, so the formulas leave the clamp out: it would halve JAX's speed, and
torch's check of the sign of the variance keeps `torch.compile` from compiling the library function.
"""

import numpy as np
from scipy.special import gammaln, i0e

from bench.case import special
from bench.pointwise import Pointwise


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


def laplace(mode, out, x, t, scale):
    """log(scale) + |x - t| / scale."""
    r = np.subtract(x, t, out=None if mode.value else out)
    value = (np.log(scale).mean() + np.mean(np.abs(r) / scale)) if mode.value else None
    if not mode.gradient:
        return value, None
    slope = np.sign(r, out=out if mode.value else r)
    slope /= scale
    slope *= 1 / r.size
    return value, slope


def laplace_formula(xp, x, t, scale):
    """For JAX and torch alike."""
    return xp.mean(xp.log(scale) + xp.abs(x - t) / scale)


def log_normal(mode, out, x, t, scale):
    """log(t) + log(scale) + ((log(t) - x) / scale)^2 / 2."""
    u = np.log(t)
    z = np.subtract(x, u, out=out)
    z /= scale
    value = None
    if mode.value:
        u += np.log(scale)
        value = u.mean() + np.dot(z, z) / (2 * z.size)
    if mode.gradient:
        z /= scale
        z *= 1 / z.size
    return value, z


def log_normal_formula(xp, x, t, scale):
    """For JAX and torch alike."""
    u = xp.log(t)
    return xp.mean(u + xp.log(scale) + 0.5 * ((u - x) / scale) ** 2)


def student_t(mode, out, x, t, scale, df):
    """With q = (x - t)^2 / (df scale^2) the slope is (df + 1) (x - t) / (df scale^2 (1 + q))."""
    r = np.subtract(x, t)
    c = scale * scale
    c *= df
    q = np.multiply(r, r)
    q /= c
    value = None
    if mode.value:
        tail = np.log1p(q)
        more = df + np.float32(1)
        more *= np.float32(0.5)
        tail *= more
        tail += np.log(scale)
        half = df * np.float32(0.5)
        tail += gammaln(half)
        tail -= gammaln(more)
        tail += 0.5 * np.log(half)
        value = tail.mean()
    if not mode.gradient:
        return value, None
    q += 1
    q *= c
    r *= df + np.float32(1)
    slope = np.divide(r, q, out=out if out is not None else r)
    slope *= 1 / r.size
    return value, slope


def student_t_formula(xp, gammaln_of, x, t, scale, df):
    """The formula of the textbooks."""
    half = 0.5 * df
    rest = gammaln_of(half) - gammaln_of(half + 0.5) + 0.5 * xp.log(half)
    return xp.mean(xp.log(scale) + (half + 0.5) * xp.log1p(((x - t) / scale) ** 2 / df) + rest)


def student_t_jax(xp, x, t, scale, df):
    """The gamma function of JAX is in another module."""
    return student_t_formula(xp, special(xp).gammaln, x, t, scale, df)


def student_t_torch(torch, x, t, scale, df):
    """The same for torch."""
    return student_t_formula(torch, torch.lgamma, x, t, scale, df)


def von_mises(mode, out, x, t, k):
    """log(I0(k)) - k cos(x - t)."""
    r = np.subtract(x, t)
    value = np.mean(np.log(i0e(k)) + k - k * np.cos(r)) if mode.value else None
    if not mode.gradient:
        return value, None
    slope = np.sin(r, out=out if out is not None else r)
    slope *= k
    slope *= 1 / r.size
    return value, slope


def von_mises_jax(xp, x, t, k):
    """With the scaled Bessel function of JAX."""
    return xp.mean(xp.log(special(xp).i0e(k)) + k - k * xp.cos(x - t))


def von_mises_torch(torch, x, t, k):
    """With the scaled Bessel function of torch."""
    return torch.mean(torch.log(torch.special.i0e(k)) + k - k * torch.cos(x - t))


CASES = {
    "gaussian_nll_loss": Pointwise(numpy=gaussian, jax=gaussian_formula, torch_compiled=gaussian_formula),
    "laplace_nll_loss": Pointwise(numpy=laplace, jax=laplace_formula, torch=laplace_formula),
    "log_normal_nll_loss": Pointwise(numpy=log_normal, jax=log_normal_formula, torch=log_normal_formula),
    "student_t_nll_loss": Pointwise(numpy=student_t, jax=student_t_jax, torch=student_t_torch),
    "von_mises_nll_loss": Pointwise(numpy=von_mises, jax=von_mises_jax, torch=von_mises_torch),
}

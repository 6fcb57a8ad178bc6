"""Cases of the focal family, at the default options."""

import numpy as np

from bench.pointwise import Pointwise


def logistic(x, out=None):
    """The sigmoid through tanh, which is NumPy's fastest exponential function."""
    p = np.multiply(x, 0.5, out=out)
    np.tanh(p, out=p)
    p *= 0.5
    p += 0.5
    return p


def cross_entropy(x, t):
    """max(x, 0) - x t + log1p(exp(-|x|))."""
    loss = np.abs(x)
    np.negative(loss, out=loss)
    np.exp(loss, out=loss)
    np.log1p(loss, out=loss)
    loss += np.maximum(x, 0)
    loss -= np.multiply(x, t)
    return loss


def sigmoid_focal(mode, out, x, t):
    """alpha_t m^2 BCE, m = p (1 - t) + (1 - p) t; its slope is alpha_t m (m (p - t) + 2 (1 - 2 t) p (1 - p) BCE)."""
    loss = cross_entropy(x, t)
    p = logistic(x, out)
    side = np.multiply(t, -2)
    side += 1
    m = np.multiply(p, side)
    m += t
    factor = np.multiply(t, -0.5)
    factor += 0.75
    factor *= m
    value = np.dot(np.multiply(factor, m), loss) / x.size if mode.value else None
    if not mode.gradient:
        return value, None
    loss *= side
    side = np.subtract(1, p, out=side)
    side *= p
    loss *= side
    loss *= 2
    p -= t
    p *= m
    p += loss
    p *= factor
    p *= 1 / x.size
    return value, p


def quality_focal(mode, out, x, t):
    """d^2 BCE with d = p - t; its slope is d (d^2 + 2 p (1 - p) BCE)."""
    loss = cross_entropy(x, t)
    p = logistic(x, out)
    d = np.subtract(p, t)
    square = np.multiply(d, d)
    value = np.dot(square, loss) / x.size if mode.value else None
    if not mode.gradient:
        return value, None
    loss *= p
    np.subtract(1, p, out=p)
    p *= loss
    p *= 2
    p += square
    p *= d
    p *= 1 / x.size
    return value, p


def varifocal(mode, out, x, t):
    """t BCE(x, t) where t > 0, else 0.75 p^2 BCE(x, 0)."""
    loss = cross_entropy(x, t)
    p = logistic(x, out)
    positive = t > 0
    weight = np.multiply(p, p)
    weight *= 0.75
    np.copyto(weight, t, where=positive)
    value = np.dot(weight, loss) / x.size if mode.value else None
    if not mode.gradient:
        return value, None
    # p^2 (p + 2 (1 - p) BCE) of a negative, t (p - t) of a positive.
    loss *= 2
    loss *= 1 - p
    np.copyto(loss, 0, where=positive)
    p -= t
    p += loss
    p *= weight
    p *= 1 / x.size
    return value, p


def asymmetric(mode, out, x, t):
    """-t (1 - p) log p - (1 - t) q^4 log(1 - q) with q = max(p - 0.05, 0)."""
    p = logistic(x, out)
    rest = 1 - p
    log_p = np.log(np.maximum(p, np.float32(1e-8)))
    q = np.maximum(p - np.float32(0.05), 0)
    kept = 1 - q
    log_kept = np.log(kept)
    cube = q * q
    cube *= q
    value = None
    if mode.value:
        value = -(np.dot(t * rest, log_p) + np.dot((1 - t) * cube * q, log_kept)) / x.size
    if not mode.gradient:
        return value, None
    # In p: t (log p - (1 - p) / p) + (1 - t) q^3 (q / (1 - q) - 4 log(1 - q)), and p' = p (1 - p).
    log_p -= rest / p
    log_p *= t
    q /= kept
    log_kept *= 4
    q -= log_kept
    q *= cube
    q *= 1 - t
    q += log_p
    q *= rest
    p *= q
    p *= 1 / x.size
    return value, p


def entropy(xp, x, t):
    """Binary cross-entropy for JAX and torch."""
    return xp.clip(x, 0, None) - x * t + xp.log1p(xp.exp(-xp.abs(x)))


def probability(xp, x):
    return 1 / (1 + xp.exp(-x))


def sigmoid_focal_formula(xp, x, t):
    p = probability(xp, x)
    m = p * (1 - t) + (1 - p) * t
    return xp.mean((0.25 * t + 0.75 * (1 - t)) * m * m * entropy(xp, x, t))


def sigmoid_focal_torch(torch, x, t):
    """As torchvision writes it."""
    p = torch.sigmoid(x)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(x, t, reduction="none")
    p_t = p * t + (1 - p) * (1 - t)
    return ((0.25 * t + 0.75 * (1 - t)) * loss * (1 - p_t) ** 2).mean()


def quality_focal_formula(xp, x, t):
    d = probability(xp, x) - t
    return xp.mean(d * d * entropy(xp, x, t))


def varifocal_formula(xp, x, t):
    p = probability(xp, x)
    return xp.mean(xp.where(t > 0, t, 0.75 * p * p) * entropy(xp, x, t))


def asymmetric_formula(xp, x, t):
    p = probability(xp, x)
    q = xp.clip(p - 0.05, 0, None)
    return -xp.mean(t * (1 - p) * xp.log(xp.clip(p, 1e-8, None)) + (1 - t) * q**4 * xp.log(1 - q))


CASES = {
    "sigmoid_focal_loss": Pointwise(numpy=sigmoid_focal, jax=sigmoid_focal_formula, torch=sigmoid_focal_torch),
    "quality_focal_loss": Pointwise(numpy=quality_focal, jax=quality_focal_formula, torch=quality_focal_formula),
    "varifocal_loss": Pointwise(numpy=varifocal, jax=varifocal_formula, torch=varifocal_formula),
    "asymmetric_loss": Pointwise(numpy=asymmetric, jax=asymmetric_formula, torch=asymmetric_formula),
}

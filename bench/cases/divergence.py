"""Cases of divergences. The data holds no zeros, so the formulas of NumPy and JAX leave them out."""

import numpy as np

from bench.pointwise import Pointwise


def kl(mode, out, x, t):
    """t (log t - x)."""
    value = None
    if mode.value:
        ratio = np.log(t)
        ratio -= x
        value = np.dot(ratio, t) / x.size
    return value, np.multiply(t, -1 / x.size, out=out) if mode.gradient else None


def reverse_kl(mode, out, x, t):
    """e^x (x - log t)."""
    q = np.exp(x, out=out)
    ratio = np.log(t)
    np.subtract(x, ratio, out=ratio)
    value = np.dot(ratio, q) / x.size if mode.value else None
    if mode.gradient:
        ratio += 1
        q *= ratio
        q *= 1 / x.size
    return value, q


def generalized_kl(mode, out, x, t):
    """t log(t / x) - t + x."""
    ratio = np.divide(t, x, out=out)
    value = (np.dot(np.log(ratio), t) - t.sum() + x.sum()) / x.size if mode.value else None
    if mode.gradient:
        np.subtract(1, ratio, out=ratio)
        ratio *= 1 / x.size
    return value, ratio


def hellinger(mode, out, x, t):
    """(sqrt x - sqrt t)^2 / 2."""
    root = np.sqrt(x)
    difference = np.sqrt(t, out=out)
    np.subtract(root, difference, out=difference)
    value = np.dot(difference, difference) / (2 * x.size) if mode.value else None
    if mode.gradient:
        difference /= root
        difference *= 0.5 / x.size
    return value, difference


def alpha_divergence(mode, out, x, t, alpha=0.5):
    """(t^a x^(1 - a) - a t - (1 - a) x) / (a (a - 1)), from the power of the quotient."""
    power = np.divide(t, x, out=out)
    np.power(power, alpha, out=power)
    value = None
    if mode.value:
        value = (np.dot(power, x) - alpha * t.sum() - (1 - alpha) * x.sum()) / (alpha * (alpha - 1) * x.size)
    if mode.gradient:
        np.subtract(1, power, out=power)
        power *= 1 / (alpha * x.size)
    return value, power


def js(mode, out, x, t):
    """(t log(t / m) + s log(s / m)) / 2 with s = e^x and m = (s + t) / 2."""
    s = np.exp(x, out=out)
    log_m = np.add(s, t)
    log_m *= 0.5
    np.log(log_m, out=log_m)
    ratio = np.subtract(x, log_m)
    value = None
    if mode.value:
        np.subtract(np.log(t), log_m, out=log_m)
        value = (np.dot(log_m, t) + np.dot(ratio, s)) / (2 * x.size)
    if mode.gradient:
        s *= ratio
        s *= 0.5 / x.size
    return value, s


def reverse_kl_formula(xp, x, t):
    """For JAX and torch alike."""
    return xp.mean(xp.exp(x) * (x - xp.log(t)))


def generalized_kl_formula(xp, x, t):
    """For JAX and torch alike."""
    return xp.mean(t * xp.log(t / x) - t + x)


def hellinger_formula(xp, x, t):
    """For JAX and torch alike."""
    return xp.mean((xp.sqrt(x) - xp.sqrt(t)) ** 2) / 2


def alpha_divergence_formula(xp, x, t, alpha=0.5):
    """For JAX and torch alike."""
    return xp.mean(t**alpha * x ** (1 - alpha) - alpha * t - (1 - alpha) * x) / (alpha * (alpha - 1))


def js_formula(xp, x, t):
    """For JAX and torch alike."""
    s = xp.exp(x)
    log_m = xp.log((s + t) / 2)
    return xp.mean(t * (xp.log(t) - log_m) + s * (x - log_m)) / 2


CASES = {
    "kl_div": Pointwise(numpy=kl, jax=lambda jnp, x, t: jnp.mean(t * (jnp.log(t) - x))),
    "reverse_kl_div": Pointwise(numpy=reverse_kl, jax=reverse_kl_formula, torch=reverse_kl_formula),
    "generalized_kl_div": Pointwise(numpy=generalized_kl, jax=generalized_kl_formula, torch=generalized_kl_formula),
    "hellinger_loss": Pointwise(numpy=hellinger, jax=hellinger_formula, torch=hellinger_formula),
    "alpha_divergence": Pointwise(numpy=alpha_divergence, jax=alpha_divergence_formula, torch=alpha_divergence_formula),
    "js_div": Pointwise(numpy=js, jax=js_formula, torch=js_formula),
}

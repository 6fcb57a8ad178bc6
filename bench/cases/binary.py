"""Cases of the losses of a binary label."""

import numpy as np

from bench.case import Sklearn
from bench.pointwise import Pointwise


def cross_entropy_with_logits(mode, out, x, t):
    """max(x, 0) - x t + log1p(exp(-|x|)); sigmoid through tanh, which is NumPy's fastest exponential function."""
    value = gradient = None
    if mode.value:
        softplus = np.abs(x)
        np.negative(softplus, out=softplus)
        np.exp(softplus, out=softplus)
        np.log1p(softplus, out=softplus)
        softplus += np.maximum(x, 0)
        value = softplus.mean() - np.dot(x, t) / x.size
    if mode.gradient:
        gradient = np.multiply(x, 0.5, out=out)
        np.tanh(gradient, out=gradient)
        gradient *= 0.5
        gradient += 0.5
        gradient -= t
        gradient *= 1 / x.size
    return value, gradient


def cross_entropy(mode, out, x, t):
    """-t log(x) - (1 - t) log(1 - x), and (x - t) / (x (1 - x)), with torch's bounds."""
    value = gradient = None
    rest = np.subtract(1, x)
    if mode.value:
        logs = np.log(x)
        np.maximum(logs, -100, out=logs)
        value = -np.dot(logs, t)
        np.log(rest, out=logs)
        np.maximum(logs, -100, out=logs)
        value = (value - logs.sum() + np.dot(logs, t)) / x.size
    if mode.gradient:
        gradient = np.subtract(x, t, out=out)
        rest *= x
        np.maximum(rest, np.float32(1e-12), out=rest)
        gradient /= rest
        gradient *= 1 / x.size
    return value, gradient


CASES = {
    "binary_cross_entropy": Pointwise(
        numpy=cross_entropy,
        jax=lambda jnp, x, t: -jnp.mean(t * jnp.maximum(jnp.log(x), -100) + (1 - t) * jnp.maximum(jnp.log1p(-x), -100)),
    ),
    "binary_cross_entropy_with_logits": Pointwise(
        numpy=cross_entropy_with_logits,
        jax=lambda jnp, x, t: jnp.mean(jnp.maximum(x, 0) - x * t + jnp.log1p(jnp.exp(-jnp.abs(x)))),
        sklearn=Sklearn("HalfBinomialLoss"),
    ),
}

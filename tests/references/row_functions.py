"""Functions of rows that are no losses, by definition: rows along the last axis, in the precision of the arguments."""

from __future__ import annotations

import numpy as np


def softmax(z):
    """exp(z_c) / sum exp(z)."""
    e = np.exp(z - z.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


def logsumexp(z):
    """log sum exp(z)."""
    top = z.max(axis=-1, keepdims=True)
    return np.log(np.exp(z - top).sum(axis=-1)) + top[..., 0]


def log_softmax(z):
    """Without cancellation: next to the largest score the logarithm of 1 + a small sum."""
    top = np.argmax(z, axis=-1)[..., None]
    x = z - np.take_along_axis(z, top, axis=-1)
    e = np.exp(x)
    np.put_along_axis(e, top, 0, axis=-1)
    return x - np.log1p(e.sum(axis=-1, keepdims=True))


# The value, and the gradient of its sum with g.
VALUES = {"softmax": softmax, "log_softmax": log_softmax, "logsumexp": logsumexp}
PRODUCTS = {
    "softmax": lambda z, g: softmax(z) * (g - (softmax(z) * g).sum(axis=-1, keepdims=True)),
    "log_softmax": lambda z, g: g - softmax(z) * g.sum(axis=-1, keepdims=True),
    "logsumexp": lambda z, g: softmax(z) * g[..., None],
}

"""Cases of row-wise losses of softmax probabilities. Class indices of the reference's data lie in a second operand."""

import numpy as np

from bench.case import Sklearn
from bench.rowwise import Rowwise


def shifted(z):
    """Scores less the largest of their row."""
    return z - z.max(axis=1, keepdims=True)


SMOOTHING = 0.1


def cross_entropy(mode, out, z, y, smoothing=0.0):
    """log sum_c exp(z_c) - (1 - s) z_y - s mean_c z_c, with one array of the scores' size."""
    chosen = np.expand_dims(y, 1)
    e = np.subtract(z, z.max(axis=1, keepdims=True), out=out)
    picked = (1 - smoothing) * np.take_along_axis(e, chosen, 1)
    if smoothing:
        picked += smoothing * e.mean(axis=1, keepdims=True)
    np.exp(e, out=e)
    total = e.sum(axis=1, keepdims=True)
    value = float((np.log(total) - picked).mean()) if mode.value else None
    if mode.gradient:
        e *= 1 / (total * y.size)
        if smoothing:
            e -= smoothing / (z.shape[1] * y.size)
        np.put_along_axis(e, chosen, np.take_along_axis(e, chosen, 1) - (1 - smoothing) / y.size, 1)
    return value, e


def smoothed_cross_entropy(mode, out, z, y):
    """The same with a share of the target spread over all classes."""
    return cross_entropy(mode, out, z, y, SMOOTHING)


def log_softmax(jnp, z):
    """JAX's own, or the same for an array module that has none."""
    if jnp is not np:
        import jax

        return jax.nn.log_softmax(z, axis=1)
    z = shifted(z)
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def picked(jnp, table, y):
    """The entry of each row's class index."""
    return jnp.take_along_axis(table, jnp.expand_dims(y, 1), 1)


def jax_cross_entropy(jnp, z, y):
    """Through log_softmax, which JAX differentiates by a rule of its own."""
    return -jnp.mean(picked(jnp, log_softmax(jnp, z), y))


def jax_smoothed_cross_entropy(jnp, z, y):
    """Optax writes it with one-hot targets; this needs none."""
    u = log_softmax(jnp, z)
    return -jnp.mean((1 - SMOOTHING) * picked(jnp, u, y) + SMOOTHING * jnp.mean(u, axis=1, keepdims=True))


def torch_smoothed_cross_entropy(torch, z, y):
    """PyTorch's own."""
    return torch.nn.functional.cross_entropy(z, y, label_smoothing=SMOOTHING)


CASES = {
    "cross_entropy": Rowwise(
        numpy=cross_entropy,
        jax=jax_cross_entropy,
        sklearn=Sklearn("HalfMultinomialLoss"),
    ),
    "cross_entropy+label_smoothing": Rowwise(
        numpy=smoothed_cross_entropy,
        jax=jax_smoothed_cross_entropy,
        torch=torch_smoothed_cross_entropy,
        fixed={"label_smoothing": SMOOTHING},
    ),
}

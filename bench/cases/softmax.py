"""Cases of row-wise losses of softmax probabilities. Class indices of the reference's data lie in a second operand."""

import numpy as np

from bench.case import Case, Sklearn


def shifted(z):
    """Scores less the largest of their row."""
    return z - z.max(axis=1, keepdims=True)


def cross_entropy(mode, out, z, y):
    """log sum_c exp(z_c) - z_y, with one array of the scores' size."""
    chosen = np.expand_dims(y, 1)
    e = np.subtract(z, z.max(axis=1, keepdims=True), out=out)
    picked = np.take_along_axis(e, chosen, 1)
    np.exp(e, out=e)
    total = e.sum(axis=1, keepdims=True)
    value = float((np.log(total) - picked).mean()) if mode.value else None
    if mode.gradient:
        e *= 1 / (total * y.size)
        np.put_along_axis(e, chosen, np.take_along_axis(e, chosen, 1) - 1 / y.size, 1)
    return value, e


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


CASES = {
    "cross_entropy": Case(
        numpy=cross_entropy,
        jax=jax_cross_entropy,
        sklearn=Sklearn("HalfMultinomialLoss"),
    ),
}

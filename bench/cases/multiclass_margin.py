"""Cases of losses of how far the score of the right class is ahead."""

import numpy as np

from bench.cases.softmax_losses import picked
from bench.rowwise import Rowwise


def multi_margin(mode, out, z, y):
    """The mean of max(0, 1 - z_y + z_c) over classes, the right one left out."""
    chosen = np.expand_dims(y, 1)
    lead = np.subtract(z, np.take_along_axis(z, chosen, 1) - 1, out=out)
    np.put_along_axis(lead, chosen, 0, 1)
    np.maximum(lead, 0, out=lead)
    value = float(lead.mean()) if mode.value else None
    if mode.gradient:
        np.greater(lead, 0, out=lead)
        np.put_along_axis(lead, chosen, -lead.sum(axis=1, keepdims=True), 1)
        lead *= 1 / z.size
    return value, lead


def multi_margin_formula(xp, z, y):
    """The right class itself would add 1 in each row."""
    return (xp.mean(xp.maximum(0, 1 - picked(xp, z, y) + z)) * z.shape[1] - 1) / z.shape[1]


# The lists of the benchmark are no longer.
LONGEST_LIST = 12


def lists_of(xp, z, lists):
    """The k-th class that each row lists, for every k, with whether there is one; and which classes are not listed."""
    classes = xp.arange(z.shape[1]).reshape([1, -1] + [1] * (z.ndim - 2))
    there, beside, listed = True, True, []
    for k in range(min(LONGEST_LIST, z.shape[1])):
        j = lists[:, k : k + 1]
        there = there & (j >= 0)
        beside = beside & ~(there & (classes == j))
        listed.append((xp.where(there, j, 0)[:, 0], there))
    return listed, beside


def multilabel_margin(mode, out, z, lists):
    """For each listed class the mean of max(0, 1 - z_j + z_i) over the classes that are not listed."""
    listed, beside = lists_of(np, z, lists)
    total, gradient = 0.0, np.zeros_like(z) if out is None else out
    gradient[...] = 0
    lead = np.empty_like(z)
    for j, there in listed:
        chosen = np.expand_dims(j, 1)
        np.subtract(z, np.take_along_axis(z, chosen, 1), out=lead)
        lead += 1
        np.maximum(lead, 0, out=lead)
        lead *= beside & there
        total += float(lead.sum()) if mode.value else 0.0
        if mode.gradient:
            np.greater(lead, 0, out=lead)
            own = np.take_along_axis(gradient, chosen, 1)
            np.put_along_axis(gradient, chosen, own - lead.sum(axis=1, keepdims=True), 1)
            gradient += lead
    gradient *= 1 / z.size
    return total / z.size, gradient


def multilabel_margin_formula(xp, z, lists):
    """For JAX."""
    listed, beside = lists_of(xp, z, lists)
    return sum(xp.mean(xp.maximum(0, 1 + (z - picked(xp, z, j))) * (beside & there)) for j, there in listed)


def best_other(z, y):
    """The largest score of the other classes, and its place."""
    chosen = np.expand_dims(y, 1)
    rivals = z.copy()
    np.put_along_axis(rivals, chosen, -np.inf, 1)
    at = np.expand_dims(rivals.argmax(axis=1), 1)
    return np.take_along_axis(z, at, 1), at


def categorical_hinge(mode, out, z, y):
    """max(0, 1 - z_y + max z_c)."""
    chosen = np.expand_dims(y, 1)
    best, at = best_other(z, y)
    excess = 1 - np.take_along_axis(z, chosen, 1) + best
    value = float(np.maximum(excess, 0).mean()) if mode.value else None
    gradient = None
    if mode.gradient:
        gradient = np.zeros_like(z) if out is None else out
        gradient[...] = 0
        counts = (excess >= 0) * z.dtype.type(1 / y.size)
        np.put_along_axis(gradient, at, counts, 1)
        np.put_along_axis(gradient, chosen, -counts, 1)
    return value, gradient


def categorical_hinge_formula(xp, z, y):
    """For JAX and torch alike: the two largest scores, of which one is not the target's."""
    two = xp.topk(z, 2, 1).values if hasattr(xp, "topk") else xp.flip(xp.sort(z, axis=1), 1)[:, :2]
    chosen, first, second = picked(xp, z, y), two[:, :1], two[:, 1:2]
    best = xp.where(chosen == first, second, first)
    return xp.mean((1 - chosen + best) * (1 - chosen + best > 0))


def threshold(xp, z):
    """What sparsemax takes from every score, by sorting them."""
    ordered = xp.sort(z, dim=1, descending=True).values if hasattr(xp, "topk") else xp.flip(xp.sort(z, axis=1), 1)
    sums = xp.cumsum(ordered, 1)
    count = xp.ones_like(z[:1]).cumsum(1)
    k = (1 + count * ordered > sums).sum(1)
    return (picked(xp, sums, k - 1) - 1) / k[:, None]


def sparsemax_formula(xp, z, y):
    """For JAX and torch alike."""
    tau = threshold(xp, z)
    conjugate = ((z * z - tau * tau) * (z > tau)).sum(1) / 2 + 0.5
    return xp.mean(conjugate) - xp.mean(picked(xp, z, y))


def sparsemax(mode, out, z, y):
    """The projection, by sorting."""
    chosen = np.expand_dims(y, 1)
    value = float(sparsemax_formula(np, z, y)) if mode.value else None
    p = None
    if mode.gradient:
        p = np.subtract(z, threshold(np, z).astype(z.dtype), out=out)
        np.maximum(p, 0, out=p)
        np.put_along_axis(p, chosen, np.take_along_axis(p, chosen, 1) - 1, 1)
        p *= 1 / y.size
    return value, p


def soft_margin(mode, out, z, t):
    """softplus(z) - t z, averaged."""
    e = np.exp(-np.abs(z), out=out)
    value = float((np.log1p(e) + np.maximum(z, 0) - t * z).mean()) if mode.value else None
    if mode.gradient:
        np.divide(np.where(z < 0, e, 1), 1 + e, out=e)
        e -= t
        e *= 1 / z.size
    return value, e


CASES = {
    "multi_margin_loss": Rowwise(numpy=multi_margin, jax=multi_margin_formula),
    "multilabel_margin_loss": Rowwise(numpy=multilabel_margin, jax=multilabel_margin_formula),
    "categorical_hinge_loss": Rowwise(
        numpy=categorical_hinge, jax=categorical_hinge_formula, torch=categorical_hinge_formula
    ),
    "multiclass_sparsemax_loss": Rowwise(numpy=sparsemax, jax=sparsemax_formula, torch=sparsemax_formula),
    "multilabel_soft_margin_loss": Rowwise(
        numpy=soft_margin, jax=lambda jnp, z, t: jnp.mean(jnp.logaddexp(0, z) - t * z)
    ),
}

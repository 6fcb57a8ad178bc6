"""Cases of losses of regions.

In NumPy a loss is a function of the sums of each cell, in double, with its slopes in those of the predictions; the
gradient is then linear in the mask.
"""

from __future__ import annotations

import numpy as np

from bench.regions import Regions, RegionsOfClasses

SMOOTH = 1e-6
EPS = 1e-5


def of_pixels(x):
    """The axes that sums are over."""
    return tuple(range(2, x.ndim))


def in_cells(x, like):
    """A number for each cell, for each of its pixels."""
    return x.astype(like.dtype).reshape(*x.shape, *(1 for _ in of_pixels(like)))


def sums(p, t):
    """I, P and T of each cell: of rows, which BLAS and pairwise summation keep exact enough."""
    p, t = p.reshape(*p.shape[:2], -1), t.reshape(*t.shape[:2], -1)
    common = np.matmul(p[:, :, np.newaxis], t[..., np.newaxis])[..., 0, 0]
    return [x.astype(np.float64) for x in (common, p.sum(axis=2), t.sum(axis=2))]


def mean_of(loss):
    """The peer of a loss `f(i, p, t, n) -> (values, slope in i, slope in p)` of cells."""

    def numpy(mode, out, p, t):
        values, of_i, of_p = loss(*sums(p, t), p[0, 0].size)
        value = values.mean() if mode.value else None
        if not mode.gradient:
            return value, None
        scale = 1 / values.size
        gradient = np.multiply(t, in_cells(of_i * scale, p), out=out)
        gradient += in_cells(of_p * scale, p)
        return value, gradient

    return numpy


def fraction(above, below, above_i, below_i, below_p):
    """One minus a fraction that is linear in the sums, and its slopes."""
    index = above / below
    return 1 - index, (index * below_i - above_i) / below, index * below_p / below


def dice(i, p, t, n):
    """1 - (2 I + s) / (P + T + s)."""
    return fraction(2 * i + SMOOTH, p + t + SMOOTH, 2, 0, 1)


def jaccard(i, p, t, n):
    """1 - (I + s) / (P + T - I + s)."""
    return fraction(i + SMOOTH, p + t - i + SMOOTH, 1, -1, 1)


def tversky(i, p, t, n):
    """1 - (I + s) / ((P + T) / 2 + s)."""
    return fraction(i + SMOOTH, (p + t) / 2 + SMOOTH, 1, 0, 0.5)


def focal_tversky(i, p, t, n):
    """The same to the power of 3/4."""
    missing, of_i, of_p = tversky(i, p, t, n)
    slope = 0.75 * missing**-0.25
    return missing**0.75, slope * of_i, slope * of_p


def generalized_dice(i, p, t, n):
    """1 - (2 sum(I / T^2) + s) / (sum((P + T) / T^2) + s)."""
    weights = np.where(t > 0, 1 / np.where(t > 0, t, 1) ** 2, 0)
    above, below = 2 * (weights * i).sum(axis=1) + SMOOTH, (weights * (p + t)).sum(axis=1) + SMOOTH
    values = 1 - above / below
    return values, -2 * weights / below[:, np.newaxis], weights * (above / below**2)[:, np.newaxis]


def mcc(i, p, t, n):
    """1 - (TP TN - FP FN) / sqrt((TP + FP) (TP + FN) (TN + FP) (TN + FN))."""
    tp, fp, fn, tn = i + EPS, p - i + EPS, t - i + EPS, n - p - t + i + EPS
    a, b, c, d = tp + fp, tp + fn, tn + fp, tn + fn
    below = np.sqrt(a * b * c * d)
    index = (tp * tn - fp * fn) / below
    return 1 - index, -(tp + fp + fn + tn) / below, b / below + index * (1 / a - 1 / d) / 2


# The formulas for JAX and torch alike, which differentiate them.


def formula_of(each):
    """The mean of a formula of the sums of cells."""

    def formula(xp, p, t):
        axes = of_pixels(p)
        return each(xp, (p * t).sum(axes), p.sum(axes), t.sum(axes), p[0, 0].reshape(-1).shape[0]).mean()

    return formula


def dice_formula(xp, i, p, t, n):
    return 1 - (2 * i + SMOOTH) / (p + t + SMOOTH)


def jaccard_formula(xp, i, p, t, n):
    return 1 - (i + SMOOTH) / (p + t - i + SMOOTH)


def tversky_formula(xp, i, p, t, n):
    return 1 - (i + SMOOTH) / (i + 0.5 * (p - i) + 0.5 * (t - i) + SMOOTH)


def focal_tversky_formula(xp, i, p, t, n):
    return tversky_formula(xp, i, p, t, n) ** 0.75


def generalized_dice_formula(xp, i, p, t, n):
    weights = xp.where(t > 0, 1 / xp.where(t > 0, t, 1) ** 2, 0)
    return 1 - (2 * (weights * i).sum(1) + SMOOTH) / ((weights * (p + t)).sum(1) + SMOOTH)


def mcc_formula(xp, i, p, t, n):
    tp, fp, fn, tn = i + EPS, p - i + EPS, t - i + EPS, n - p - t + i + EPS
    below = xp.sqrt(tp + fp) * xp.sqrt(tp + fn) * xp.sqrt(tn + fp) * xp.sqrt(tn + fn)  # whose product is beyond float32
    return 1 - (tp * tn - fp * fn) / below


# Dice of softmax probabilities and class indices.


def softmax_dice(mode, out, z, y):
    """With one array of the scores' size beside the one-hot targets."""
    e = np.subtract(z, z.max(axis=1, keepdims=True), out=out)
    np.exp(e, out=e)
    e /= e.sum(axis=1, keepdims=True)
    hot = one_hot(np, z, y)
    values, of_i, of_p = dice(*sums(e, hot), 0)
    value = values.mean() if mode.value else None
    if mode.gradient:
        scale = 1 / values.size
        hot *= in_cells(of_i * scale, z)
        hot += in_cells(of_p * scale, z)
        hot -= np.einsum("nc...,nc...->n...", hot, e)[:, np.newaxis]
        e *= hot
    return value, e


def one_hot(xp, z, y):
    """Class indices as numbers of every class."""
    if xp.__name__ == "torch":
        return xp.zeros_like(z).scatter_(1, y[:, None], 1)
    classes = xp.arange(z.shape[1]).reshape(1, -1, *(1 for _ in of_pixels(z)))
    return (y[:, None] == classes).astype(z.dtype)


def softmax_dice_formula(xp, z, y):
    """As segmentation libraries have it."""
    if xp.__name__ == "torch":
        p = xp.softmax(z, 1)
    else:
        e = xp.exp(z - z.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
    return formula_of(dice_formula)(xp, p, one_hot(xp, z, y))


FORMULAS = {
    "dice_loss": (dice, dice_formula),
    "jaccard_loss": (jaccard, jaccard_formula),
    "tversky_loss": (tversky, tversky_formula),
    "focal_tversky_loss": (focal_tversky, focal_tversky_formula),
    "generalized_dice_loss": (generalized_dice, generalized_dice_formula),
    "mcc_loss": (mcc, mcc_formula),
    "soft_fbeta_loss": (dice, dice_formula),
}

CASES = {
    name: Regions(numpy=mean_of(by_hand), jax=formula_of(formula), torch=formula_of(formula))
    for name, (by_hand, formula) in FORMULAS.items()
} | {
    "dice_loss+softmax": RegionsOfClasses(
        numpy=softmax_dice,
        jax=softmax_dice_formula,
        torch=softmax_dice_formula,
        fixed={"from_logits": "softmax"},
    ),
}

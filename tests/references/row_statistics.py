"""The references of a row: u = s - r(s), with the derivatives of r, for every way to choose r."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from references.reductions import LONG


def others(x):
    """Of each class the sum over the other classes, with no subtraction."""
    zero = np.zeros((*x.shape[:-1], 1), x.dtype)
    before = np.concatenate([zero, np.cumsum(x, axis=-1)[..., :-1]], axis=-1)
    after = np.concatenate([np.cumsum(x[..., ::-1], axis=-1)[..., ::-1][..., 1:], zero], axis=-1)
    return before + after


@dataclass(frozen=True)
class RowStatistic:
    """The reference r of each row: u = s - r, the slope P of r, and its curvature as a product with vectors."""

    u: np.ndarray
    r: np.ndarray  # (rows,)
    slope: np.ndarray
    rest: np.ndarray  # 1 - slope, without cancellation
    curve_diagonal: np.ndarray
    curve_product: Callable[[np.ndarray], np.ndarray]
    own: np.ndarray  # magnitude of what u is made of
    slope_magnitude: np.ndarray
    own_curvature: bool = False  # of the order of 1 wherever it is not 0


def _flat(s):
    """The curvature of a reference that has none."""
    return np.zeros_like(s), lambda v: np.zeros_like(v)


def log_sum_exp(s, _is_target):
    """r = log sum exp(s): u is the logarithm of the softmax probability p, the slope is p."""
    largest = s.max(axis=-1, initial=-np.inf, keepdims=True)
    at = np.argmax(s, axis=-1)[:, None] if s.shape[-1] else np.zeros((len(s), 0), int)
    distance = s - largest
    powers = np.exp(distance)
    np.put_along_axis(powers, at, 0, axis=-1)
    log_sum = np.log1p(powers.sum(axis=-1, keepdims=True))
    poisoned = ~np.isfinite(largest)
    u = np.where(poisoned, np.nan, distance - log_sum)
    p = np.exp(u)
    rest = others(p)

    def product(v):
        return p * (rest * v - others(p * v))

    r = np.where(poisoned, np.nan, largest + log_sum)[:, 0]
    # exp(d) is wrong by |d| ulp and log(1 + x) relatively as x is: so is u, which may be no more than x.
    tilt = p * (1 + np.abs(np.where(p == 0, 0, u)))
    beside = tilt.copy()
    np.put_along_axis(beside, at, 0, axis=-1)
    own = np.abs(u) + beside.sum(axis=-1, keepdims=True)
    return RowStatistic(u, r, p, rest, p * rest, product, own, tilt)


def zero(s, _is_target):
    """r = 0: u is the score itself."""
    nothing = np.zeros_like(s)
    return RowStatistic(s, nothing.sum(axis=-1), nothing, 1 + nothing, *_flat(s), np.abs(s), nothing)


def runner_up(s, is_target):
    """r is the largest score of a class that is not the target; at a tie the first one has the slope."""
    rivals = np.where(is_target, -np.inf, s)
    p = np.zeros_like(s)
    if s.shape[-1]:
        np.put_along_axis(p, np.argmax(rivals, axis=-1)[:, None], 1, axis=-1)
    p[is_target] = 0  # where there is no other class
    r = rivals.max(axis=-1, initial=-np.inf)
    u = s - r[:, None]
    return RowStatistic(u, r, p, 1 - p, *_flat(s), np.abs(u), p)


def picked(s, is_target):
    """r is the score of the target class."""
    r = np.where(is_target, s, 0).sum(axis=-1)
    p = is_target.astype(LONG)
    u = s - r[:, None]
    return RowStatistic(u, r, p, 1 - p, *_flat(s), np.abs(u), p)


def sparsemax(s, _is_target):
    """r = max over the simplex of p . s - |p|^2 / 2, and 1/2 more; its slope is the p that attains it.

    Martins and Astudillo, "From Softmax to Sparsemax", 2016: with the sorted d = s - max s and k the largest number of
    classes for which 1 + k d_(k) > d_(1) + ... + d_(k), the threshold is tau = (d_(1) + ... + d_(k) - 1) / k.
    """
    largest = s.max(axis=-1, initial=-np.inf, keepdims=True)
    d = s - largest
    ordered = -np.sort(-d, axis=-1)
    sums = np.cumsum(ordered, axis=-1)
    count = np.arange(1, s.shape[-1] + 1)
    k = np.count_nonzero(1 + count * ordered > sums, axis=-1)[:, None]
    tau = (np.take_along_axis(sums, np.maximum(k, 1) - 1, axis=-1) - 1) / np.maximum(k, 1)
    support = d > tau
    p = np.where(support, d - tau, 0)
    poisoned = ~np.isfinite(largest)
    r = (np.where(support, d * d - tau * tau, 0).sum(axis=-1, keepdims=True) + 1) / 2
    size = support.sum(axis=-1, keepdims=True)

    def product(v):
        return np.where(support, v - np.where(support, v, 0).sum(axis=-1, keepdims=True) / size, 0)

    own = np.abs(d) + (np.where(support, d * d + tau * tau, 0).sum(axis=-1, keepdims=True) + 1) / 2
    u, p = np.where(poisoned, np.nan, d - r), np.where(poisoned, np.nan, p)
    whole = np.where(poisoned, np.nan, largest + r)[:, 0]
    magnitude = np.where(support, np.abs(d) + np.abs(tau), 0)
    return RowStatistic(u, whole, p, others(p), np.where(support, 1 - 1 / size, 0), product, own, magnitude, True)


STATISTICS = {
    "log_sum_exp": log_sum_exp,
    "zero": zero,
    "runner_up": runner_up,
    "picked": picked,
    "sparsemax": sparsemax,
}


def room_between(reference, s, is_target):
    """To the nearest change of the runner-up, or of the classes that sparsemax gives a probability."""
    if reference == "runner_up":
        ordered = np.sort(np.where(is_target, -np.inf, s), axis=-1)
        return np.min(ordered[:, -1] - ordered[:, -2])
    row = sparsemax(s, is_target)
    return np.min(np.abs(s - (s - row.slope).max(axis=-1, where=row.slope > 0, initial=-np.inf, keepdims=True)))

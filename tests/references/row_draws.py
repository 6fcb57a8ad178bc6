"""Generators of rows: scores, log-probabilities, probabilities, weights of classes."""

from __future__ import annotations

import numpy as np


def scores(rng, rows, classes, dtype):
    """Ordinary scores of either sign."""
    return (3 * rng.standard_normal((rows, classes))).astype(dtype)


def wide_scores(rng, rows, classes, dtype):
    """Rows of every spread, from all alike to one class that leaves nothing to the others, and of every shift."""
    spread = rng.choice(np.array([0, 1e-6, 1e-3, 1, 5, 20, 80, 600, 1e5, 1e30]), (rows, 1))
    shift = rng.choice(np.array([0, 1, -30, 1e3, -1e4, 1e30, 3e37]), (rows, 1), p=[0.4, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1])
    made = spread * rng.standard_normal((rows, classes)) + shift
    made = np.where(rng.random((rows, 1)) < 0.1, np.round(made), made)  # ties
    return made.astype(dtype)


def log_probabilities(rng, rows, classes, dtype):
    """Logarithms of probabilities."""
    z = 3 * rng.standard_normal((rows, classes))
    return (z - np.logaddexp.reduce(z, axis=-1, keepdims=True)).astype(dtype)


def wide_log_probabilities(rng, rows, classes, dtype):
    """Logarithms of probabilities of every size, 1 and subnormal ones included."""
    info = np.finfo(dtype)
    size = 2.0 ** rng.uniform(info.minexp, min(info.maxexp, 200), (rows, classes))
    return np.where(rng.random((rows, classes)) < 0.1, 0, -size).astype(dtype)


def probabilities(rng, rows, classes, dtype):
    """Rows with the sum 1."""
    made = rng.gamma(0.7, size=(rows, classes)) + 1e-3
    return (made / made.sum(axis=-1, keepdims=True)).astype(dtype)


def open_probabilities(rng, rows, classes, dtype):
    """Probabilities well away from 0, of rows whose sum is 1 or not."""
    made = rng.uniform(0.2, 1, (rows, classes))
    return (made * rng.uniform(0.5, 2, (rows, 1)) / made.sum(axis=-1, keepdims=True)).astype(dtype)


def wide_probabilities(rng, rows, classes, dtype):
    """Rows with zeros, one-hot rows, tiny probabilities, and rows whose sum is not 1."""
    made = probabilities(rng, rows, classes, np.float64)
    made = np.where(rng.random(made.shape) < 0.3, 0, made)
    made = made * rng.choice(np.array([1, 1, 2.5, 1e-30]), (rows, 1))
    if classes:
        hot = rng.random(rows) < 0.3
        made[hot] = 0
        made[hot, rng.integers(0, classes, rows)[hot]] = 1
    return made.astype(dtype)


def class_weights(rng, rows, classes, dtype):
    """Positive weights of ordinary size."""
    return rng.uniform(0.2, 3, classes).astype(dtype)


def wide_class_weights(rng, rows, classes, dtype):
    """Weights with zeros among them."""
    made = rng.uniform(0, 3, classes) * rng.choice(np.array([1, 1, 0, 1e4, 1e-20]), classes)
    if classes and not made.any():
        made[0] = 1
    return made.astype(dtype)


def label(rng, rows, classes, dtype=np.int64, ignored=0.0, ignore_index=-100):
    """Class indices, some of them ignored."""
    made = rng.integers(0, max(classes, 1), rows).astype(dtype)
    if ignored:
        made[rng.random(rows) < ignored] = ignore_index
    return made


def class_lists(rng, rows, classes, dtype):
    """Lists of classes that end at -1, of no class, of some or of all; behind the end there may be any class.

    Of a dtype without -1 all of a row is its list.
    """
    made = rng.integers(0, max(classes, 1), (rows, classes))
    dtype = np.dtype(dtype if np.dtype(dtype).kind in "iu" else np.int64)
    if dtype.kind == "i":
        ends = rng.integers(0, min(classes, 12) + 1, rows)
        made[np.arange(classes) == ends[:, None]] = -1
        made[(np.arange(classes) > ends[:, None]) & (rng.random(made.shape) < 0.5)] = -1
    return made.astype(dtype)

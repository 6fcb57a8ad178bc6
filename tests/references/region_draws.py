"""Samples with regions for the tests."""

from __future__ import annotations

import numpy as np

KINDS = ("soft", "mask", "index")  # of a target: numbers, a mask of 0 and 1 for each class, class indices


def softmax(z, axis):
    """Probabilities of classes."""
    e = np.exp(z - z.max(axis=axis, keepdims=True, initial=-np.inf))
    return e / e.sum(axis=axis, keepdims=True)


def ordinary(rng, shape, axis=None, kind="soft", dtype=np.float64, *, from_logits=False, weight=False):
    """Predictions of `shape`, most of which agree with their target; classes, if there are any, are on `axis`.

    Soft targets have some pixels that are 0 or 1. `weight` asks for weights of the classes.
    """
    axis = None if axis is None else axis % len(shape)
    classes = 1 if axis is None else shape[axis]
    if kind == "index":
        target = rng.integers(0, max(classes, 1), (*shape[:axis], *shape[axis + 1 :]))
        true = np.moveaxis(np.arange(classes) == target[..., np.newaxis], -1, axis)
    else:
        true = rng.random(shape) < 0.4
        target = true.astype(np.int64)
    if kind == "soft":
        soft = np.where(rng.random(shape) < 0.5, true, rng.random(shape))
        target = soft.astype(dtype)
    logits = 1.5 * rng.standard_normal(shape) + np.where(true, 1.0, -1.0)
    if from_logits:
        input = logits
    elif kind == "index":
        input = softmax(logits, axis)
    else:
        input = 1 / (1 + np.exp(-logits))
    found = {"input": input.astype(dtype), "target": target}
    if weight:
        found["weight"] = rng.uniform(0.25, 2, classes).astype(dtype)
    return found

"""Images for the tests of Lovász losses."""

from __future__ import annotations

import numpy as np

from references.region_draws import softmax


def mask(rng, shape, dtype=np.float64):
    """Scores of pixels, most of which have the sign of their mask."""
    target = rng.random(shape) < 0.4
    scores = 1.5 * rng.standard_normal(shape) + np.where(target, 1, -1)
    return {"input": scores.astype(dtype), "target": target.astype(np.int64)}


def classes(rng, shape, axis=1, dtype=np.float64, *, from_logits=False):
    """Probabilities or logits, with the classes on `axis`, most of which are right."""
    axis %= len(shape)
    target = rng.integers(0, max(shape[axis], 1), (*shape[:axis], *shape[axis + 1 :]))
    true = np.moveaxis(np.arange(shape[axis]) == target[..., np.newaxis], -1, axis)
    logits = 1.5 * rng.standard_normal(shape) + np.where(true, 1.0, -1.0)
    return {"input": (logits if from_logits else softmax(logits, axis)).astype(dtype), "target": target}

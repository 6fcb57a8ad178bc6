"""Embeddings for the tests."""

from __future__ import annotations

import numpy as np

from references.distance_schema import DistanceLoss, DistanceReference

# Of what is added up, how near to a kink rounding may not bring a row: of float32, with room for sums.
ROOM = 1e-4


def ordinary(rng, reference: DistanceReference, units, width, dtype=np.float64, options=None):
    """Embeddings at distances of about 1, so that margins matter; rows near a kink are drawn again."""
    return _away_from_kinks(lambda shape: _drawn(rng, reference, shape, width, dtype), reference, units, options)


def _drawn(rng, reference, units, width, dtype):
    """A centre for each row, and the embeddings about it, some of them far off."""
    centre = rng.standard_normal((*units, width))
    spread = np.exp(rng.uniform(-2, 1, units)) / np.sqrt(2 * max(width, 1))
    drawn = {
        name: centre + spread[..., np.newaxis] * rng.standard_normal(centre.shape) for name in reference.embeddings
    }
    if reference.labels is not None:
        drawn["target"] = rng.choice(reference.labels, units)
    elif reference.has_target:
        drawn["target"] = rng.standard_normal(units)
    return {name: np.asarray(x).astype(dtype) for name, x in drawn.items()}


def on_a_grid(rng, reference: DistanceReference, units, width, dtypes, options=None):
    """Small multiples of a quarter, or of 1 for integers, which dtypes of every width hold."""

    def drawn(shape):
        made = {}
        for name in reference.embeddings:
            lowest = 0 if dtypes[name].kind in "bu" else -2
            steps = rng.integers(4 * lowest, 2 if dtypes[name].kind == "b" else 16, (*shape, width))
            made[name] = {"b": steps, "i": steps // 4, "u": steps // 4}.get(dtypes[name].kind, steps / 4)
        if reference.has_target:
            choices = [x for x in reference.labels or (-2.0, 0.0, 1.0) if x >= 0 or dtypes["target"].kind not in "bu"]
            made["target"] = rng.choice(choices, shape)
        return {name: np.asarray(x).astype(dtypes[name]) for name, x in made.items()}

    return _away_from_kinks(drawn, reference, units, options)


def _away_from_kinks(draw, reference, units, options):
    """What `draw` gives for the shape of the units, in which the rows beside a kink are replaced."""
    drawn = draw(units)
    for _ in range(100):
        near = DistanceLoss(reference, drawn, options).kink < ROOM
        if not near.any():
            return drawn
        again = draw(units)
        for name, x in drawn.items():
            x[near] = again[name][near]
    raise AssertionError(f"{reference.name}: no rows apart from kinks")

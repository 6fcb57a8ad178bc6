"""Pairs of boxes for the tests: what a detector meets, and places where conventions decide."""

from __future__ import annotations

import numpy as np

from references.boxes_schema import formats_of, in_format


def ordinary(rng, shape, dtype=np.float64, fmt="xyxy"):
    """Boxes with sides of 1 to 20 within 0 to 120, most beside the one that they are compared with."""
    low, side = rng.uniform(0, 100, (*shape, 2)), rng.uniform(1, 20, (*shape, 2))
    moved, scale = rng.normal(0, 0.25, (*shape, 2)) * side, np.exp(rng.normal(0, 0.3, (*shape, 2)))
    far = rng.random(shape) < 0.2
    moved[far] += rng.uniform(-40, 40, (np.count_nonzero(far), 2))
    scale = np.clip(scale * side, 1, 20)
    target = np.concatenate([low, low + side], axis=-1)
    first = np.maximum(low + moved, 0)
    boxes = np.concatenate([first, first + scale], axis=-1)
    one, other = formats_of(fmt)
    return {"input": in_format(one, boxes).astype(dtype), "target": in_format(other, target).astype(dtype)}


# Pairs in corners at which a convention decides.
SPECIAL = {
    "identical": ((1, 2, 4, 7), (1, 2, 4, 7)),
    "nested": ((2, 3, 4, 5), (1, 2, 7, 9)),
    "around": ((1, 2, 7, 9), (2, 3, 4, 5)),
    "nested in a corner": ((1, 2, 3, 4), (1, 2, 6, 7)),
    "touching sides": ((0, 0, 2, 3), (2, 1, 5, 4)),
    "touching corners": ((0, 0, 2, 3), (2, 3, 5, 4)),
    "same width, apart": ((1, 0, 4, 2), (1, 5, 4, 9)),
    "far apart": ((0, 0, 1, 2), (900, 800, 903, 804)),
    "same centre": ((2, 2, 6, 4), (3, 1, 5, 5)),
    "no size, inside": ((3, 3, 3, 3), (1, 1, 5, 6)),
    "no size, outside": ((7, 8, 7, 8), (1, 1, 5, 6)),
    "target of no size": ((1, 1, 5, 6), (3, 3, 3, 3)),
    "both of no size": ((1, 1, 1, 1), (4, 6, 4, 6)),
    "both of no size at one point": ((3, 3, 3, 3), (3, 3, 3, 3)),
    "all zero": ((0, 0, 0, 0), (0, 0, 0, 0)),
    "no height": ((1, 2, 5, 2), (2, 1, 4, 6)),
    "no width": ((3, 1, 3, 6), (2, 1, 4, 6)),
    "both without height, on a line": ((1, 2, 5, 2), (2, 2, 7, 2)),
    "both without width, beside each other": ((1, 1, 1, 4), (3, 2, 3, 6)),
    "inverted": ((4, 6, 1, 2), (1, 2, 4, 7)),
    "inverted in x": ((4, 2, 1, 6), (1, 2, 4, 7)),
    "inverted target": ((1, 2, 4, 7), (4, 1, 2, 7)),
    "both inverted": ((4, 6, 1, 2), (5, 7, 2, 1)),
}


def special(dtype=np.float64, fmt="xyxy"):
    """All of them; those that are inverted have negative sides in the other formats."""
    boxes = np.array(list(SPECIAL.values()), np.float64)
    one, other = formats_of(fmt)
    return {"input": in_format(one, boxes[:, 0]).astype(dtype), "target": in_format(other, boxes[:, 1]).astype(dtype)}

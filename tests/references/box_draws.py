"""Pairs of boxes for the tests: what a detector meets, and places where conventions decide."""

from __future__ import annotations

import numpy as np

from references import BOX_REFERENCES
from references.boxes_schema import formats_of, in_format


def ordinary_of(loss, rng, shape, dtype=np.float64, options=None):
    """Boxes as a loss takes them with these options: in corners or in another format, or rotated."""
    reference = BOX_REFERENCES[loss]
    if reference.rotated:
        return rotated(rng, shape, dtype)
    return ordinary(rng, shape, dtype, (options or {}).get("fmt", reference.defaults["fmt"]))


def special_of(loss, dtype=np.float64, options=None):
    """The same of places where conventions decide."""
    reference = BOX_REFERENCES[loss]
    if reference.rotated:
        return special_rotated(dtype)
    return special(dtype, (options or {}).get("fmt", reference.defaults["fmt"]))


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


def rotated(rng, shape, dtype=np.float64):
    """Rotated boxes with sides of 0.5 to 20 within 0 to 120, most beside the one that they are compared with."""
    centre, side = rng.uniform(10, 110, (*shape, 2)), rng.uniform(0.5, 20, (*shape, 2))
    angle, turned = rng.uniform(-np.pi, np.pi, (*shape, 1)), rng.normal(0, 0.3, (*shape, 1))
    moved, scale = rng.normal(0, 0.25, (*shape, 2)) * side, np.exp(rng.normal(0, 0.3, (*shape, 2)))
    far = rng.random(shape) < 0.2
    moved[far] += rng.uniform(-40, 40, (np.count_nonzero(far), 2))
    turned[far] += rng.uniform(-10, 10, (np.count_nonzero(far), 1))
    target = np.concatenate([centre, side, angle], axis=-1)
    boxes = np.concatenate([centre + moved, np.clip(scale * side, 0.5, 20), angle + turned], axis=-1)
    return {"input": boxes.astype(dtype), "target": target.astype(dtype)}


QUARTER = np.pi / 2

# Pairs of rotated boxes at which a convention or a cancellation decides.
SPECIAL_ROTATED = {
    "identical": ((1, 2, 4, 7, 0.5), (1, 2, 4, 7, 0.5)),
    "identical squares": ((1, 2, 4, 4, 0.5), (1, 2, 4, 4, 0.5)),
    "squares with other angles": ((1, 2, 4, 4, 0.5), (1, 2, 4, 4, 1.75)),
    "turned by half a circle": ((1, 2, 4, 7, 0.5), (1, 2, 4, 7, 0.5 + np.pi)),
    "turned by a circle": ((1, 2, 4, 7, -2.5), (1, 2, 4, 7, -2.5 + 2 * np.pi)),
    "sides in the other order": ((1, 2, 4, 7, 0.5), (1, 2, 7, 4, 0.5 + QUARTER)),
    "the same, and back": ((1, 2, 7, 4, 0.5), (1, 2, 4, 7, 0.5 - QUARTER)),
    "hardly apart": ((1, 2, 4, 7, 0.5), (1.0009765625, 2, 4, 7, 0.5)),
    "hardly turned": ((1, 2, 4, 7, 0.5), (1, 2, 4, 7, 0.5009765625)),
    "hardly larger": ((1, 2, 4, 7, 0.5), (1, 2, 4.0009765625, 7, 0.5)),
    "long, and across": ((1, 2, 0.125, 50, 0.5), (1, 2, 0.125, 50, 0.5 + QUARTER)),
    "long and wide": ((1, 2, 0.125, 50, 0), (1, 2, 50, 0.125, 0)),
    "same centre": ((2, 2, 6, 4, 1), (2, 2, 3, 5, 2)),
    "far apart": ((0, 0, 1, 2, 0.25), (900, 800, 3, 4, 0.75)),
    "many turns": ((1, 2, 4, 7, 100), (2, 2, 4, 6, -75)),
    "a side of the length of eps": ((1, 2, 4, 1, 0.5), (1, 3, 4, 5, 1)),
    "flat": ((1, 2, 4, 0, 0.5), (2, 2, 4, 7, 1)),
    "flat target": ((2, 2, 4, 7, 1), (1, 2, 0, 4, 0.5)),
    "both flat, across": ((1, 2, 4, 0, 0.5), (1, 2, 0, 4, 0.5)),
    "both flat, on a line": ((0, 0, 4, 0, 0), (3, 0, 4, 0, 0)),
    "both flat, beside each other": ((0, 0, 4, 0, 0), (0, 3, 4, 0, 0)),
    "no size": ((3, 3, 0, 0, 0.5), (1, 1, 5, 6, 1)),
    "target of no size": ((1, 1, 5, 6, 1), (3, 3, 0, 0, 0.5)),
    "both of no size": ((1, 1, 0, 0, 0), (4, 6, 0, 0, 1)),
    "both of no size at one point": ((3, 3, 0, 0, 0), (3, 3, 0, 0, 1)),
    "all zero": ((0, 0, 0, 0, 0), (0, 0, 0, 0, 0)),
    "negative sides": ((1, 2, -4, -7, 0.5), (1, 2, 4, 7, 0.5)),
    "negative width": ((1, 2, -4, 7, 0.5), (2, 2, 4, 7, 1)),
    "negative target": ((1, 2, 4, 7, 0.5), (2, 2, 4, -7, 1)),
}


def special_rotated(dtype=np.float64):
    """All of them."""
    boxes = np.array(list(SPECIAL_ROTATED.values()), np.float64)
    return {"input": boxes[:, 0].astype(dtype), "target": boxes[:, 1].astype(dtype)}

"""Distances and similarities of two embeddings, by their definitions, with their gradients worked out by hand.

Features are on the last axis. Every function is `f(x, y) -> Measured`, of `numpy.longdouble` arrays, whose 15 bits of
exponent hold the squares of all numbers of float64.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from references.units import LONG, Sized, times


class Measured(NamedTuple):
    """A measure of two embeddings: its value, of the shape of the units, and its gradients in either of the two."""

    value: Sized
    first: Sized
    second: Sized


def _wide(x):
    """Numbers of the units beside those of their features."""
    return x[..., np.newaxis]


def p_distance(p, eps):
    """(sum |x - y + eps|^p)^(1/p); of p = inf the largest |x - y + eps|."""
    p, eps = LONG(p), LONG(eps)

    def measure(x, y):
        r = x - y + eps
        size = np.abs(r)
        largest = size.max(axis=-1, initial=0)
        # By the largest, so that no power leaves the range: the formula is homogeneous.
        part = np.where(_wide(largest) == 0, 0, size / np.where(_wide(largest) == 0, 1, _wide(largest)))
        if np.isinf(p):
            ties = part == 1
            value = largest
            slope = np.sign(r) * ties / np.maximum(ties.sum(axis=-1, keepdims=True), 1)
        else:
            total = np.where(part == 0, 0, part**p).sum(axis=-1) ** (1 / p)
            value = largest * total
            share = np.where(part == 0, 0, part / np.where(_wide(total) == 0, 1, _wide(total)))
            slope = np.sign(r) * np.where(share == 0, 0, np.where(share == 0, 1, share) ** (p - 1))
        # What was rounded in a power is off by as many of its ulps as its exponent has; a difference close to -eps by
        # as many as eps is larger.
        exponent = LONG(1) if np.isinf(p) else 1 + p + 1 / p
        lost = 0 if np.isinf(p) else np.abs(p - 1) * eps / np.where(size == 0, 1, size)
        slope_size = (exponent + lost) * np.abs(slope)
        return Measured(Sized(value, exponent * value), Sized(slope, slope_size), Sized(-slope, slope_size))

    return measure


def squared(x, y):
    """sum (x - y)^2."""
    r = x - y
    value, slope = (r**2).sum(axis=-1), 2 * r
    return Measured(Sized(value, value), Sized(slope, np.abs(slope)), Sized(-slope, np.abs(slope)))


def dot(x, y):
    """x . y."""
    return Measured(Sized((x * y).sum(axis=-1), np.abs(x * y).sum(axis=-1)), Sized(y, np.abs(y)), Sized(x, np.abs(x)))


def _cosine(x, y, norms, moving):
    """x . y over the product of two norms, whose derivative in their vector is that over the norm, times `moving`."""
    (nx, ny), (mx, my) = norms, moving
    product = nx * ny
    some = product != 0  # of no features there is nothing
    over = np.where(some, product, 1)
    value, size = ((np.where(some, s, 0) / over) for s in ((x * y).sum(axis=-1), np.abs(x * y).sum(axis=-1)))

    def slope(x, y, norm, moves):
        norm = np.where(norm == 0, 1, norm)
        along, back = y / _wide(over), times(_wide(moves), _wide(value / norm**2) * x)
        return Sized(along - back, np.abs(along) + times(_wide(moves), _wide((1 + size) / norm**2) * np.abs(x)))

    return Measured(Sized(value, 1 + size), slope(x, y, nx, mx), slope(y, x, ny, my))


def cosine(eps):
    """x . y / (max(|x|, eps) max(|y|, eps)); a norm below eps is a constant."""
    eps = LONG(eps)

    def measure(x, y):
        lengths = [np.sqrt((v**2).sum(axis=-1)) for v in (x, y)]
        return _cosine(x, y, [np.maximum(n, eps) for n in lengths], [(n > eps) * LONG(1) for n in lengths])

    return measure


def cosine_of_softened_norms(x, y):
    """x . y / sqrt((|x|^2 + 1e-12) (|y|^2 + 1e-12)), as `torch.nn.functional.cosine_embedding_loss` has it."""
    norms = [np.sqrt((v**2).sum(axis=-1) + LONG(1e-12)) for v in (x, y)]
    return _cosine(x, y, norms, [np.ones(n.shape, LONG) for n in norms])


def one_minus(measure):
    """The distance that a similarity makes."""
    return _affine(measure, LONG(1))


def minus(measure):
    """A similarity, the larger the less."""
    return _affine(measure, LONG(0))


def _affine(measure, constant):
    def negated(x, y):
        value, first, second = measure(x, y)
        parts = (Sized(-each.exact, each.magnitude) for each in (first, second))
        return Measured(Sized(constant - value.exact, constant + value.magnitude), *parts)

    return negated

"""Cases of functions of two sets of boxes, of every box of one with every box of the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.case import Case
from bench.judge import Problem
from bench.sizes import Size, Sizes
from references import box_draws
from references.box_iou import Matrix

EPS = 1e-7

SETS = Sizes(
    option="box-sets",
    metavar="NxM",
    help="boxes of the one set and of the other, for functions of all their pairs",
    ranks=range(2, 3),
    meaning="two numbers of boxes such as 1000x1000",
    default="1000x1000",
    quick="40x50",
    unit=" boxes",
)


@dataclass(frozen=True, kw_only=True)
class BoxMatrix(Case):
    """A case of a function of all pairs of two sets of boxes in corners."""

    sizes: ClassVar[Sizes] = SETS

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Boxes with sides of 1 to 20 in one image, and a normal gradient that flows in; gradients in both sets."""
        rng = np.random.default_rng(size)
        most = box_draws.ordinary(rng, (max(size),), np.dtype(dtype))
        operands = {each: boxes[:count] for (each, boxes), count in zip(most.items(), size, strict=True)}
        flow = rng.standard_normal(size, dtype)
        pairs = Matrix(*(boxes.astype(np.float64) for boxes in operands.values()))
        products = pairs.products(flow.astype(np.float64))
        return Problem(operands, pairs.value, {"input": products.input, "target": products.target}, flow=flow)


def box_iou(mode, out, input, target, flow):
    """Arrays of all pairs, as NumPy has no other way."""
    sides = [x[:, 2:] - x[:, :2] for x in (input, target)]
    x1, y1, x2, y2 = input.T[:, :, None]
    tx1, ty1, tx2, ty2 = target.T[:, None, :]
    w = shared(x1, x2, tx1, tx2)
    h = shared(y1, y2, ty1, ty2)
    value = w * h
    union = sides[0].prod(axis=1)[:, None] + sides[1].prod(axis=1)
    union -= value
    union += EPS
    np.reciprocal(union, out=union)
    value *= union
    if not mode.gradient:
        return value, None
    in_area = value * union
    in_area *= flow
    np.negative(in_area, out=in_area)
    union *= flow
    union -= in_area
    in_width, in_height = h * union, w * union
    empty = value == 0
    in_width[empty] = in_height[empty] = 0
    first, second = (np.empty_like(x) for x in (input, target)) if out is None else out
    edges = ((0, x1 >= tx1, -in_width), (1, y1 >= ty1, -in_height), (2, x2 <= tx2, in_width), (3, y2 <= ty2, in_height))
    for k, of_input, along in edges:
        first[:, k] = np.where(of_input, along, 0).sum(axis=1)
        second[:, k] = np.where(of_input, 0, along).sum(axis=0)
    for gradient, side, axis in ((first, sides[0], 1), (second, sides[1], 0)):
        extent = in_area.sum(axis=axis)[:, None] * side[:, ::-1]
        gradient[:, :2] -= extent
        gradient[:, 2:] += extent
    return value, (first, second)


def shared(low, high, target_low, target_high):
    """How long the part of an axis is that both boxes have."""
    length = np.minimum(high, target_high)
    length -= np.maximum(low, target_low)
    return np.maximum(length, 0, out=length)


def box_iou_formula(xp, input, target):
    """torchvision's, with eps beside the union; for JAX and torch alike."""
    x1, y1, x2, y2 = [input[:, k, None] for k in range(4)]
    tx1, ty1, tx2, ty2 = [target[None, :, k] for k in range(4)]
    w = xp.clip(xp.minimum(x2, tx2) - xp.maximum(x1, tx1), 0, None)
    h = xp.clip(xp.minimum(y2, ty2) - xp.maximum(y1, ty1), 0, None)
    union = (x2 - x1) * (y2 - y1) + (tx2 - tx1) * (ty2 - ty1) - w * h
    return w * h / (union + EPS)


CASES = {"box_iou": BoxMatrix(numpy=box_iou, jax=box_iou_formula, torch=box_iou_formula)}

"""What a loss of pairs of boxes adds to the tests: its formula, written once over jets, and what to feed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from references.jets import Jet, absolute, at_least_zero, maximum, minimum, square, where
from references.units import LONG, Sized, Units, times

FORMATS = ("xyxy", "xywh", "cxcywh")
# Of both operands, then of each: in the order in which the library has them.
CHOICES = (*FORMATS, *(f"{one},{other}" for one in FORMATS for other in FORMATS if one != other))


def formats_of(fmt) -> tuple[str, str]:
    """The formats of the input and of the target."""
    both = fmt.split(",") if isinstance(fmt, str) else fmt
    return both[0], both[-1]


def corners(fmt, a, b, c, d):
    """x1, y1, x2 and y2 of what the format calls by four numbers; of jets and of arrays alike."""
    if fmt == "xyxy":
        return a, b, c, d
    if fmt == "xywh":
        return a, b, a + c, b + d
    return a - c * 0.5, b - d * 0.5, a + c * 0.5, b + d * 0.5


def in_format(fmt, boxes):
    """Boxes given by their corners, in another format."""
    x1, y1, x2, y2 = np.moveaxis(boxes, -1, 0)
    width, height = x2 - x1, y2 - y1
    of = {
        "xyxy": (x1, y1, x2, y2),
        "xywh": (x1, y1, width, height),
        "cxcywh": (x1 + width / 2, y1 + height / 2, width, height),
    }
    return np.stack(of[fmt], axis=-1)


class Pair:
    """Pairs of boxes: the corners as jets, and what the formulas have in common. A `t` is of the target."""

    def __init__(self, corners, target_corners):
        self.x1, self.y1, self.x2, self.y2 = corners
        self.tx1, self.ty1, self.tx2, self.ty2 = target_corners
        self.w, self.h = at_least_zero(self.x2 - self.x1), at_least_zero(self.y2 - self.y1)
        self.tw, self.th = at_least_zero(self.tx2 - self.tx1), at_least_zero(self.ty2 - self.ty1)

    @cached_property
    def intersection(self):
        """Nothing, without a slope, where the boxes do not overlap."""
        width = minimum(self.x2, self.tx2) - maximum(self.x1, self.tx1)
        height = minimum(self.y2, self.ty2) - maximum(self.y1, self.ty1)
        return where((width.value > 0) & (height.value > 0), width * height, 0)

    @cached_property
    def union(self):
        """The area that either box has."""
        return self.w * self.h + self.tw * self.th - self.intersection

    def iou(self, eps):
        """Intersection over union."""
        return self.intersection / (self.union + eps)

    @cached_property
    def hull(self):
        """The width and height of the smallest box that has both in it."""
        return (
            at_least_zero(maximum(self.x2, self.tx2) - minimum(self.x1, self.tx1)),
            at_least_zero(maximum(self.y2, self.ty2) - minimum(self.y1, self.ty1)),
        )

    @cached_property
    def shift(self):
        """From the centre of the target to that of the input."""
        return (
            ((self.x1 + self.x2) - (self.tx1 + self.tx2)) * 0.5,
            ((self.y1 + self.y2) - (self.ty1 + self.ty2)) * 0.5,
        )

    @cached_property
    def distance2(self):
        """The squared distance of the centres."""
        return square(self.shift[0]) + square(self.shift[1])

    @cached_property
    def diagonal2(self):
        """The squared diagonal of the hull."""
        return square(self.hull[0]) + square(self.hull[1])

    @cached_property
    def distances(self):
        """How far the centres are apart along each axis."""
        return absolute(self.shift[0]), absolute(self.shift[1])


@dataclass(frozen=True)
class BoxCase:
    """A pair of boxes, keywords, and the value that is known for them, right to ten decimals."""

    input: tuple[float, ...]
    target: tuple[float, ...]
    keywords: Mapping[str, Any]
    value: float


@dataclass(frozen=True)
class BoxReference:
    """A loss of pairs of boxes as its literature defines it.

    Parameters
    ----------
    value
        `f(pair, **options) -> Jet`, of a `Pair`; the options are all but `fmt`.
    torch
        `f(torch, input, target, **options) -> tensor`: the published formula of boxes in corners, unreduced, written
        with torch's operations, of tensors of shape (..., 4).
    symmetric
        Whether the boxes of a pair may change places.
    """

    name: str
    value: Callable[..., Jet]
    torch: Callable[..., Any]
    defaults: Mapping[str, Any]
    options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    combined_options: tuple[Mapping[str, Any], ...] = ()
    golden: tuple[BoxCase, ...] = ()
    symmetric: bool = False

    def option_sets(self) -> list[dict]:
        """The defaults, then each option with each of its other values, then the combinations worth trying."""
        alone = ({name: value} for name, values in self.options.items() for value in values)
        return [{}, *alone, *map(dict, self.combined_options)]


class BoxLoss(Units):
    """The loss of every pair before any reduction, and the way back to the coordinates of both boxes."""

    names = ("input", "target")

    def __init__(self, reference: BoxReference, operands, options=None):
        given = {**reference.defaults, **(options or {})}
        formats = formats_of(given.pop("fmt"))
        wide = [np.moveaxis(np.asarray(operands[name]).astype(LONG), -1, 0) for name in self.names]
        missing = np.isnan(wide).any(axis=(0, 1))
        coordinates = Jet.coordinates(*np.where(missing, 1, np.concatenate(wide)))
        boxes = [corners(fmt, *coordinates[4 * k : 4 * k + 4]) for k, fmt in enumerate(formats)]
        found = reference.value(Pair(*boxes), **given)
        self.values, self.magnitudes = np.where(missing, np.nan, found.value), found.error
        self.slopes = np.where(missing, np.nan, found.slopes)
        self.slope_magnitudes = found.slope_errors
        self.counts = np.ones(self.values.shape, bool)
        ones = np.ones(self.values.shape, LONG)
        self.terms = {None: ones, "weight": ones}

    def pull_back(self, flow):
        """A pair has eight coordinates of its own."""
        slopes = np.moveaxis(times(flow, self.slopes), 0, -1)
        sizes = np.moveaxis(times(np.abs(flow), self.slope_magnitudes), 0, -1)
        own = {"input": np.s_[..., :4], "target": np.s_[..., 4:]}
        return {name: Sized(slopes[part], sizes[part]) for name, part in own.items()}

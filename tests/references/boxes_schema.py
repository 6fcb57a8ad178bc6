"""What a loss of pairs of boxes adds to the tests: its formula, written once over jets, and what to feed it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from references.jets import Jet, absolute, at_least_zero, cos, maximum, minimum, sin, square, where
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

    numbers = 4  # of a box

    @classmethod
    def of(cls, box, target, options) -> Pair:
        """Pairs of boxes whose formats are among the options, which lose them."""
        one, other = formats_of(options.pop("fmt"))
        return cls(corners(one, *box), corners(other, *target))

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


class RotatedPair:
    """Pairs of rotated boxes: centres, extents and angles as jets. A `t` is of the target."""

    numbers = 5

    @classmethod
    def of(cls, box, target, options) -> RotatedPair:
        """Pairs of boxes whose smallest extent is among the options, which lose it."""
        return cls(box, target, options.pop("eps"))

    def __init__(self, box, target, eps):
        self.x, self.y, w, h, self.angle = box
        self.tx, self.ty, tw, th, self.tangle = target
        self.w, self.h, self.tw, self.th = (where(side.value >= LONG(eps), side, LONG(eps)) for side in (w, h, tw, th))

    @cached_property
    def turn(self):
        """Sine and cosine of the angle between the boxes, whose rounding would be much to a long box."""
        turned = (self.tangle - self.angle).exact
        return sin(turned), cos(turned)

    @cached_property
    def turn2(self):
        """Their squares."""
        return square(self.turn[0]), square(self.turn[1])

    @cached_property
    def shift(self):
        """From the centre of the target to that of the input, along the sides of the input."""
        dx, dy, s, c = self.x - self.tx, self.y - self.ty, sin(self.angle), cos(self.angle)
        return c * dx + s * dy, c * dy - s * dx

    @cached_property
    def tshift(self):
        """The same along the sides of the target."""
        (u, v), (s, c) = self.shift, self.turn
        return c * u + s * v, c * v - s * u

    @cached_property
    def oblong(self):
        """(w^2 - h^2) (tw^2 - th^2): positive where the longer sides have the same name."""
        return (self.w - self.h) * (self.w + self.h) * ((self.tw - self.th) * (self.tw + self.th))


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
        `f(pair, **options) -> Jet`, of a pair of `boxes`; the options are all but those that make the pair.
    torch
        `f(torch, input, target, **options) -> tensor`: the published formula of boxes in corners, or of rotated ones,
        unreduced, written with torch's operations, of tensors of shape (..., 4) or (..., 5).
    symmetric
        Whether the boxes of a pair may change places.
    boxes
        What a box is.
    """

    name: str
    value: Callable[..., Jet]
    torch: Callable[..., Any]
    defaults: Mapping[str, Any]
    options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    combined_options: tuple[Mapping[str, Any], ...] = ()
    golden: tuple[BoxCase, ...] = ()
    symmetric: bool = False
    boxes: type[Pair] | type[RotatedPair] = Pair

    @property
    def rotated(self) -> bool:
        """Whether the boxes are."""
        return self.boxes is RotatedPair

    def option_sets(self) -> list[dict]:
        """The defaults, then each option with each of its other values, then the combinations worth trying."""
        alone = ({name: value} for name, values in self.options.items() for value in values)
        return [{}, *alone, *map(dict, self.combined_options)]


class BoxLoss(Units):
    """The loss of every pair before any reduction, and the way back to the coordinates of both boxes."""

    names = ("input", "target")

    def __init__(self, reference: BoxReference, operands, options=None):
        given, self.numbers = {**reference.defaults, **(options or {})}, reference.boxes.numbers
        wide = [np.moveaxis(np.asarray(operands[name]).astype(LONG), -1, 0) for name in self.names]
        missing = np.isnan(wide).any(axis=(0, 1))
        coordinates = Jet.coordinates(*np.where(missing, 1, np.concatenate(wide)))
        pair = reference.boxes.of(coordinates[: self.numbers], coordinates[self.numbers :], given)
        found = reference.value(pair, **given)
        self.values, self.magnitudes = np.where(missing, np.nan, found.value), found.error
        self.slopes = np.where(missing, np.nan, found.slopes)
        self.slope_magnitudes = found.slope_errors
        self.counts = np.ones(self.values.shape, bool)
        ones = np.ones(self.values.shape, LONG)
        self.terms = {None: ones, "weight": ones}

    def pull_back(self, flow):
        """A pair has coordinates of its own."""
        slopes = np.moveaxis(times(flow, self.slopes), 0, -1)
        sizes = np.moveaxis(times(np.abs(flow), self.slope_magnitudes), 0, -1)
        own = {"input": np.s_[..., : self.numbers], "target": np.s_[..., self.numbers :]}
        return {name: Sized(slopes[part], sizes[part]) for name, part in own.items()}

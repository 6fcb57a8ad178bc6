"""Losses of pairs of boxes."""

from __future__ import annotations

import numpy as np

from engines.adapter import FLOATS, INTEGERS, Adapter, Shape
from references import BOX_REFERENCES, box_draws
from references.boxes_schema import BoxLoss


class Box(Adapter):
    """A unit is a pair of boxes: four or five numbers of each operand, on its last axis."""

    shapes = (Shape((23,), 4), Shape((3, 5), 4), Shape((2, 3, 4), 4))
    # Units in one row, whose number is no multiple of a tile, and in several.
    large_shapes = (Shape((70_001,), 4), Shape((300, 401), 4))

    @classmethod
    def of(cls, loss):
        """One: both operands are boxes."""
        return [cls(loss)] if loss in BOX_REFERENCES else []

    @property
    def reference(self):
        """What the loss is."""
        return BOX_REFERENCES[self.loss]

    def presences(self):
        """Both boxes are always given."""
        return [("input", "target")]

    def option_sets(self):
        """Each option alone, and combinations."""
        return self.reference.option_sets()

    def draw(self, rng, shape, dtype, present=None, options=None):
        """Boxes in the formats that the options name."""
        return box_draws.ordinary_of(self.loss, rng, shape.units, dtype, options)

    def draw_as(self, rng, shape, dtypes):
        """Numbers on a grid that the dtype holds; of bool there is one box that is not inverted and has a size."""
        made = {}
        for name in BoxLoss.names:
            dtype = np.dtype(dtypes[name])
            low, side = rng.integers(0, 4, (*shape.units, 2)), rng.integers(1, 5, (*shape.units, 2))
            if dtype.kind == "b":
                low, side = 0 * low, 0 * side + 1
            step = 0.25 if dtype in FLOATS else 1
            if self.reference.rotated:
                numbers = [low, side, rng.integers(0, 4, (*shape.units, 1)) if dtype.kind != "b" else low[..., :1]]
            else:
                numbers = [low, low + side]
            made[name] = (step * np.concatenate(numbers, axis=-1)).astype(dtype)
        return made

    def computation(self, operands):
        """That of the widest floating operand; of integer predictions float64."""
        dtypes = {x.dtype for x in operands.values()}
        narrow = next(iter(operands.values())).dtype not in INTEGERS and np.dtype(np.float64) not in dtypes
        return np.dtype(np.float32 if narrow else np.float64)

    def wrt(self, operands):
        """Both."""
        return tuple(operands)

    def exact(self, operands, options=None, **of_units):
        """The loss of each pair."""
        return BoxLoss(self.reference, operands, options, **of_units)

    def is_shared(self, name):
        """Each pair has its own boxes."""
        return False

    def of_units(self, name, x, chosen):
        """The coordinates lie on the last axis."""
        return x, chosen

    def room(self, exact, magnitude, dtype, scale):
        """By what was rounded on the way to each number."""
        return 2 * np.finfo(dtype).eps * (np.abs(exact) + np.nan_to_num(magnitude)) + np.finfo(dtype).smallest_normal

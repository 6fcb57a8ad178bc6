"""Losses of pairs of boxes."""

from __future__ import annotations

import numpy as np

from engines.adapter import FLOATS, INTEGERS, Adapter, Shape
from references import BOX_REFERENCES, box_draws
from references.boxes_schema import BoxLoss

COORDINATES = 4


class Box(Adapter):
    """A unit is a pair of boxes: four numbers of each operand, on its last axis."""

    shapes = (Shape((23,), COORDINATES), Shape((3, 5), COORDINATES), Shape((2, 3, 4), COORDINATES))
    # Units in one row, whose number is no multiple of a tile, and in several.
    large_shapes = (Shape((70_001,), COORDINATES), Shape((300, 401), COORDINATES))

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
        fmt = (options or {}).get("fmt", self.reference.defaults["fmt"])
        return box_draws.ordinary(rng, shape.units, dtype, fmt)

    def draw_as(self, rng, shape, dtypes):
        """Corners on a grid that the dtype holds; of bool there is one box that is not inverted and has a size."""
        made = {}
        for name in BoxLoss.names:
            dtype = np.dtype(dtypes[name])
            low, side = rng.integers(0, 4, (*shape.units, 2)), rng.integers(1, 5, (*shape.units, 2))
            if dtype.kind == "b":
                low, side = 0 * low, 0 * side + 1
            step = 0.25 if dtype in FLOATS else 1
            made[name] = (step * np.concatenate([low, low + side], axis=-1)).astype(dtype)
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

"""Losses of keypoints."""

from __future__ import annotations

import itertools

import numpy as np

from engines.adapter import FLOATS, INTEGERS, Adapter, Shape
from references import KEYPOINT_REFERENCES, keypoint_draws
from references.keypoints_schema import KeypointLoss

OPTIONAL = ("sigmas", "visible")


class Keypoint(Adapter):
    """A unit is an instance: so many keypoints, on the last axis but one, with x and y on the last."""

    shapes = (Shape((23,), 17), Shape((3, 5), 17), Shape((2, 3, 4), 5), Shape((6,), 133))
    # Tiles of many instances, of some, and of one.
    large_shapes = (Shape((20_001,), 5), Shape((30, 201), 17), Shape((60,), 2_100))

    @classmethod
    def of(cls, loss):
        """One."""
        return [cls(loss)] if loss in KEYPOINT_REFERENCES else []

    @property
    def reference(self):
        """What the loss is."""
        return KEYPOINT_REFERENCES[self.loss]

    def presences(self):
        """Every subset of sigmas and weights."""
        subsets = itertools.chain.from_iterable(itertools.combinations(OPTIONAL, n) for n in range(3))
        return [("input", "target", "area", *chosen) for chosen in subsets]

    def option_sets(self):
        """Each option alone."""
        return self.reference.option_sets()

    def draw(self, rng, shape, dtype, present=None, options=None):
        """Instances; sigmas are always there for other keypoints than COCO's."""
        return keypoint_draws.ordinary(rng, shape.units, shape.width, dtype, present or OPTIONAL)

    def draw_as(self, rng, shape, dtypes):
        """Points on a grid that the dtype holds, and whole areas and weights."""
        each = (*shape.units, shape.width)
        made = {}
        for name in ("input", "target"):
            low = rng.integers(0, 2 if dtypes[name].kind == "b" else 5, (*each, 2))
            made[name] = low * (0.25 if dtypes[name] in FLOATS else 1)
        made["area"] = rng.choice([1, 4, 9], shape.units)
        made["sigmas"] = rng.choice([0.25, 0.5, 1] if dtypes["sigmas"] in FLOATS else [1], shape.width)
        made["visible"] = rng.integers(0, 3, each)
        made["visible"][..., 0] = 1
        return {name: x.astype(dtypes[name]) for name, x in made.items()}

    def computation(self, operands):
        """That of the widest floating operand but sigmas and weights; of integer predictions float64."""
        dtypes = {operands[name].dtype for name in ("input", "target", "area")}
        narrow = operands["input"].dtype not in INTEGERS and np.dtype(np.float64) not in dtypes
        return np.dtype(np.float32 if narrow else np.float64)

    def wrt(self, operands):
        """Both sets of keypoints."""
        return KeypointLoss.names

    def exact(self, operands, options=None, **of_units):
        """The loss of each instance."""
        return KeypointLoss(self.reference, operands, options, **of_units)

    def is_shared(self, name):
        """All instances have the same keypoints."""
        return name == "sigmas"

    def of_units(self, name, x, chosen):
        """What belongs to an instance lies behind the axes of these."""
        return x, chosen

    def room(self, exact, magnitude, dtype, scale):
        """By what was rounded on the way to each number."""
        return 2 * np.finfo(dtype).eps * (np.abs(exact) + np.nan_to_num(magnitude)) + np.finfo(dtype).smallest_normal

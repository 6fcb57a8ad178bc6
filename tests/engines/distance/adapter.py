"""Losses of embeddings."""

from __future__ import annotations

import numpy as np

from engines.adapter import INTEGERS, Adapter, Shape
from references import EMBEDDING_REFERENCES, distance_draws
from references.distance_schema import DistanceLoss


class Distance(Adapter):
    """A unit is a row: two to four embeddings of so many features, which are on the last axis."""

    shapes = (Shape((23,), 12), Shape((3, 5), 7), Shape((2, 3, 4), 2), Shape((6,), 300))
    # Many short rows, rows on two axes, and a few long ones.
    large_shapes = (Shape((20_001,), 17), Shape((30, 201), 33), Shape((60,), 9_000))

    @classmethod
    def of(cls, loss):
        """One."""
        return [cls(loss)] if loss in EMBEDDING_REFERENCES else []

    @property
    def reference(self):
        """What the loss is."""
        return EMBEDDING_REFERENCES[self.loss]

    def presences(self):
        """There is nothing to leave out."""
        return [self.reference.names]

    def option_sets(self):
        """Each option alone, and combinations."""
        return self.reference.option_sets()

    def draw(self, rng, shape, dtype, present=None, options=None):
        """Embeddings at distances of about 1, and labels."""
        return distance_draws.ordinary(rng, self.reference, shape.units, shape.width, dtype, options)

    def draw_as(self, rng, shape, dtypes):
        """Embeddings on a grid that the dtypes hold; no label below 0 in a dtype without signs."""
        return distance_draws.on_a_grid(rng, self.reference, shape.units, shape.width, dtypes)

    def computation(self, operands):
        """That of the widest embedding; where the first is of integers float64."""
        dtypes = {operands[name].dtype for name in self.reference.embeddings}
        narrow = operands[self.reference.embeddings[0]].dtype not in INTEGERS and np.dtype(np.float64) not in dtypes
        return np.dtype(np.float32 if narrow else np.float64)

    def wrt(self, operands):
        """All embeddings, and a target that has a gradient."""
        return self.reference.differentiable

    def exact(self, operands, options=None, **of_units):
        """The loss of each row."""
        return DistanceLoss(self.reference, operands, options, **of_units)

    def is_shared(self, name):
        """Every row has embeddings and a target of its own."""
        return False

    def of_units(self, name, x, chosen):
        """What belongs to a row lies behind the axes of these."""
        return x, chosen

    def room(self, exact, magnitude, dtype, scale):
        """Sums are in double: a result of float32 is rounded once, one of float64 by what was added up on the way."""
        eps = np.finfo(dtype).eps
        size = np.abs(exact) + np.nan_to_num(magnitude)
        return (2 if dtype == np.float32 else 16) * eps * size + np.finfo(dtype).smallest_normal

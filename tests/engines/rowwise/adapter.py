"""Losses of rows of class scores."""

from __future__ import annotations

import numpy as np

import rows_cases
from engines.adapter import FLOATS, INTEGERS, Adapter, Shape
from references import ROW_REFERENCES
from references.row_reductions import RowLoss


class Rowwise(Adapter):
    """A unit is a row, of so many classes on axis 1."""

    shapes = (Shape((31,), 10), Shape((3, 5), 4), Shape((6,), 77), Shape((2, 3, 4), 5))
    # Many short rows; many rows of many classes; few very long ones; classes that do not lie side by side.
    large_shapes = (
        Shape((60_000,), 10),
        Shape((900,), 1000),
        Shape((3,), 200_000),
        Shape((1,), 400_000),
        Shape((4, 100, 90), 21),
    )

    @classmethod
    def of(cls, loss):
        """One for each kind of target."""
        return [cls(loss, kind) for kind in ROW_REFERENCES[loss].kinds_of_target] if loss in ROW_REFERENCES else []

    @property
    def rows(self):
        """The kind of call, as the tests of rows name it."""
        return rows_cases.Rows(self.loss, self.kind)

    @property
    def reference(self):
        """What the loss is."""
        return ROW_REFERENCES[self.loss]

    @property
    def labels(self):
        """Class indices."""
        return self.reference.target.name if self.kind == "index" else None

    def presences(self):
        """Every subset of the optional operands."""
        return rows_cases.presences(self.reference)

    def option_sets(self):
        """Each option alone, and combinations."""
        return rows_cases.option_sets(self.reference)

    def draw(self, rng, shape, dtype, present=None, options=None):
        """Ordinary scores, and labels of classes or distributions."""
        rows = self.rows._replace(options=tuple((options or {}).items()))
        return rows_cases.draw(rows, rng, shape.units, shape.width, dtype, axis=1, present=present)

    def draw_as(self, rng, shape, dtypes):
        """Scores and weights may be integers; distributions not, which would be one-hot."""
        operands = self.draw(rng, shape, np.float32)
        least = {"scores": 0, "weight": 0, "per_class": 1}
        for name, x in operands.items():
            dtype, kind = dtypes[name], self.reference.operand(name).kind
            if dtype in INTEGERS and kind in least:
                operands[name] = rng.integers(least[kind], 4, x.shape).astype(dtype)
            elif x.dtype.kind == "f":
                operands[name] = x.astype(np.float32 if dtype in INTEGERS else dtype)
        return operands

    def computation(self, operands):
        """That of the scores."""
        return np.dtype(np.float32 if operands[self.reference.first].dtype in FLOATS[:-1] else np.float64)

    def wrt(self, operands):
        """Scores, distributions, and operands that have a number for each class."""
        return rows_cases.wrt(self.rows, operands)

    def exact(self, operands, options=None, **of_units):
        """The loss of each row."""
        return RowLoss(self.reference, operands, options, **of_units)

    def is_shared(self, name):
        """What has a number for each class alone."""
        return self.reference.operand(name).kind in ("weight", "per_class")

    def of_units(self, name, x, chosen):
        """A row of what has classes on axis 1, or a label."""
        return (x, chosen) if name == self.labels else (np.moveaxis(x, 1, -1), chosen)

    def without_terms(self, operands):
        """Weights of zero for the classes that are labels; the others have some."""
        reference = self.reference
        if self.kind != "index" or reference.weight is None or reference.denominator_term != "weight":
            return None
        labels, weight = operands[self.labels] % 2, operands[reference.weight].copy()
        weight[:2] = 0
        return {**operands, self.labels: labels, reference.weight: weight}

    def scale(self, operands, sample_weight=None):
        """What multiplies the rounding of a subnormal probability."""
        return rows_cases.factor(self.rows, operands, sample_weight)

    def room(self, exact, magnitude, dtype, scale):
        """By what was rounded in each row."""
        return rows_cases.bound(self.rows, exact, magnitude, dtype, scale)

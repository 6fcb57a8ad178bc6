"""Losses of elements."""

from __future__ import annotations

import functools

import numpy as np

import cases
from engines.adapter import FLOATS, INTEGERS, Adapter, Shape
from references import REFERENCES
from references.reductions import Unreduced


@functools.cache
def _is_never_negative(loss, operand):
    return bool((cases.sample(REFERENCES[loss], cases.seed(loss), 100, np.float64)[operand] >= 0).all())


class Pointwise(Adapter):
    """A unit is an element; each operand has a number for each of them."""

    shapes = (Shape((23, 61), 1),)
    large_shapes = (Shape((600, 1001), 1),)  # no multiple of a block
    second_of_options = False

    @classmethod
    def of(cls, loss):
        """One: what an operand is does not depend on its dtype."""
        return [cls(loss)] if loss in REFERENCES else []

    @property
    def reference(self):
        """What the loss is."""
        return REFERENCES[self.loss]

    @property
    def stands_for_others(self):
        """Losses that have between them everything that a loss may have."""
        return self.loss in cases.REPRESENTATIVES

    def presences(self):
        """Every subset of the optional operands."""
        return cases.presences(self.reference)

    def option_sets(self):
        """Each option alone, and combinations."""
        return cases.option_sets(self.reference)

    def draw(self, rng, shape, dtype, present=None, options=None):
        """Ordinary numbers, arrays of full size."""
        drawn = cases.sample(self.reference, rng, shape.count, dtype, present=present)
        return {name: x.reshape(shape.units) for name, x in drawn.items()}

    def draw_as(self, rng, shape, dtypes):
        """Numbers of the domain, and where that has others, not its ends."""
        made = {}
        for operand in self.reference.operands:
            dtype = dtypes[operand.name]
            if operand.integer and dtype not in INTEGERS:
                dtype = np.dtype(np.int64)
            if not self._choices(operand, dtype):
                dtype = np.dtype(np.float32)
            made[operand.name] = rng.choice(self._choices(operand, dtype), shape.units).astype(dtype)
        return made

    def _choices(self, operand, dtype):
        """Numbers that the operand may be and the dtype holds exactly."""
        domain = cases.domain(self.loss, operand.name)
        if operand.integer:
            return [x for x in operand.specials if abs(x) < 128 and np.int64(x).astype(dtype) == x]
        values = np.arange(-12, 13) * 0.25 if dtype in FLOATS else np.arange(-3, 4)
        if _is_never_negative(self.loss, operand.name):
            values = np.abs(values)
        values = np.unique(values[domain.contains(values)])
        if dtype not in FLOATS:
            values = values[values.astype(dtype) == values]
        inner = values[domain.room(values) > 0]
        return list(inner if inner.size > 1 else values)

    def computation(self, operands):
        """That of the widest operand, if any is floating at all."""
        dtypes = {x.dtype for x in operands.values()} & set(FLOATS)
        return np.dtype(np.float64 if np.dtype(np.float64) in dtypes or not dtypes else np.float32)

    def wrt(self, operands):
        """All but labels and counts."""
        return tuple(name for name in operands if self.reference.operand(name).differentiable)

    def exact(self, operands, options=None):
        """The loss of each element."""
        return Unreduced(self.reference, operands, options)

    def is_shared(self, name):
        """None is: those of `draw` are of full size."""
        return False

    def of_units(self, name, x, chosen):
        """Every operand has the shape of the units."""
        return x, chosen

    def without_terms(self, operands):
        """The operand that the mean is over is zero."""
        term = self.reference.denominator_term
        return {**operands, term: np.zeros_like(operands[term])} if term in operands else None

    def room(self, exact, magnitude, dtype, scale):
        """Relative to the largest magnitude: that of a sum, where an operand is shared or the value reduced."""
        return 48 * np.finfo(dtype).eps * (np.abs(exact) + max(np.max(magnitude, initial=0), 1e-30))

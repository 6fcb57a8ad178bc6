"""Lovász losses, of which each sample is a unit."""

from __future__ import annotations

import functools

import numpy as np

import fastloss as fl
from engines.adapter import FLOATS, INTEGERS, Adapter, Shape
from references import LOVASZ_REFERENCES, lovasz_draws
from references.lovasz_schema import LovaszLoss

CLASSES = 3


@functools.cache
def of_samples(loss):
    """The loss with a unit for each sample: all others are one number."""
    return getattr(fl, loss).partial(per_image=True)


class Lovasz(Adapter):
    """A unit is a sample of so many pixels, on the last axis of the target."""

    shapes = (Shape((9,), 31), Shape((5,), 200), Shape((6,), 2), Shape((4,), 2100))
    large_shapes = (Shape((60,), 4_001), Shape((2,), 140_000), Shape((3_000,), 50))
    empty_shapes = (Shape((0,), 3), Shape((0,), 1), Shape((2,), 0))

    @classmethod
    def of(cls, loss):
        """One way: a mask, or class indices."""
        return [cls(loss)] if loss in LOVASZ_REFERENCES else []

    @property
    def reference(self):
        """What the loss is."""
        return LOVASZ_REFERENCES[self.loss]

    @property
    def function(self):
        """The loss of samples."""
        return of_samples(self.loss)

    @property
    def labels(self):
        """Masks of integers are labels, too."""
        return "target"

    def presences(self):
        """Both operands."""
        return [("input", "target")]

    def option_sets(self):
        """All but those of other units."""
        return [o for o in self.reference.option_sets() if "per_image" not in o or o == {"per_image": True}]

    def draw(self, rng, shape, dtype, present=None, options=None):
        """Scores and a mask; or probabilities or logits, and class indices."""
        if not self.reference.has_classes:
            return lovasz_draws.mask(rng, (*shape.units, shape.width), dtype)
        logits = bool((options or {}).get("from_logits"))
        return lovasz_draws.classes(rng, (*shape.units, CLASSES, shape.width), 1, dtype, from_logits=logits)

    def draw_as(self, rng, shape, dtypes):
        """Quarters, and what the dtype has of a target."""
        operands = self.draw(rng, shape, np.float32)
        x, t = operands["input"], operands["target"]
        if dtypes["input"] in FLOATS:
            operands["input"] = (rng.integers(0, 5, x.shape) * 0.25).astype(dtypes["input"])
        else:
            operands["input"] = rng.integers(0, 2, x.shape).astype(dtypes["input"])
        if not self.reference.has_classes or (dtypes["target"] in INTEGERS and dtypes["target"].kind != "b"):
            operands["target"] = t.astype(dtypes["target"])
        return operands

    def computation(self, operands):
        """That of the widest floating operand; float64 where predictions are integers."""
        return LovaszLoss(self.reference, operands).dtype

    def wrt(self, operands):
        """The input alone."""
        return ("input",)

    def exact(self, operands, options=None, **of_units):
        """The loss of each sample."""
        return LovaszLoss(self.reference, operands, {"per_image": True, **(options or {})}, **of_units)

    def is_shared(self, name):
        """Every operand belongs to samples."""
        return False

    def masked_shape(self, shape):
        """That of the target: pixels."""
        return (*shape.units, shape.width)

    def mask_of(self, kept, shape):
        """All pixels of a sample."""
        return kept[:, np.newaxis]

    def of_units(self, name, x, chosen):
        """Pixels lie behind the axis of samples."""
        return x, chosen

    def room(self, exact, magnitude, dtype, scale):
        """By what was rounded on the way to each number."""
        return 8 * np.finfo(dtype).eps * (np.abs(exact) + np.nan_to_num(magnitude)) + np.finfo(dtype).smallest_normal

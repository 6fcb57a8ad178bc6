"""Losses of the scores that a linear layer gives."""

from __future__ import annotations

import itertools

import numpy as np

import rows_cases
from engines.adapter import FLOATS, INTEGERS, Adapter, Shape
from references import linear as linear_reference

REFERENCES = {"linear_cross_entropy": linear_reference.CROSS_ENTROPY}


class Linear(Adapter):
    """A unit is a row of scores: of a sample, or of a place of a sample where classes have axes behind them."""

    # The axes of units before the last are of samples; the last is of places, unless it is the only one.
    shapes = (Shape((31,), 10), Shape((5, 2), 11), Shape((3, 2, 4), 5))
    large_shapes = (Shape((700,), 10_007), Shape((20, 10, 30), 300))  # in several chunks, and of places

    @classmethod
    def of(cls, loss):
        """One for each kind of target."""
        return [cls(loss, kind) for kind in REFERENCES[loss].kinds_of_target] if loss in REFERENCES else []

    @property
    def labels(self):
        """Class indices."""
        return "target" if self.kind == "index" else None

    def presences(self):
        """With and without the bias and the weights of classes."""
        given = ("input", "linear_weight", "target")
        return [(*given, *more) for n in range(3) for more in itertools.combinations(("linear_bias", "weight"), n)]

    def option_sets(self):
        """Those of cross-entropy that make sense for scores."""
        own = set(self.function.info.defaults)
        return [options for options in rows_cases.option_sets(REFERENCES[self.loss]) if set(options) <= own]

    def draw(self, rng, shape, dtype, present=None, options=None):
        """Nine features."""
        units = shape.units
        samples = max(1, len(units) - 1)
        operands = linear_reference.draw(
            rng,
            units[:samples],
            shape.width,
            inner=units[samples:],
            dtype=dtype,
            probabilities=self.kind == "distribution",
        )
        operands["weight"] = np.linspace(0.5, 2.0, shape.width).astype(dtype)
        return {name: x for name, x in operands.items() if present is None or name in present}

    def draw_as(self, rng, shape, dtypes):
        """All but distributions may be integers, which would be one-hot."""
        operands = self.draw(rng, shape, np.float32)
        for name, x in operands.items():
            dtype = dtypes[name]
            if dtype in INTEGERS and name != "target":
                operands[name] = rng.integers(0, 3, x.shape).astype(dtype)
            elif x.dtype.kind == "f":
                operands[name] = x.astype(np.float32 if dtype in INTEGERS else dtype)
        return operands

    def computation(self, operands):
        """The wider of those of the input and the layer, which are float64 where they are integers."""
        narrow = all(operands[name].dtype in FLOATS[:-1] for name in ("input", "linear_weight"))
        return np.dtype(np.float32 if narrow else np.float64)

    def wrt(self, operands):
        """What the scores are made of."""
        return tuple(name for name in ("input", "linear_weight", "linear_bias") if name in operands)

    def exact(self, operands, options=None, **of_units):
        """The loss of each row of scores."""
        return linear_reference.LinearLoss(operands, options, **of_units)

    def is_shared(self, name):
        """The layer and the weights of its classes."""
        return name not in ("input", "target")

    def of_units(self, name, x, chosen):
        """A sample belongs to all its places."""
        samples = max(1, chosen.ndim - 1)
        if name == "input":
            return x, chosen.all(axis=tuple(range(samples, chosen.ndim)))
        return (x, chosen) if self.labels else (np.moveaxis(x, samples, -1), chosen)

    def without_terms(self, operands):
        """Weights of zero for the classes that are labels; the others have some."""
        if self.kind != "index" or "weight" not in operands:
            return None
        weight = operands["weight"].copy()
        weight[:2] = 0
        return {**operands, "target": operands["target"] % 2, "weight": weight}

    def room(self, exact, magnitude, dtype, scale):
        """Relative to the largest sum of magnitudes of products."""
        return 8 * np.finfo(dtype).eps * np.max(np.nan_to_num(magnitude), initial=0)

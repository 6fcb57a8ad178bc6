"""Linear cross-entropy by definition: the logits as a whole, in longdouble, and the reference of cross-entropy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from references import ROW_REFERENCES
from references.row_reductions import RowLoss
from references.units import LONG, Sized, Units

CROSS_ENTROPY = ROW_REFERENCES["cross_entropy"]


class Exact(NamedTuple):
    """The value and gradients, and the sizes that rounding errors of each are relative to."""

    results: dict[str, np.ndarray]
    sizes: dict[str, float]


class LinearLoss(Units):
    """The loss of every row of scores before any reduction, and the way back through the products."""

    def __init__(self, operands, options=None, *, where=None, ignore_index=-100):
        self.x, self.w = (np.asarray(operands[name]).astype(LONG) for name in ("input", "linear_weight"))
        self.samples, self.inner = (
            self.x.ndim - 1,
            self.w.ndim - 1,
        )  # numbers of axes; the first inner one is of classes
        logits = np.tensordot(self.x, self.w, axes=(-1, -1))
        rounded = np.tensordot(np.abs(self.x), np.abs(self.w), axes=(-1, -1))
        self.bias = operands.get("linear_bias")
        if self.bias is not None:
            logits = logits + np.asarray(self.bias).astype(LONG)
            rounded = rounded + np.abs(np.asarray(self.bias).astype(LONG))
        self.rounding = 1 + rounded.max(initial=0)
        given = {"input": logits, "target": operands["target"]}
        if "weight" in operands:
            given["weight"] = operands["weight"]
        self.rows = RowLoss(CROSS_ENTROPY, given, options, axis=self.samples, where=where, ignore_index=ignore_index)
        self.values, self.counts, self.terms = self.rows.values, self.rows.counts, self.rows.terms
        self.magnitudes = np.abs(self.rows.magnitudes) * self.rounding

    def pull_back(self, flow):
        """The gradient in the scores, times what they are products of."""
        slope, own = self.rows.pull_back(flow)["input"]
        size = np.abs(slope) * self.rounding + own
        over_scores = tuple(range(self.samples, slope.ndim)), tuple(range(self.inner))
        over_samples = tuple(range(self.samples)), tuple(range(self.samples))
        found = {
            "input": Sized(
                np.tensordot(slope, self.w, axes=over_scores), np.tensordot(size, np.abs(self.w), axes=over_scores)
            ),
            "linear_weight": Sized(
                np.tensordot(slope, self.x, axes=over_samples), np.tensordot(size, np.abs(self.x), axes=over_samples)
            ),
        }
        if self.bias is not None:
            found["linear_bias"] = Sized(slope.sum(axis=over_samples[0]), size.sum(axis=over_samples[0]))
        return found


def exact(operands, options=None, reduction="mean", *, where=None, ignore_index=-100, **call) -> Exact:
    """What a call gives. `operands` by name; those that are not given are left out."""
    reduced = LinearLoss(operands, options, where=where, ignore_index=ignore_index).reduce(reduction, **call)
    sizes = {name: float(np.max(size, initial=0)) for name, size in reduced.magnitudes.items()}
    return Exact({"value": reduced.value, **reduced.gradients}, sizes)


def draw(rng, samples=(7,), classes=11, features=9, inner=(), *, dtype=np.float64, probabilities=False, bias=True):
    """Operands of a call."""
    operands = {
        "input": rng.standard_normal((*samples, features)).astype(dtype),
        "linear_weight": rng.standard_normal((classes, *inner, features)).astype(dtype),
    }
    if probabilities:
        shares = rng.random((*samples, classes, *inner))
        operands["target"] = (shares / shares.sum(axis=len(samples), keepdims=True)).astype(dtype)
    else:
        operands["target"] = rng.integers(0, classes, (*samples, *inner))
    if bias:
        operands["linear_bias"] = rng.standard_normal((classes, *inner)).astype(dtype)
    return operands

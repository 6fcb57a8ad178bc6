"""What a Lovász loss adds to the tests: the error of a pixel, and what to feed it.

The extension of the Jaccard loss is here, once for both losses, from sets: the loss of a class is the sum of the
sorted errors times by how much the set of wrong pixels gets worse with each of them. Errors are rounded as a
computation in their dtype rounds them, since their order decides the gradient; all else is in `numpy.longdouble`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from references.units import LONG, Sized, Units, leading, times

DEFAULT = "default"  # an `axis` that is not given


@dataclass(frozen=True)
class LovaszCase:
    """Operands, keywords, and the value that is known for them."""

    operands: tuple[Any, ...]
    keywords: Mapping[str, Any]
    value: Any


@dataclass(frozen=True)
class LovaszReference:
    """A Lovász loss as its literature defines it.

    Parameters
    ----------
    error
        `f(x, t) -> (error, slope in x)` of numbers of one dtype; what is not above 0 costs nothing.
    has_classes
        Whether targets are class indices, and not a mask.
    """

    name: str
    error: Callable[..., tuple[np.ndarray, np.ndarray]]
    has_classes: bool
    defaults: Mapping[str, Any]
    options: Mapping[str, tuple[Any, ...]]
    combined_options: tuple[Mapping[str, Any], ...] = ()
    golden: tuple[LovaszCase, ...] = ()

    def option_sets(self) -> list[dict]:
        """The defaults, then each option with each of its other values, then the combinations worth trying."""
        alone = ({name: value} for name, values in self.options.items() for value in values)
        return [{}, *alone, *map(dict, self.combined_options)]


def steps_of_the_jaccard_loss(positive):
    """By how much the Jaccard loss grows as one pixel after the other becomes wrong, in this order.

    With M the set of wrong pixels and Y that of the class, it is |M| / |Y or M|, and 0 of nothing (Berman et al. 2018,
    equation 6). Differences of fractions are taken of integers, and are exact but for one rounding.
    """
    wrong = np.arange(len(positive) + 1)
    others = np.concatenate([[0], np.cumsum(~positive)])  # of these, those that are not of the class
    union = np.maximum(positive.sum() + others, 1)
    difference = wrong[1:] * union[:-1] - wrong[:-1] * union[1:]
    return difference.astype(LONG) / (union[1:].astype(LONG) * union[:-1].astype(LONG))


def class_loss(errors, slopes, positive):
    """The loss of a class and its gradient in each of its pixels; equal errors are in the order of the pixels."""
    gradient = np.zeros(len(errors), LONG)
    costly = np.flatnonzero(~(errors <= 0))
    order = costly[np.argsort(-errors[costly], kind="stable")]
    hidden = positive.copy()
    hidden[costly] = False
    # Pixels without an error are right, and last.
    steps = steps_of_the_jaccard_loss(np.concatenate([positive[order], positive[hidden]]))[: len(order)]
    gradient[order] = steps * slopes[order]
    return (steps * errors[order].astype(LONG)).sum(), gradient, steps.sum()


class LovaszLoss(Units):
    """The loss of every unit before any reduction, and the way back to the input."""

    def __init__(self, reference, operands, options=None, *, axis=DEFAULT, where=None, ignore_index=-100):
        self.reference, self.operands, self.given = reference, operands, dict(options or {})
        self.axis, self.ignore_index = axis, ignore_index
        self.options = {**reference.defaults, **self.given}
        input, target = (np.asarray(operands[name]) for name in ("input", "target"))
        floating = [a.dtype for a in (input, target) if a.dtype.kind not in "biu"]
        wide = input.dtype.kind in "biu" or np.dtype(np.float64) in floating
        self.dtype = np.dtype(np.float64 if wide else np.float32)
        self.input_shape = input.shape
        self.class_axis = None
        if reference.has_classes:
            self.class_axis = (0 if input.ndim == 1 else 1) if axis == DEFAULT else axis % input.ndim
        has_samples = self.class_axis > 0 if reference.has_classes else input.ndim > 1
        x = input.astype(self.dtype)
        x = x[np.newaxis] if self.class_axis is None else np.moveaxis(x, self.class_axis, 0)
        self.pixel_shape = x.shape[1:]
        self.each = has_samples and self.options["per_image"]
        units = self.pixel_shape[0] if self.each else 1
        self.shape = (units, -1) if units else (0, 0)
        counts = np.ones(self.pixel_shape, bool) if where is None else leading(where, self.pixel_shape).astype(bool)
        if target.dtype.kind in "biu":
            counts = counts & (target != ignore_index)
        self.x = np.stack([plane.reshape(self.shape) for plane in x]) if len(x) else x.reshape(0, *self.shape)
        self.counts_pixel, self.labels = counts.reshape(self.shape), target.reshape(self.shape)
        with np.errstate(all="ignore"):
            self._evaluate(units)

    def _evaluate(self, units):
        """The loss of each class of each unit, and its gradient in what the errors are of."""
        self.p = self.x
        if self.options.get("from_logits"):
            z = np.where(self.counts_pixel, self.x, 0).astype(LONG)
            e = np.exp(z - z.max(axis=0, keepdims=True, initial=-np.inf))
            self.p_exact = e / e.sum(axis=0, keepdims=True)
            self.p = self.p_exact.astype(self.dtype)
        values, sizes = np.zeros(units, LONG), np.zeros(units, LONG)
        self.slopes = np.zeros(self.p.shape, LONG)
        counts = self.counts_pixel.any(axis=1) if units else np.zeros(0, bool)
        for u in range(units):
            kept = self.counts_pixel[u]
            labels = [1] if not self.reference.has_classes else list(range(len(self.p)))
            losses = []
            for plane, label in zip(self.p[:, u], labels, strict=True):
                positive = self.labels[u][kept] == label
                absent = self.reference.has_classes and self.options["classes"] == "present" and not positive.any()
                if not kept.any() or absent:
                    continue
                errors, slopes = self.reference.error(plane[kept], positive)
                losses.append((labels.index(label), *class_loss(errors, slopes, positive)))
            for c, value, gradient, size in losses:
                values[u] += value / len(losses)
                sizes[u] += (value + size) / len(losses)
                self.slopes[c, u, kept] = gradient / len(losses)
        outer = (units,) if self.each else ()
        self.values, self.magnitudes, self.counts = (a.reshape(outer) for a in (values, sizes, counts))
        self.terms = {None: np.ones(outer, LONG), "weight": np.ones(outer, LONG)}

    def pull_back(self, flow):
        """Through a softmax, where there is one."""
        g = times(np.reshape(flow, (-1, 1)), self.slopes)
        size = np.abs(g)
        if self.options.get("from_logits"):
            p, silent = self.p_exact, ~np.any(g != 0, axis=0)
            inner, inner_size = (p * g).sum(axis=0), (p * size).sum(axis=0)
            g = np.where(silent, 0, p * (g - inner))
            size = 4 * p * (size + inner_size)
        return {"input": Sized(self._back(g), self._back(size))}

    def _back(self, x):
        """From (classes, units, pixels) to the input's shape."""
        planes = x.reshape(len(x), *self.pixel_shape)
        return planes[0] if self.class_axis is None else np.moveaxis(planes, 0, self.class_axis)

    def masked(self, where):
        """The same loss of the pixels that are left."""
        return LovaszLoss(
            self.reference, self.operands, self.given, axis=self.axis, where=where, ignore_index=self.ignore_index
        )

    def reduce(self, reduction="mean", *, where=None, **arguments):
        """A mask is of pixels, and so decides about errors."""
        if where is not None:
            return self.masked(where).reduce(reduction, **arguments)
        return super().reduce(reduction, **arguments)

    def statistics(self, *, where=None, **arguments):
        """The same."""
        if where is not None:
            return self.masked(where).statistics(**arguments)
        return super().statistics(**arguments)

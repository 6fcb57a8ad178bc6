"""What a loss of embeddings adds to the tests: which of them it measures, and what it makes of that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from references.distance_measures import Measured
from references.units import LONG, Sized, Units, leading, times


class Pair(NamedTuple):
    """Two operands, by name, and a measure of them: `f(x, y) -> Measured`."""

    measure: Callable[..., Measured]
    first: str
    second: str


class Head(NamedTuple):
    """What a loss makes of its measures: its value, and its slopes in each of them and in its target.

    `kink` is how far the numbers are from where a slope jumps, as a part of what was added up on the way.
    """

    value: Sized
    slopes: Mapping[str, Sized]
    target: Sized | None = None
    kink: np.ndarray | None = None


@dataclass(frozen=True)
class DistanceCase:
    """Operands, keywords, and the value that is known for them, right to ten decimals."""

    operands: Mapping[str, Any]
    keywords: Mapping[str, Any]
    value: float


@dataclass(frozen=True)
class DistanceReference:
    """A loss of embeddings as its literature defines it.

    Parameters
    ----------
    embeddings
        The operands with an axis of features.
    pairs
        `f(**options) -> {name: Pair}`: what is measured.
    head
        `f(measures, target, **options) -> Head`, with the values of the measures by name.
    torch
        `f(torch, *operands, **options) -> tensor`: the loss unreduced, by torch's own functions or, where torch has
        none, the published formula.
    labels
        The two numbers that a target may be; None of a loss without a target, or whose target may be any number.
    target_differentiable
        Whether there is a gradient in the target.
    default_wrt
        The operands that a gradient is in unless a call says which; None: all embeddings.
    refused
        Of each option with a range, numbers outside it.
    """

    name: str
    embeddings: tuple[str, ...]
    pairs: Callable[..., Mapping[str, Pair]]
    head: Callable[..., Head]
    torch: Callable[..., Any]
    defaults: Mapping[str, Any]
    options: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)
    combined_options: tuple[Mapping[str, Any], ...] = ()
    golden: tuple[DistanceCase, ...] = ()
    refused: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    has_target: bool = False
    labels: tuple[float, float] | None = None
    target_differentiable: bool = False
    default_wrt: tuple[str, ...] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """All operands, in order."""
        return (*self.embeddings, *(("target",) if self.has_target else ()))

    @property
    def differentiable(self) -> tuple[str, ...]:
        """The operands that have a gradient."""
        return (*self.embeddings, *(("target",) if self.target_differentiable else ()))

    def option_sets(self) -> list[dict]:
        """The defaults, then each option with each of its other values, then the combinations worth trying."""
        alone = ({name: value} for name, values in self.options.items() for value in values)
        return [{}, *alone, *map(dict, self.combined_options)]


class DistanceLoss(Units):
    """The loss of every row before any reduction, and the way back to the embeddings."""

    def __init__(self, reference: DistanceReference, operands, options=None, *, axis=-1):
        given = {**reference.defaults, **(options or {})}
        wide = {k: np.asarray(x).astype(LONG) for k, x in operands.items()}
        self.axis = axis
        x = {name: np.moveaxis(wide[name], axis, -1) for name in reference.embeddings}
        shape = x[reference.embeddings[0]].shape[:-1]
        target = leading(wide["target"], shape) if reference.has_target else None
        pairs = reference.pairs(**given)
        with np.errstate(all="ignore"):
            measured = {k: pair.measure(x[pair.first], x[pair.second]) for k, pair in pairs.items()}
            head = reference.head({k: m.value for k, m in measured.items()}, target, **given)
            self.values, self.magnitudes = head.value
            self.kink = np.full(shape, np.inf) if head.kink is None else head.kink
            self.slopes = {name: self._nothing(x[name]) for name in reference.embeddings}
            for k, pair in pairs.items():
                self._add(pair.first, head.slopes[k], measured[k].first)
                self._add(pair.second, head.slopes[k], measured[k].second)
        self.target = head.target
        self.counts = np.ones(shape, bool)
        ones = np.ones(shape, LONG)
        self.terms = {None: ones, "weight": ones}

    @staticmethod
    def _nothing(x):
        return Sized(np.zeros(x.shape, LONG), np.zeros(x.shape, LONG))

    def _add(self, name, outer, inner):
        """A slope of the head in a measure, times that of the measure in an embedding: each is as wrong as it is."""
        slope, size = (part[..., np.newaxis] for part in outer)
        exact = times(slope, inner.exact)
        wrong = times(np.abs(slope), inner.magnitude) + times(size, np.abs(inner.exact))
        self.slopes[name] += Sized(exact, wrong)

    def _back(self, x):
        return np.moveaxis(x, -1, self.axis)

    def pull_back(self, flow):
        """Each row has embeddings of its own."""
        wide = np.asarray(flow)[..., np.newaxis]
        found = {
            name: Sized(self._back(times(wide, exact)), self._back(times(np.abs(wide), size)))
            for name, (exact, size) in self.slopes.items()
        }
        if self.target is not None:
            exact, size = self.target
            found["target"] = Sized(times(flow, exact), times(np.abs(flow), size))
        return found

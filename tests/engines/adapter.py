"""What tests of every engine know of one: how its losses are called, what their units are, exactly what they give."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import ml_dtypes
import numpy as np

import fastloss as fl
from references.units import Units

HALVES = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
FLOATS = (*HALVES, np.dtype(np.float32), np.dtype(np.float64))
INTEGERS = tuple(np.dtype(t) for t in "?bBhHiIlLqQ")


class Shape(NamedTuple):
    """The shape of the units, and how many numbers each has where its engine leaves that open.

    Of a loss that has none, they are what a `sample_weight` has a number for.
    """

    units: tuple[int, ...]
    width: int

    @property
    def count(self) -> int:
        """How many units there are."""
        return int(np.prod(self.units))


@dataclass(frozen=True)
class Adapter(ABC):
    """One way to call a loss: a loss that takes several kinds of targets is called in as many ways.

    An engine has a subclass in `engines/<name>/adapter.py`. What it says comes from references, never from what
    the library computes.
    """

    loss: str
    kind: str = ""  # of the target

    # Shapes at which the engine works in different ways; the first is the ordinary one.
    shapes: ClassVar[tuple[Shape, ...]]
    # Shapes with more work than one thread is given, shared out in different ways.
    large_shapes: ClassVar[tuple[Shape, ...]]
    # Shapes without units.
    empty_shapes: ClassVar[tuple[Shape, ...]] = (Shape((0,), 3), Shape((0,), 1), Shape((2, 0), 4), Shape((0, 5), 4))
    # Whether the reduced loss is made of losses of units; if not, its parts reduce themselves.
    has_units: ClassVar[bool] = True
    # Whether the loss of a unit depends on what is its own, and on what is shared: not where units are compared.
    units_are_apart: ClassVar[bool] = True
    # Whether `room` holds for second derivatives under every option: not where their terms cancel.
    second_of_options: ClassVar[bool] = True

    def __str__(self) -> str:
        return f"{self.loss}-{self.kind}" if self.kind else self.loss

    @classmethod
    @abstractmethod
    def of(cls, loss) -> list[Adapter]:
        """The ways to call a loss of the engine; none of a loss without a reference."""

    @abstractmethod
    def draw(self, rng, shape, dtype, present=None, options=None) -> dict[str, np.ndarray]:
        """Operands by name, of which only those in `present` are given, for a call with these options."""

    @abstractmethod
    def draw_as(self, rng, shape, dtypes) -> dict[str, np.ndarray]:
        """Operands of these dtypes by name, of numbers that all of them hold; of another where one cannot be of it."""

    @abstractmethod
    def computation(self, operands) -> np.dtype:
        """The dtype that computes."""

    @abstractmethod
    def presences(self) -> list[tuple[str, ...]]:
        """Which operands are given: every subset of those that may be left out, all of them last."""

    @abstractmethod
    def option_sets(self) -> list[dict]:
        """The defaults and every other setting worth trying."""

    @abstractmethod
    def wrt(self, operands) -> tuple[str, ...]:
        """The given operands that have a gradient; the first operand is one, and what Hessians are in."""

    @abstractmethod
    def exact(self, operands, options=None, **of_units) -> Units:
        """What the loss is; `of_units` is `ignore_index`, of calls that ignore labels."""

    @abstractmethod
    def is_shared(self, name) -> bool:
        """Whether an operand belongs to all units; others have the first axis of the units."""

    @abstractmethod
    def of_units(self, name, x, chosen) -> tuple[np.ndarray, np.ndarray]:
        """A view and a mask of its leading axes: where an operand, or its gradient, belongs to the chosen units alone.

        Not of operands that are shared. The view writes to `x`.
        """

    @abstractmethod
    def room(self, exact, magnitude, dtype, scale) -> np.ndarray:
        """An error that is a right answer of a computation in the dtype: some ulp of what was rounded on the way."""

    @property
    def reductions(self) -> tuple[str, ...]:
        """Those of the loss, the one that adds up the least first."""
        return (*(("none",) if self.has_units else ()), "sum", "batchmean", "mean")

    @property
    def of_any_length(self) -> frozenset[str]:
        """Operands that may have any extent on their first axis, whatever the others have."""
        return frozenset()

    def shape_of(self, count, width) -> Shape:
        """A shape with so many places on the first axis of the units; that is their only one, where one will do."""
        return Shape((count,), width)

    def masked_shape(self, shape) -> tuple[int, ...]:
        """The shape of a `where` of full size: that of the units, unless it masks what these are made of."""
        return shape.units

    def mask_of(self, kept, shape) -> np.ndarray:
        """A `where` that leaves these units and takes all of the others."""
        return kept

    def apart(self, chosen) -> np.ndarray:
        """Of chosen units those that share nothing with the others."""
        return chosen

    def scale(self, operands, sample_weight=None) -> float:
        """Of a call, what `room` depends on beside magnitudes."""
        return 1.0

    def without_terms(self, operands) -> dict[str, np.ndarray] | None:
        """The operands with a denominator of zero, where the loss has one that depends on an operand."""
        return None

    @property
    def labels(self) -> str | None:
        """The operand of class indices, of which `ignore_index` may leave some out."""
        return None

    @property
    def stands_for_others(self) -> bool:
        """Whether what does not depend on a formula is tried on this one in every combination."""
        return True

    @property
    def function(self) -> fl.Loss:
        """The loss under test."""
        return getattr(fl, self.loss)

    def has(self, method) -> bool:
        """Whether the loss has a method that not all have."""
        return method in self.function.info.methods

    def spoiled(self, operands, chosen, poison) -> dict[str, np.ndarray]:
        """Copies of the operands in which what belongs to the chosen units is poison, or a label that is none."""
        spoiled = {name: x.copy() for name, x in operands.items()}
        for name, x in spoiled.items():
            if not self.is_shared(name):
                view, mask = self.of_units(name, x, chosen)
                view[mask] = poison if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        return spoiled

    def ignoring(self, operands, chosen, label) -> np.ndarray:
        """The labels, of which those that belong to the chosen units are another number."""
        labels = operands[self.labels].copy()
        view, mask = self.of_units(self.labels, labels, chosen)
        view[mask] = label
        return labels

    def repeated(self, operands, index) -> dict[str, np.ndarray]:
        """Operands of the units that lie at these places of the first axis."""
        return {name: x if self.is_shared(name) else x[index] for name, x in operands.items()}

"""What one measurement computes, and whether somebody's result is right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bench.mode import Mode

# A reduced value is allowed the rounding of a float32 sum over the largest arrays. An element is compared with the
# largest of its array.
VALUE_TOLERANCE = {"float32": 2e-4, "float64": 1e-10}
ELEMENT_TOLERANCE = {"float32": 1e-4, "float64": 1e-11}
# A rounded operand may lie on the other side of a jump of the gradient: this near to it, in units of the operands'
# spacing, either side is right.
SPACINGS_TO_KINK = 4

Arrays = np.ndarray | tuple[np.ndarray, ...]


def single(items: tuple[Any, ...]) -> Any:
    """The only one, or all: as fastloss takes and gives what there is one of for each gradient."""
    return items[0] if len(items) == 1 else items


class Disagreement(Exception):
    """A result that is not the reference's."""


@dataclass(frozen=True)
class Problem:
    """The operands of one measurement and what has to come out.

    Parameters
    ----------
    operands
        What the loss or function is called with, by name.
    value
        What it gives, in float64; without axes where it is reduced.
    gradients
        The gradients in some operands, in float64.
    flow
        The gradient that flows in, of the shape of the value; None where the value is reduced and it is 1.
    at_kink
        Of a gradient that jumps, the elements that are so near to a jump that either side is right.
    """

    operands: Mapping[str, np.ndarray]
    value: np.ndarray
    gradients: Mapping[str, np.ndarray]
    flow: np.ndarray | None = None
    at_kink: Mapping[str, np.ndarray] = field(default_factory=dict)

    @property
    def dtype(self) -> np.dtype:
        """The dtype of the first operand, and so of the value."""
        return next(iter(self.operands.values())).dtype

    @property
    def given(self) -> tuple[np.ndarray, ...]:
        """All that the value and the gradients are computed from."""
        return (*self.operands.values(), *(() if self.flow is None else (self.flow,)))

    def arguments(self, mode: Mode) -> tuple[np.ndarray, ...]:
        """What of it a call needs."""
        return self.given if mode.gradient else tuple(self.operands.values())

    @property
    def places(self) -> tuple[int, ...]:
        """Which operands the gradients are in."""
        names = list(self.operands)
        return tuple(names.index(name) for name in self.gradients)

    def reads(self, mode: Mode) -> tuple[int, ...]:
        """The size in bytes of each array that a call has to read."""
        return tuple(array.nbytes for array in self.arguments(mode))

    def writes(self, mode: Mode) -> tuple[int, ...]:
        """The size in bytes of each array that a call has to write."""
        value = (self.value.size * self.dtype.itemsize,) if mode.value and self.value.ndim else ()
        gradients = (g.size * self.operands[name].itemsize for name, g in self.gradients.items())
        return (*value, *(gradients if mode.gradient else ()))

    def outputs(self) -> Arrays:
        """Arrays of NaN for the gradients: one, or as many as there are."""
        return single(tuple(np.full(g.shape, np.nan, self.operands[name].dtype) for name, g in self.gradients.items()))

    def judge(self, mode: Mode, value: object, gradients: Arrays | None) -> None:
        """Raise `Disagreement` unless the value and the gradients that `mode` asks for are right."""
        if mode.value and self.value.ndim == 0:
            got, tolerance = float(np.asarray(value)), VALUE_TOLERANCE[self.dtype.name]
            if not abs(got - self.value) <= tolerance * max(abs(self.value), 1e-3):
                raise Disagreement(f"value {got!r} where the reference has {float(self.value)!r}")
        elif mode.value:
            _compare("value", value, self.value, self.dtype)
        if mode.gradient:
            got = gradients if isinstance(gradients, tuple) else (gradients,)
            if len(got) != len(self.gradients):
                raise Disagreement(f"{len(got)} gradients where {len(self.gradients)} are due")
            for (name, due), array in zip(self.gradients.items(), got, strict=True):
                _compare(f"gradient in {name}", array, due, self.operands[name].dtype, self.at_kink.get(name))


def _compare(what: str, got: object, due: np.ndarray, dtype: np.dtype, spared: np.ndarray | None = None) -> None:
    """Raise `Disagreement` unless `got` is an array of that dtype and within its rounding of what is due."""
    if not isinstance(got, np.ndarray) or got.shape != due.shape or got.dtype != dtype:
        found = f"{got.dtype}{got.shape}" if isinstance(got, np.ndarray) else repr(got)
        raise Disagreement(f"{what} {found} where {dtype}{due.shape} is due")
    error = np.abs(got - due)
    if spared is not None:
        error[spared] = 0
    worst = np.unravel_index(np.argmax(error), error.shape)
    if not error[worst] <= ELEMENT_TOLERANCE[dtype.name] * np.abs(due).max():
        place = ", ".join(map(str, worst))
        raise Disagreement(f"{what}[{place}] {got[worst]!s} where the reference has {due[worst]!s}")

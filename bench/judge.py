"""The data of a case, and the reference in float64 that everybody has to agree with before anything is timed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.case import Case, Mode

# The references are those of the tests, so the two cannot drift apart; they are importable from a clone only.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from references import REFERENCES, Reference
from references.reductions import left_out

# A rounded operand may lie on the other side of a jump of the gradient: this near to it, in units of the operands'
# spacing, either side is right.
SPACINGS_TO_KINK = 4
# A float32 sum over the largest arrays is allowed its rounding; the gradient is compared with its largest element.
VALUE_TOLERANCE = {"float32": 2e-4, "float64": 1e-10}
GRADIENT_TOLERANCE = {"float32": 1e-4, "float64": 1e-11}


class Disagreement(Exception):
    """A result that is not the reference's."""


@dataclass(frozen=True)
class Problem:
    """The operands of one measurement and what has to come out."""

    operands: dict[str, np.ndarray]
    value: float
    gradient: np.ndarray
    at_kink: np.ndarray | None = None  # where the gradient jumps

    @property
    def operands_dtype(self) -> np.dtype:
        """The dtype of the first operand, and so of the gradient."""
        return next(iter(self.operands.values())).dtype

    @classmethod
    def draw(cls, loss: str, case: Case, size: int, dtype: str) -> Problem:
        """Random operands of `size` elements with the reference's value and gradient of the mean.

        Operands that have to be integers are of the width of `dtype`.
        """
        reference = REFERENCES[loss]
        names = case.operands or tuple(o.name for o in reference.operands if not o.may_be_left_out)
        rng = np.random.default_rng(size)
        rows = size // case.columns
        operands: dict[str, np.ndarray] = {}
        # One that multiplies is no argument of the formula.
        arguments = {o.name: left_out(o) for o in reference.operands if not o.multiplies}
        arguments |= reference.defaults | case.fixed
        for name in names:
            operand = reference.operand(name)
            one_per_row = case.columns > 1 and "leading" in operand.kinds
            shape = (rows,) if case.columns == 1 or one_per_row else (rows, case.columns)
            drawn = operand.ordinary(rng, int(np.prod(shape)), operand.dtype(dtype).type, operands)
            operands[name] = drawn.reshape(shape)
            if not operand.multiplies:
                wide = operands[name].astype(np.float64)
                arguments[name] = wide[:, np.newaxis] if one_per_row else wide
        denominator = np.sum(arguments[reference.share]) if reference.share in arguments else rows * case.columns
        value = float(np.sum(reference.value(**arguments)) / denominator)
        gradient = np.asarray(reference.gradients[names[0]](**arguments) / denominator, np.float64)
        if reference.head is not None:
            value, slope = reference.head(value, **reference.defaults)
            gradient *= slope
        return cls(operands, float(value), gradient, _at_kink(reference, arguments, operands, names[0]))

    def judge(self, mode: Mode, value: object, gradient: np.ndarray | None) -> None:
        """Raise `Disagreement` unless the value and the gradient that `mode` asks for are right."""
        dtype = self.operands_dtype
        if mode.value:
            got = float(np.asarray(value))
            if not abs(got - self.value) <= VALUE_TOLERANCE[dtype.name] * max(abs(self.value), 1e-3):
                raise Disagreement(f"value {got!r} where the reference has {self.value!r}")
        if mode.gradient:
            if not isinstance(gradient, np.ndarray) or gradient.shape != self.gradient.shape or gradient.dtype != dtype:
                got = f"{gradient.dtype}{gradient.shape}" if isinstance(gradient, np.ndarray) else repr(gradient)
                raise Disagreement(f"gradient {got} where {dtype}{self.gradient.shape} is due")
            error = np.abs(gradient - self.gradient)
            if self.at_kink is not None:
                error[self.at_kink] = 0
            worst = np.unravel_index(np.argmax(error), error.shape)
            if not error[worst] <= GRADIENT_TOLERANCE[dtype.name] * np.abs(self.gradient).max():
                place = ", ".join(map(str, worst))
                raise Disagreement(
                    f"gradient[{place}] {gradient[worst]!s} where the reference has {self.gradient[worst]!s}"
                )


def _at_kink(reference: Reference, arguments: dict, operands: dict[str, np.ndarray], first: str) -> np.ndarray | None:
    """The elements within a few roundings of their operands of a point where the gradient jumps."""
    if reference.distance_to_kink is None:
        return None
    spacing = np.zeros_like(arguments[first])
    for name, operand in operands.items():
        if name in arguments and operand.dtype.kind == "f":
            spacing = np.maximum(spacing, np.abs(arguments[name]) * np.finfo(operand.dtype).eps)
    return np.asarray(reference.distance_to_kink(**arguments) <= SPACINGS_TO_KINK * spacing)

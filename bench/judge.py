"""The data of a case, and the reference in float64 that everybody has to agree with before anything is timed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.case import Case, Mode, loss_of

# The references are those of the tests, so the two cannot drift apart; they are importable from a clone only.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

from references import REFERENCES, ROW_REFERENCES, Reference
from references.reductions import left_out
from references.row_reductions import RowLoss

# A rounded operand may lie on the other side of a jump of the gradient: this near to it, in units of the operands'
# spacing, either side is right.
SPACINGS_TO_KINK = 4
# A float32 sum over the largest arrays is allowed its rounding; the gradient is compared with its largest element.
VALUE_TOLERANCE = {"float32": 2e-4, "float64": 1e-10}
GRADIENT_TOLERANCE = {"float32": 1e-4, "float64": 1e-11}


# Of the rows that the reference works on in extended precision.
ELEMENTS_AT_ONCE = 2**20


def is_rowwise(loss: str) -> bool:
    """The loss is one of rows of class scores."""
    return loss_of(loss) in ROW_REFERENCES


def extent(size: int | tuple[int, ...]) -> str:
    """A size in words."""
    return f"{size} elements" if isinstance(size, int) else "x".join(map(str, size))


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
    def draw(cls, loss: str, case: Case, size: int | tuple[int, ...], dtype: str) -> Problem:
        """What to compute with scores of a shape, for a row-wise loss, or with a number of elements."""
        return (
            cls._draw_rows(loss, case, size, dtype) if isinstance(size, tuple) else cls._draw(loss, case, size, dtype)
        )

    @classmethod
    def _draw_rows(cls, loss: str, case: Case, shape: tuple[int, ...], dtype: str) -> Problem:
        """Random rows with the reference's mean over the rows and its gradient, a block of rows at a time.

        Class indices are int64.
        """
        reference = ROW_REFERENCES[loss_of(loss)]
        names = case.operands or tuple(o.name for o in reference.operands if not o.optional)
        rng = np.random.default_rng(shape)
        classes, rows = shape[1], int(np.prod(shape)) // shape[1]
        tables: dict[str, np.ndarray] = {}
        for name in names:
            operand = reference.operand(name)
            if operand.kind in ("target", "index"):
                tables[name] = rng.integers(0, classes, rows)
            elif operand.kind in ("weight", "per_class"):
                tables[name] = operand.ordinary(rng, 1, classes, np.dtype(dtype).type).reshape(classes)
            else:
                tables[name] = operand.ordinary(rng, rows, classes, np.dtype(dtype).type)
        per_class = {name for name in names if reference.operand(name).kind in ("weight", "per_class")}
        value, gradient = 0.0, np.empty((rows, classes))
        for first in range(0, rows, block := max(1, ELEMENTS_AT_ONCE // classes)):
            some = slice(first, first + block)
            given = {name: table if name in per_class else table[some] for name, table in tables.items()}
            result = RowLoss(reference, given, dict(case.fixed)).reduce("sum")
            value += float(result.value)
            gradient[some] = result.gradients[reference.first]
        weighted = reference.share == "weight" and reference.weight in names
        share = tables[reference.weight][tables[reference.target.name]].sum() if weighted else rows
        by_axis = {name: cls._as_shape(table, shape, name in per_class) for name, table in tables.items()}
        return cls(by_axis, value / share, cls._as_shape(gradient / share, shape, False))

    @staticmethod
    def _as_shape(table: np.ndarray, shape: tuple[int, ...], per_class: bool) -> np.ndarray:
        """Rows as the array that has them: classes on axis 1."""
        if per_class:
            return table
        others = (shape[0], *shape[2:])
        if table.ndim == 1:
            return table.reshape(others)
        return np.ascontiguousarray(np.moveaxis(table.reshape(*others, shape[1]), -1, 1))

    @classmethod
    def _draw(cls, loss: str, case: Case, size: int, dtype: str) -> Problem:
        """Random operands of `size` elements with the reference's value and gradient of the mean.

        Operands that have to be integers are of the width of `dtype`.
        """
        reference = REFERENCES[loss_of(loss)]
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

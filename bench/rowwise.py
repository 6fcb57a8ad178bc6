"""Cases of row-wise losses: a shape of class scores, the mean over the rows and its gradient in the scores."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.case import Case, timed_of
from bench.judge import Problem
from bench.sizes import Size, Sizes
from references import ROW_REFERENCES
from references.row_reductions import RowLoss

AXIS = 1  # of the classes

SHAPES = Sizes(
    option="shapes",
    metavar="NxC,NxCxD",
    help="shapes of scores, for losses and functions of rows, classes on axis 1",
    ranks=range(2, 65),  # NumPy has no more axes
    meaning="the shape of rows of scores such as 8192x1000 or 8x21x256x256",
    default="32x10,131072x10,8192x1000,1024x32000,256x128256,8x21x256x256",
    quick="40x50",
)

# Of the rows that a reference works on in extended precision.
ELEMENTS_AT_ONCE = 2**20


def blocks(rows: int, classes: int) -> Iterator[slice]:
    """Some rows after the other."""
    block = max(1, ELEMENTS_AT_ONCE // classes)
    return (slice(first, first + block) for first in range(0, rows, block))


def in_shape(table: np.ndarray, shape: Size) -> np.ndarray:
    """A table of rows, or a number for each row, as the array of scores of that shape has them."""
    others = (*shape[:AXIS], *shape[AXIS + 1 :])
    if table.ndim == 1:
        return table.reshape(others)
    return np.ascontiguousarray(np.moveaxis(table.reshape(*others, shape[AXIS]), -1, AXIS))


@dataclass(frozen=True, kw_only=True)
class Rowwise(Case):
    """A case of a row-wise loss. Its operands, their data and its reference come from `tests/references`."""

    sizes: ClassVar[Sizes] = SHAPES

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Random rows; class indices are int64. The reference takes a block of rows at a time."""
        reference = ROW_REFERENCES[timed_of(name)]
        names = self.operands or tuple(o.name for o in reference.operands if not o.optional)
        rng = np.random.default_rng(size)
        classes, rows = size[AXIS], int(np.prod(size)) // size[AXIS]
        tables: dict[str, np.ndarray] = {}
        for each in names:
            operand = reference.operand(each)
            if operand.kind in ("target", "index"):
                tables[each] = rng.integers(0, classes, rows)
            elif operand.kind in ("weight", "per_class"):
                tables[each] = operand.ordinary(rng, 1, classes, np.dtype(dtype).type).reshape(classes)
            else:
                tables[each] = operand.ordinary(rng, rows, classes, np.dtype(dtype).type)
        per_class = {each for each in names if reference.operand(each).kind in ("weight", "per_class")}
        value, gradient = 0.0, np.empty((rows, classes))
        for some in blocks(rows, classes):
            given = {each: table if each in per_class else table[some] for each, table in tables.items()}
            result = RowLoss(reference, given, dict(self.fixed)).reduce("sum")
            value += float(result.value)
            gradient[some] = result.gradients[reference.first]
        weighted = reference.denominator_term == "weight" and reference.weight in names
        share = tables[reference.weight][tables[reference.target.name]].sum() if weighted else rows
        operands = {each: table if each in per_class else in_shape(table, size) for each, table in tables.items()}
        return Problem(operands, np.float64(value / share), {reference.first: in_shape(gradient / share, size)})

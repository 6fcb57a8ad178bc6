"""Cases of pointwise losses: a number of elements, the mean of the loss and its gradient in the first operand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.case import Case, timed_of
from bench.judge import SPACINGS_TO_KINK, Problem
from bench.sizes import Size, Sizes
from references import REFERENCES, Reference
from references.reductions import left_out

ELEMENTS = Sizes(
    option="sizes",
    metavar="N,M",
    help="elements, for pointwise losses; k and m stand for thousands and millions",
    ranks=range(1, 2),
    meaning="a positive number of elements such as 256, 64k or 10m",
    default="256,64k,10m",
    quick="1000",
    unit=" elements",
)


@dataclass(frozen=True, kw_only=True)
class Pointwise(Case):
    """A case of a pointwise loss. Its operands, their data and its reference come from `tests/references`.

    Parameters
    ----------
    columns
        The extent of the last axis: above 1, the first operand is a matrix and an operand that aligns to its leading
        axes has one number for each row.
    """

    columns: int = 1

    sizes: ClassVar[Sizes] = ELEMENTS

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Random operands; those that have to be integers are of the width of `dtype`."""
        reference = REFERENCES[timed_of(name)]
        names = self.operands or tuple(o.name for o in reference.operands if not o.may_be_left_out)
        rng = np.random.default_rng(size)
        rows = size[0] // self.columns
        operands: dict[str, np.ndarray] = {}
        # One that multiplies is no argument of the formula.
        arguments = {o.name: left_out(o) for o in reference.operands if not o.multiplies}
        arguments |= reference.defaults | self.fixed
        for each in names:
            operand = reference.operand(each)
            one_per_row = self.columns > 1 and "leading" in operand.kinds
            shape = (rows,) if self.columns == 1 or one_per_row else (rows, self.columns)
            drawn = operand.ordinary(rng, int(np.prod(shape)), operand.dtype(dtype).type, operands)
            operands[each] = drawn.reshape(shape)
            if not operand.multiplies:
                wide = operands[each].astype(np.float64)
                arguments[each] = wide[:, np.newaxis] if one_per_row else wide
        denominator = (
            np.sum(arguments[reference.denominator_term])
            if reference.denominator_term in arguments
            else rows * self.columns
        )
        value = float(np.sum(reference.value(**arguments)) / denominator)
        gradient = np.asarray(reference.gradients[names[0]](**arguments) / denominator, np.float64)
        if reference.head is not None:
            value, slope = reference.head(value, **reference.defaults)
            gradient *= slope
        return Problem(
            operands,
            np.float64(value),
            {names[0]: gradient},
            at_kink=_at_kink(reference, arguments, operands, names[0]),
        )


def _at_kink(
    reference: Reference, arguments: Mapping, operands: Mapping[str, np.ndarray], first: str
) -> dict[str, np.ndarray]:
    """The elements within a few roundings of their operands of a point where the gradient jumps."""
    if reference.distance_to_kink is None:
        return {}
    spacing = np.zeros_like(arguments[first])
    for name, operand in operands.items():
        if name in arguments and operand.dtype.kind == "f":
            spacing = np.maximum(spacing, np.abs(arguments[name]) * np.finfo(operand.dtype).eps)
    return {first: np.asarray(reference.distance_to_kink(**arguments) <= SPACINGS_TO_KINK * spacing)}

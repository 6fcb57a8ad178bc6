"""Cases of losses of pairs of boxes: a number of pairs, the mean over them and its gradient in the input's boxes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.case import Case, timed_of
from bench.judge import SPACINGS_TO_KINK, Problem
from bench.sizes import Size, Sizes
from references import BOX_REFERENCES, box_draws
from references.boxes_schema import BoxLoss

PAIRS = Sizes(
    option="boxes",
    metavar="N,M",
    help="pairs of boxes, for losses of boxes",
    ranks=range(1, 2),
    meaning="a positive number of pairs such as 64, 64k or 1m",
    default="64,1m",
    quick="1000",
    unit=" pairs of boxes",
)

# That a reference, which has the slopes in all coordinates of a pair, works on in extended precision.
PAIRS_AT_ONCE = 2**15


@dataclass(frozen=True, kw_only=True)
class Boxes(Case):
    """A case of a loss of pairs of boxes, in corners or rotated. Its reference comes from `tests/references`."""

    sizes: ClassVar[Sizes] = PAIRS

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Boxes with sides of up to 20, most of which overlap the one that they are compared with."""
        reference, (pairs,) = BOX_REFERENCES[timed_of(name)], size
        operands = box_draws.ordinary_of(reference.name, np.random.default_rng(size), size, np.dtype(dtype))
        value, gradient = 0.0, np.empty((pairs, reference.boxes.numbers))
        for first in range(0, pairs, PAIRS_AT_ONCE):
            some = slice(first, first + PAIRS_AT_ONCE)
            given = {each: boxes[some] for each, boxes in operands.items()}
            result = BoxLoss(reference, given, dict(self.fixed)).reduce("sum")
            value += float(result.value)
            gradient[some] = result.gradients["input"]
        at_kink = {} if reference.rotated else {"input": edges_meet(**operands)}
        return Problem(operands, np.float64(value / pairs), {"input": gradient / pairs}, at_kink=at_kink)


def edges_meet(input: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The coordinates of boxes in which the gradient jumps: at an edge of the target, or with centres on one line.

    Of a million pairs of float32 a few are such; torch and JAX halve the gradient between two edges.
    """
    opposite = target[:, [2, 3, 0, 1]]
    centre, target_centre = (np.tile(boxes[:, :2] + boxes[:, 2:], 2) for boxes in (input, target))
    return _near(input, target) | _near(input, opposite) | _near(centre, target_centre)


def _near(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The same but for a few roundings."""
    return np.abs(x - y) <= SPACINGS_TO_KINK * np.finfo(x.dtype).eps * np.maximum(np.abs(x), np.abs(y))

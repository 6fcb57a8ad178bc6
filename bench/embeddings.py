"""Cases of losses and functions of embeddings: a number of units, and the gradients that a call has by default."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.case import Case, timed_of
from bench.judge import Problem
from bench.sizes import Size, Sizes
from references import EMBEDDING_REFERENCES, distance_draws
from references.distance_measures import Measured, cosine, p_distance
from references.distance_schema import DistanceLoss
from references.units import LONG

EMBEDDINGS = Sizes(
    option="embeddings",
    metavar="NxD,MxE",
    help="units x features, for losses and functions of embeddings",
    ranks=range(2, 3),
    meaning="a number of pairs or triplets and one of features such as 64x64 or 65536x128",
    default="64x64,65536x128",
    quick="300x24",
    unit=" features",
)
# So many rows are drawn, which then come again and again: long doubles of all would take gigabytes, and minutes.
ROWS = 2048


@dataclass(frozen=True, kw_only=True)
class Embeddings(Case):
    """A case of a loss of embeddings: the mean over its units. Its reference comes from `tests/references`."""

    sizes: ClassVar[Sizes] = EMBEDDINGS

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Embeddings at distances of about 1, none of which is beside a kink."""
        reference, (units, width) = EMBEDDING_REFERENCES[timed_of(name)], size
        rows = (min(ROWS, units),)
        drawn = distance_draws.ordinary(np.random.default_rng(size), reference, rows, width, np.dtype(dtype))
        result = DistanceLoss(reference, drawn).reduce("none")
        wrt = reference.default_wrt or reference.embeddings
        gradients = {each: repeated(result.gradients[each].astype(np.float64), units) / units for each in wrt}
        operands = {each: repeated(x, units) for each, x in drawn.items()}
        return Problem(operands, repeated(result.value, units).mean().astype(np.float64), gradients)


@dataclass(frozen=True, kw_only=True)
class EmbeddingFunction(Case):
    """A case of a function of two embeddings, with a normal gradient that flows in; gradients in both."""

    sizes: ClassVar[Sizes] = EMBEDDINGS

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """The embeddings of the loss of the cosine distance."""
        measure = {"pairwise_distance": p_distance(2, 1e-6), "cosine_similarity": cosine(1e-8)}[timed_of(name)]
        reference, (units, width) = EMBEDDING_REFERENCES["cosine_distance_loss"], size
        rng, rows = np.random.default_rng(size), (min(ROWS, units),)
        drawn = distance_draws.ordinary(rng, reference, rows, width, np.dtype(dtype))
        flow = rng.standard_normal(rows, dtype)
        measured: Measured = measure(*(x.astype(LONG) for x in drawn.values()))
        operands = {each: repeated(x, units) for each, x in zip(("x1", "x2"), drawn.values(), strict=True)}
        gradients = {
            each: repeated((flow[:, np.newaxis] * slope.exact).astype(np.float64), units)
            for each, slope in zip(operands, measured[1:], strict=True)
        }
        value = repeated(measured.value.exact.astype(np.float64), units)
        return Problem(operands, value, gradients, flow=repeated(flow, units))


def repeated(x: np.ndarray, units: int) -> np.ndarray:
    """The rows, as often as it takes."""
    return np.resize(x, (units, *x.shape[1:]))

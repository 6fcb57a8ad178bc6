"""Cases of losses and functions of embeddings: a number of units, and the gradients that a call has by default."""

from __future__ import annotations

from collections.abc import Mapping
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
# Rows that the references are computed of at once: long doubles of all would take gigabytes.
ROWS = 2048


@dataclass(frozen=True, kw_only=True)
class Embeddings(Case):
    """A case of a loss of embeddings: the mean over its units. Its reference comes from `tests/references`."""

    sizes: ClassVar[Sizes] = EMBEDDINGS

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Embeddings at distances of about 1, none of which is beside a kink."""
        reference, (units, width) = EMBEDDING_REFERENCES[timed_of(name)], size
        rng, total, parts = np.random.default_rng(size), LONG(0), []
        for first in range(0, units, ROWS):
            rows = (min(ROWS, units - first),)
            operands = distance_draws.ordinary(rng, reference, rows, width, np.dtype(dtype))
            result = DistanceLoss(reference, operands).reduce("sum")
            wrt = reference.default_wrt or reference.embeddings
            parts.append((operands, {each: result.gradients[each].astype(np.float64) / units for each in wrt}))
            total += result.value
        operands, gradients = (joined([part[k] for part in parts]) for k in (0, 1))
        return Problem(operands, np.float64(total / units), gradients)


@dataclass(frozen=True, kw_only=True)
class EmbeddingFunction(Case):
    """A case of a function of two embeddings, with a normal gradient that flows in; gradients in both."""

    sizes: ClassVar[Sizes] = EMBEDDINGS

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """The embeddings of the loss of the cosine distance."""
        measure = {"pairwise_distance": p_distance(2, 1e-6), "cosine_similarity": cosine(1e-8)}[timed_of(name)]
        reference = EMBEDDING_REFERENCES["cosine_distance_loss"]
        rng, parts = np.random.default_rng(size), []
        for first in range(0, size[0], ROWS):
            rows = (min(ROWS, size[0] - first),)
            drawn = distance_draws.ordinary(rng, reference, rows, size[1], np.dtype(dtype))
            operands = dict(zip(("x1", "x2"), drawn.values(), strict=True))
            flow = rng.standard_normal(rows, dtype)
            measured: Measured = measure(*(x.astype(LONG) for x in operands.values()))
            slopes = (flow[:, np.newaxis] * slope.exact for slope in measured[1:])
            gradients = {each: slope.astype(np.float64) for each, slope in zip(operands, slopes, strict=True)}
            parts.append((operands, gradients, {"flow": flow, "value": measured.value.exact.astype(np.float64)}))
        operands, gradients, more = (joined([part[k] for part in parts]) for k in range(3))
        return Problem(operands, more["value"], gradients, flow=more["flow"])


def joined(parts: list[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Arrays of some rows each, by name, as arrays of all."""
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}

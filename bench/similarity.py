"""Cases of contrastive losses: a batch of embeddings, the mean over its units and its gradient in all embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.case import Case, timed_of
from bench.judge import Problem
from bench.sizes import Size, Sizes
from references import SIMILARITY_REFERENCES, similarity
from references.similarity_schema import SimilarityLoss

BATCHES = Sizes(
    option="batches",
    metavar="NxD,MxD",
    help="samples x features, for contrastive losses",
    ranks=range(2, 3),
    meaning="a number of samples and one of features such as 256x64 or 2048x128",
    default="256x64,2048x128",
    quick="60x16",
)


@dataclass(frozen=True, kw_only=True)
class Batches(Case):
    """A case of a contrastive loss. Its reference comes from `tests/references`."""

    sizes: ClassVar[Sizes] = BATCHES
    measures_memory: ClassVar[bool] = True

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Positives are near their rows, and labels have some three rows each."""
        reference = SIMILARITY_REFERENCES[timed_of(name)]
        operands = similarity.draw(reference, np.random.default_rng(size), *size, np.dtype(dtype))
        result = SimilarityLoss(reference, operands, real=np.float64).reduce("mean")
        gradients = {n: result.gradients[n].astype(np.float64) for n in operands if n in reference.embeddings}
        return Problem(operands, np.float64(result.value), gradients)

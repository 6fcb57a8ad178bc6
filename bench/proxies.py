"""Cases of losses with a proxy of each class: embeddings, the mean over them and its gradient in both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.case import Case, timed_of
from bench.judge import Problem
from bench.sizes import Size, Sizes
from references import SIMILARITY_REFERENCES
from references.similarity_schema import SimilarityLoss

PROXY_SETS = Sizes(
    option="proxies",
    metavar="NxDxC,MxDxC",
    help="samples x features x classes, for losses with proxies of classes",
    ranks=range(3, 4),
    meaning="numbers of samples, features and classes such as 64x32x1000 or 512x128x20000",
    default="64x32x1000,256x128x10000",
    quick="20x16x70",
)


@dataclass(frozen=True, kw_only=True)
class Proxies(Case):
    """A case of a loss with proxies. Its reference comes from `tests/references`."""

    sizes: ClassVar[Sizes] = PROXY_SETS
    measures_memory: ClassVar[bool] = True

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Embeddings near the proxies of their classes."""
        reference = SIMILARITY_REFERENCES[timed_of(name)]
        rng, (samples, features, classes) = np.random.default_rng(size), size
        proxies = rng.standard_normal((classes, features)).astype(dtype)
        target = rng.integers(0, classes, samples)
        x = (proxies[target] + rng.standard_normal((samples, features))).astype(dtype)
        operands = {"input": x, reference.proxies: proxies, "target": target}
        result = SimilarityLoss(reference, operands, real=np.float64).reduce("mean")
        gradients = {n: result.gradients[n].astype(np.float64) for n in reference.embeddings}
        return Problem(operands, np.float64(result.value), gradients)

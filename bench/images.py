"""Cases of Lovász losses: all pixels of some images, one unit, and its gradient in the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.case import Case, timed_of
from bench.judge import Problem
from bench.sizes import Size, Sizes
from references import LOVASZ_REFERENCES, lovasz_draws
from references.lovasz_schema import LovaszLoss

MASKS = Sizes(
    option="masks",
    metavar="NxHxW",
    help="samples x pixels, for Lovász losses of a mask",
    ranks=range(2, 64),
    meaning="the shape of masks such as 16x512x512",
    default="8x64x64,16x512x512",
    quick="3x20x20",
)
IMAGES_OF_CLASSES = Sizes(
    option="class-images",
    metavar="NxCxHxW",
    help="samples x classes x pixels, for those of classes",
    ranks=range(3, 65),
    meaning="the shape of probabilities such as 4x4x512x512",
    default="4x4x512x512",
    quick="2x5x10x10",
)


@dataclass(frozen=True, kw_only=True)
class Images(Case):
    """A case of a Lovász loss of scores and a floating mask. Its reference comes from `tests/references`."""

    sizes: ClassVar[Sizes] = MASKS

    def operands_of(self, size: Size, dtype: np.dtype) -> dict[str, np.ndarray]:
        """Most pixels agree with their mask."""
        operands = lovasz_draws.mask(np.random.default_rng(size), size, dtype)
        return operands | {"target": operands["target"].astype(dtype)}

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Of equal errors the reference has one order; every other changes gradients by one part in so many pixels."""
        operands = self.operands_of(size, np.dtype(dtype))
        result = LovaszLoss(LOVASZ_REFERENCES[timed_of(name)], operands, dict(self.fixed)).reduce("mean")
        return Problem(operands, np.float64(result.value), {"input": result.gradients["input"].astype(np.float64)})


@dataclass(frozen=True, kw_only=True)
class ImagesOfClasses(Images):
    """A case of a Lovász loss of probabilities, or scores, and class indices."""

    sizes: ClassVar[Sizes] = IMAGES_OF_CLASSES

    def operands_of(self, size: Size, dtype: np.dtype) -> dict[str, np.ndarray]:
        """Most pixels agree with their label."""
        logits = bool(dict(self.fixed).get("from_logits"))
        return lovasz_draws.classes(np.random.default_rng(size), size, 1, dtype, from_logits=logits)

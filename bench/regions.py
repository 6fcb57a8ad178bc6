"""Cases of losses of regions: samples, classes and pixels, the mean over the cells and its gradient in the input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.case import Case, timed_of
from bench.judge import Problem
from bench.sizes import Size, Sizes
from references import COMPOUND_REFERENCES, REGION_REFERENCES, region_draws
from references.region_compounds import CompoundLoss
from references.regions_schema import RegionLoss
from references.units import Reduced

AXIS = 1  # of the classes

IMAGES = Sizes(
    option="regions",
    metavar="NxCxHxW",
    help="samples x classes x pixels, for losses of regions",
    ranks=range(3, 65),
    meaning="the shape of masks such as 64x1x512x512",
    default="8x1x32x32,64x1x512x512",
    quick="3x2x20x20",
)
IMAGES_OF_CLASSES = Sizes(
    option="class-regions",
    metavar="NxCxHxW",
    help="the same, for those with a softmax over the classes",
    ranks=range(3, 65),
    meaning="the shape of scores such as 8x21x256x256",
    default="8x21x256x256",
    quick="2x5x10x10",
)


@dataclass(frozen=True, kw_only=True)
class Regions(Case):
    """A case of a loss of probabilities and masks, both floating. Its reference comes from `tests/references`."""

    sizes: ClassVar[Sizes] = IMAGES
    kind: ClassVar[str] = "mask"

    @property
    def of_logits(self) -> bool:
        """What the input is."""
        return bool(self.fixed.get("from_logits"))

    def exact(self, name: str, operands: dict[str, np.ndarray]) -> tuple[Reduced, int]:
        """The sum of some losses, and of how many."""
        loss = RegionLoss(REGION_REFERENCES[timed_of(name)], operands, dict(self.fixed), axis=AXIS)
        return loss.reduce("sum"), loss.values.size

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Most pixels agree with their mask. The reference takes a sample at a time."""
        rng = np.random.default_rng(size)
        operands = region_draws.ordinary(rng, size, AXIS, self.kind, np.dtype(dtype), from_logits=self.of_logits)
        if self.kind == "mask":
            operands["target"] = operands["target"].astype(dtype)
        value, gradient, units = 0.0, np.empty(size), 0
        for sample in range(size[0]):
            result, count = self.exact(name, {each: x[sample : sample + 1] for each, x in operands.items()})
            value += float(result.value)
            gradient[sample] = result.gradients["input"][0]
            units += count
        return Problem(operands, np.float64(value / units), {"input": gradient / units})


@dataclass(frozen=True, kw_only=True)
class RegionsOfClasses(Regions):
    """A case of a loss of scores and class indices."""

    sizes: ClassVar[Sizes] = IMAGES_OF_CLASSES
    kind: ClassVar[str] = "index"


@dataclass(frozen=True, kw_only=True)
class Compounds(RegionsOfClasses):
    """A case of a sum of two losses of scores and class indices, whose samples all have the same number of pixels."""

    @property
    def of_logits(self) -> bool:
        """It takes nothing else."""
        return True

    def exact(self, name: str, operands: dict[str, np.ndarray]) -> tuple[Reduced, int]:
        """Of a sample, the sum of two means."""
        reference = COMPOUND_REFERENCES[timed_of(name)]
        return CompoundLoss(reference, operands, dict(self.fixed), axis=AXIS).reduce("mean"), 1

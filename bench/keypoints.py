"""Cases of losses of keypoints: a number of instances, the mean over them and its gradient in the input's keypoints."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from bench.case import Case, timed_of
from bench.judge import Problem
from bench.sizes import Size, Sizes
from references import KEYPOINT_REFERENCES, keypoint_draws
from references.keypoints_schema import KeypointLoss

INSTANCES = Sizes(
    option="keypoints",
    metavar="NxK,MxK",
    help="instances x keypoints, for losses of keypoints",
    ranks=range(2, 3),
    meaning="a number of instances and one of keypoints such as 64x17 or 100kx17",
    default="64x17,100kx17",
    quick="300x17",
    unit=" keypoints",
)


@dataclass(frozen=True, kw_only=True)
class Keypoints(Case):
    """A case of a loss of keypoints with sigmas of their own. Its reference comes from `tests/references`."""

    sizes: ClassVar[Sizes] = INSTANCES

    def draw(self, name: str, size: Size, dtype: str) -> Problem:
        """Instances of 10 to 5000 pixels, all of whose keypoints are visible."""
        reference, (instances, keypoints) = KEYPOINT_REFERENCES[timed_of(name)], size
        operands = keypoint_draws.ordinary(
            np.random.default_rng(size), (instances,), keypoints, np.dtype(dtype), present=("sigmas",)
        )
        result = KeypointLoss(reference, operands).reduce("mean")
        gradient = result.gradients["input"].astype(np.float64)
        return Problem(operands, np.float64(result.value), {"input": gradient})

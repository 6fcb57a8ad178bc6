"""The adapters by which the tests of `contract` run over every engine; the gate fails for an engine without one."""

import fastloss as fl
from engines.adapter import Adapter, Shape
from engines.box.adapter import Box
from engines.distance.adapter import Distance
from engines.keypoint.adapter import Keypoint
from engines.linear.adapter import Linear
from engines.lovasz.adapter import Lovasz
from engines.pointwise.adapter import Pointwise
from engines.region.adapter import Region
from engines.rowwise.adapter import Rowwise
from engines.similarity.adapter import Similarity

ADAPTERS: dict[str, type[Adapter]] = {
    "pointwise": Pointwise,
    "rowwise": Rowwise,
    "linear": Linear,
    "box": Box,
    "keypoint": Keypoint,
    "region": Region,
    "lovasz": Lovasz,
    "distance": Distance,
    "similarity": Similarity,
}


def calls() -> list[Adapter]:
    """Every way to call every registered loss."""
    infos = [info for info in fl.losses().values() if info.engine in ADAPTERS]
    return [call for info in infos for call in ADAPTERS[info.engine].of(info.name)]


__all__ = ["ADAPTERS", "Adapter", "Shape", "calls"]

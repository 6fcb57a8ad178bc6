"""Independent references, one entry per loss, one module per family."""

from references import (
    binary,
    boxes,
    boxes_rotated,
    count,
    deviance,
    distance,
    divergence,
    divergence_alpha,
    divergence_mixture,
    focal,
    general_robust,
    keypoints,
    likelihood,
    lovasz,
    margin,
    margin_smooth,
    multiclass_margin,
    multilabel_margin,
    proxies,
    quantile,
    region_compounds,
    regions,
    regression,
    regression_smooth,
    relative,
    robust,
    scoring,
    similarity,
    softmax,
    softmax_distillation,
    softmax_losses,
    softmax_margin,
)
from references.boxes_schema import BoxReference
from references.distance_schema import DistanceReference
from references.keypoints_schema import KeypointReference
from references.lovasz_schema import LovaszReference
from references.region_compounds import CompoundReference
from references.region_distance import DISTANCE_REFERENCES
from references.regions_schema import RegionReference
from references.rows_schema import RowReference
from references.schema import Kink, Operand, Reference
from references.similarity_schema import SimilarityReference

REFERENCES: dict[str, Reference] = {
    reference.name: reference
    for family in (
        regression,
        regression_smooth,
        quantile,
        binary,
        focal,
        likelihood,
        margin,
        margin_smooth,
        count,
        deviance,
        relative,
        robust,
        general_robust,
        scoring,
        divergence,
        divergence_alpha,
        divergence_mixture,
    )
    for reference in family.REFERENCES
}

# Of the losses of a row of class scores: another kind of reference, by `rows_schema`.
ROW_REFERENCES: dict[str, RowReference] = {
    reference.name: reference
    for family in (softmax, softmax_losses, softmax_distillation, softmax_margin, multiclass_margin, multilabel_margin)
    for reference in family.ROW_REFERENCES
}

# Of the losses of pairs of boxes, by `boxes_schema`.
BOX_REFERENCES: dict[str, BoxReference] = {
    reference.name: reference for family in (boxes, boxes_rotated) for reference in family.BOX_REFERENCES
}

# Of the losses of keypoints, by `keypoints_schema`.
KEYPOINT_REFERENCES: dict[str, KeypointReference] = {
    reference.name: reference for reference in keypoints.KEYPOINT_REFERENCES
}

# Of the losses of embeddings, by `distance_schema`.
EMBEDDING_REFERENCES: dict[str, DistanceReference] = {
    reference.name: reference for reference in distance.EMBEDDING_REFERENCES
}

# Of the losses of regions, by `regions_schema`.
REGION_REFERENCES: dict[str, RegionReference] = {reference.name: reference for reference in regions.REGION_REFERENCES}

# Of the Lovász losses, by `lovasz_schema`.
LOVASZ_REFERENCES: dict[str, LovaszReference] = {reference.name: reference for reference in lovasz.LOVASZ_REFERENCES}
# Of sums of one with a loss of pixels, by `region_compounds`.
COMPOUND_REFERENCES: dict[str, CompoundReference] = {
    reference.name: reference for reference in region_compounds.COMPOUND_REFERENCES
}

# Of the losses of all pairs of a batch, by `similarity_schema`.
SIMILARITY_REFERENCES: dict[str, SimilarityReference] = {
    reference.name: reference for reference in (*similarity.SIMILARITY_REFERENCES, *proxies.PROXY_REFERENCES)
}

__all__ = [
    "BOX_REFERENCES",
    "COMPOUND_REFERENCES",
    "DISTANCE_REFERENCES",
    "EMBEDDING_REFERENCES",
    "KEYPOINT_REFERENCES",
    "LOVASZ_REFERENCES",
    "REFERENCES",
    "REGION_REFERENCES",
    "ROW_REFERENCES",
    "SIMILARITY_REFERENCES",
    "BoxReference",
    "CompoundReference",
    "DistanceReference",
    "KeypointReference",
    "Kink",
    "LovaszReference",
    "Operand",
    "Reference",
    "RegionReference",
    "RowReference",
    "SimilarityReference",
]

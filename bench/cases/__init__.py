"""The benchmark cases: one entry per loss or function, one module per family."""

from bench.case import Case
from bench.cases import (
    binary,
    box_matrix,
    boxes,
    boxes_rotated,
    count,
    deviance,
    divergence,
    embedding,
    focal,
    keypoints,
    likelihood,
    linear,
    lovasz,
    margin,
    multiclass_margin,
    proxies,
    quantile,
    region,
    region_compound,
    region_distance,
    regression,
    relative,
    robust,
    row_functions,
    scoring,
    similarity,
    softmax,
    softmax_losses,
)

CASES: dict[str, Case] = {
    name: case
    for family in (
        regression,
        quantile,
        binary,
        focal,
        likelihood,
        margin,
        count,
        deviance,
        relative,
        robust,
        scoring,
        divergence,
        softmax,
        softmax_losses,
        multiclass_margin,
        linear,
        boxes,
        boxes_rotated,
        keypoints,
        region,
        lovasz,
        region_compound,
        region_distance,
        embedding,
        similarity,
        proxies,
        row_functions,
        box_matrix,
    )
    for name, case in family.CASES.items()
}

__all__ = ["CASES"]

"""The benchmark cases: one entry per loss, one module per family."""

from bench.case import Case
from bench.cases import (
    binary,
    count,
    deviance,
    divergence,
    focal,
    likelihood,
    margin,
    multiclass_margin,
    quantile,
    regression,
    relative,
    robust,
    scoring,
    softmax,
    softmax_losses,
)

CASES: dict[str, Case] = (
    regression.CASES
    | quantile.CASES
    | binary.CASES
    | focal.CASES
    | likelihood.CASES
    | margin.CASES
    | count.CASES
    | deviance.CASES
    | relative.CASES
    | robust.CASES
    | scoring.CASES
    | divergence.CASES
    | softmax.CASES
    | softmax_losses.CASES
    | multiclass_margin.CASES
)

__all__ = ["CASES"]

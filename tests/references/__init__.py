"""Independent references, one entry per loss, one module per family."""

from references import (
    binary,
    count,
    deviance,
    divergence,
    divergence_alpha,
    focal,
    general_robust,
    likelihood,
    margin,
    margin_smooth,
    quantile,
    regression,
    regression_smooth,
    relative,
    robust,
    scoring,
)
from references.schema import Kink, Operand, Reference

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
    )
    for reference in family.REFERENCES
}

__all__ = ["REFERENCES", "Kink", "Operand", "Reference"]

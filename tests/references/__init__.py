"""Independent references, one entry per loss, one module per family."""

from references import binary, count, likelihood, margin, margin_smooth, quantile, regression, relative, robust
from references.schema import Kink, Operand, Reference

REFERENCES: dict[str, Reference] = {
    reference.name: reference
    for family in (regression, quantile, binary, likelihood, margin, margin_smooth, count, relative, robust)
    for reference in family.REFERENCES
}

__all__ = ["REFERENCES", "Kink", "Operand", "Reference"]

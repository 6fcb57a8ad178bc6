"""Independent references, one entry per loss, one module per family."""

from references import binary, count, likelihood, margin, margin_smooth, regression
from references.schema import Kink, Operand, Reference

REFERENCES: dict[str, Reference] = {
    reference.name: reference
    for family in (regression, binary, likelihood, margin, margin_smooth, count)
    for reference in family.REFERENCES
}

__all__ = ["REFERENCES", "Kink", "Operand", "Reference"]

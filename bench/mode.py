"""The three things that are timed of each case."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Mode:
    """What one call has to return."""

    name: str
    value: bool
    gradient: bool


MODES = {
    "value": Mode("value", value=True, gradient=False),
    "grad": Mode("grad", value=False, gradient=True),
    "both": Mode("both", value=True, gradient=True),
}

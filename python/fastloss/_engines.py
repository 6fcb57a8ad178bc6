"""What a loss has beside a value and gradients, said once for signatures, documentation and type stubs.

The compiled core says of each loss which engine computes it and which parts its calls have; this module says what the
documentation of an engine's losses calls things, and which methods and keywords a part stands for. It needs no compiled
core, so that the build can read it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from fastloss._phrases import OF_ELEMENTS, OF_LINEAR_SCORES, OF_ROWS, Phrases


@dataclass(frozen=True)
class Engine:
    """What the documentation of an engine's losses says of its units, the places with a loss of their own."""

    phrases: Phrases


ENGINES: Mapping[str, Engine] = {
    "pointwise": Engine(OF_ELEMENTS),
    "rowwise": Engine(OF_ROWS),
    "linear": Engine(OF_LINEAR_SCORES),
}

METHODS_OF_PART = {"hess": ("hess", "grad_and_hess"), "vector": ("hvp",)}
KEYWORDS_OF_PART = {"axis": "axis", "ignore_index": "ignore_index", "extras": "return_"}

_VALUE = ("reduction", "sample_weight", "where", "normalizer", "out")
_GRADIENT = ("reduction", "sample_weight", "where", "normalizer", "grad_output", "wrt", "out", "accumulate")
_HESSIAN = ("reduction", "sample_weight", "where", "normalizer", "out", "accumulate")
# The keywords of every call, in the order of signatures.
_CALLS = {
    "__call__": _VALUE,
    "grad": _GRADIENT,
    "value_and_grad": _GRADIENT,
    "hess": _HESSIAN,
    "grad_and_hess": _HESSIAN,
    "hvp": _HESSIAN,
}


def methods(parts: Collection[str]) -> tuple[str, ...]:
    """The methods of a loss whose calls have these parts."""
    more = [method for part, names in METHODS_OF_PART.items() if part in parts for method in names]
    return ("grad", "value_and_grad", *more)


def keywords(parts: Collection[str], method: str) -> tuple[str, ...]:
    """The keyword parameters of a method, or of the loss itself ("__call__"), beside its options."""
    own = [name for part, name in KEYWORDS_OF_PART.items() if part in parts]
    last = [name for name in own if name == "return_" and method in ("__call__", "grad", "value_and_grad")]
    return (*(name for name in own if name != "return_"), *_CALLS[method], *last)

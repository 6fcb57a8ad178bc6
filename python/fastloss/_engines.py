"""What a loss has beside a value and gradients, said once for signatures, documentation and type stubs.

The compiled core says of each loss which engine computes it and which parts its calls have; this module says what the
documentation of an engine's losses calls things, and which methods and keywords a part stands for. It needs no compiled
core, so that the build can read it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fastloss._phrases import (
    OF_BOXES,
    OF_ELEMENTS,
    OF_IMAGES,
    OF_KEYPOINTS,
    OF_LINEAR_SCORES,
    OF_REGIONS,
    OF_ROWS,
    Phrases,
)
from fastloss._phrases_embedding import OF_EMBEDDINGS
from fastloss._phrases_similarity import OF_PAIRS

# An operand as the core describes it.
Operand = Mapping[str, Any]


def _spaced(size: int) -> list[float]:
    return [round((i + 0.5) / size, 2) for i in range(size)]


def _elements(operands: Sequence[Operand]) -> list[Any]:
    """Two elements, or as many as there are numbers in a default along the last axis."""
    size = max([2, *(len(o["default"]) for o in operands if isinstance(o["default"], tuple))])
    return [_spaced(size), *([1 if o["integer"] else 1.0] * size for o in operands[1:] if not o["optional"])]


def _row(operands: Sequence[Operand]) -> list[Any]:
    """One row of two classes."""
    of_role = {"class_index": 1, "class_list": [1, -1], "distribution": [0.5, 0.5]}
    given = [o["roles"] for o in operands[1:] if not o["optional"]]
    return [_spaced(2), *(next((of_role[role] for role in roles if role in of_role), [1.0, 1.0]) for roles in given)]


def _sample(operands: Sequence[Operand]) -> list[Any]:
    """One sample of two features, a layer that gives them as scores, and a class."""
    return [_spaced(2), [[1.0, 0.0], [0.0, 1.0]], *(1 for o in operands[2:] if not o["optional"])]


def _boxes(operands: Sequence[Operand]) -> list[Any]:
    """One pair of boxes that overlap: by their corners, or centres, extents and angles."""
    if "rotated" in operands[0]["roles"]:
        return [[1.0, 1.0, 4.0, 2.0, 0.0], [2.0, 1.0, 4.0, 2.0, 0.5]]
    return [[0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 3.0, 3.0]]


def _keypoints(operands: Sequence[Operand]) -> list[Any]:
    """One instance of two keypoints, its area, and a sigma for both."""
    return [[[0.0, 1.0], [2.0, 2.0]], [[1.0, 1.0], [2.0, 3.0]], 25.0, 0.1]


def _region(operands: Sequence[Operand]) -> list[Any]:
    """One sample of four pixels, two of which are in the region."""
    return [[0.9, 0.8, 0.2, 0.1], [1, 1, 0, 0]]


def _image(operands: Sequence[Operand]) -> list[Any]:
    """Two pixels with a score each, or with probabilities of two classes."""
    if "class_index" in operands[1]["roles"]:
        return [[[0.75, 0.25], [0.5, 0.5]], [0, 1]]
    return [[0.5, 0.25], [1, 0]]


def _embeddings(operands: Sequence[Operand]) -> list[Any]:
    """One unit: embeddings of two features, apart from each other, and the number 1, which is a label everywhere."""
    vectors = [[1.0, 2.0], [2.0, 2.0], [0.0, 1.0], [3.0, 0.0]]
    count = sum("embedding" in operand["roles"] for operand in operands)
    return [*vectors[:count], *(1 for _ in operands[count:])]


def _batch(operands: Sequence[Operand]) -> list[Any]:
    """Two samples of two features with their positives or proxies of four classes, or three of two labels."""
    if any("proxies" in o["roles"] for o in operands):
        return [[[1.0, 0.0], [0.0, 1.0]], [[0.8, 0.6], [0.6, 0.8], [0.0, 1.0], [-1.0, 0.0]], [0, 1]]
    if not any("embeddings" in o["roles"] for o in operands):
        return [[[1.0, 0.0], [0.8, 0.6], [0.0, 1.0]], [0, 0, 1]]
    return [[[1.0, 0.0], [0.0, 1.0]], [[0.8, 0.6], [0.6, 0.8]]]


@dataclass(frozen=True)
class Engine:
    """What is said of an engine's losses: of its units, the places with a loss of their own, and by a smallest call.

    `example` gives the arguments of that call, for the operands that it cannot do without, in the domain of every loss.
    """

    phrases: Phrases
    example: Callable[[Sequence[Operand]], list[Any]]


ENGINES: Mapping[str, Engine] = {
    "pointwise": Engine(OF_ELEMENTS, _elements),
    "rowwise": Engine(OF_ROWS, _row),
    "linear": Engine(OF_LINEAR_SCORES, _sample),
    "box": Engine(OF_BOXES, _boxes),
    "keypoint": Engine(OF_KEYPOINTS, _keypoints),
    "region": Engine(OF_REGIONS, _region),
    "lovasz": Engine(OF_IMAGES, _image),
    "distance": Engine(OF_EMBEDDINGS, _embeddings),
    "similarity": Engine(OF_PAIRS, _batch),
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
    "statistics": ("sample_weight", "where", "normalizer"),
}


def methods(parts: Collection[str]) -> tuple[str, ...]:
    """The methods of a loss whose calls have these parts."""
    more = [method for part, names in METHODS_OF_PART.items() if part in parts for method in names]
    return ("grad", "value_and_grad", *more, "statistics")


def keywords(parts: Collection[str], method: str) -> tuple[str, ...]:
    """The keyword parameters of a method, or of the loss itself ("__call__"), beside its options."""
    own = [name for part, name in KEYWORDS_OF_PART.items() if part in parts]
    last = [name for name in own if name == "return_" and method in ("__call__", "grad", "value_and_grad")]
    return (*(name for name in own if name != "return_"), *_CALLS[method], *last)

"""Types with a name of their own in the signatures of declared losses, and so in the stubs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from numpy.typing import ArrayLike, NDArray

_OneBoxFormat: TypeAlias = Literal["xyxy", "xywh", "cxcywh"]

# What makes probabilities of an input: nothing, one of the two, or the one that is usual for its target.
FromLogits: TypeAlias = bool | Literal["sigmoid", "softmax"]

# By name, or f(x, y) that gives the distances of pairs and their gradients in x and in y.
Distance: TypeAlias = (
    Literal["l2", "l1", "sqeuclidean", "cosine", "dot"]
    | Callable[[NDArray[Any], NDArray[Any]], tuple[ArrayLike, tuple[ArrayLike, ArrayLike]]]
)

# Of both operands, or of each.
BoxFormat: TypeAlias = _OneBoxFormat | tuple[_OneBoxFormat, _OneBoxFormat]

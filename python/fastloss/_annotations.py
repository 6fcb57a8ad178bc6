"""Types with a name of their own in the signatures of declared losses, and so in the stubs."""

from __future__ import annotations

from typing import Literal, TypeAlias

_OneBoxFormat: TypeAlias = Literal["xyxy", "xywh", "cxcywh"]

# What makes probabilities of an input: nothing, one of the two, or the one that is usual for its target.
FromLogits: TypeAlias = bool | Literal["sigmoid", "softmax"]

# Of both operands, or of each.
BoxFormat: TypeAlias = _OneBoxFormat | tuple[_OneBoxFormat, _OneBoxFormat]

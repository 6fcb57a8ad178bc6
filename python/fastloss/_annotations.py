"""Types with a name of their own in the signatures of declared losses, and so in the stubs."""

from __future__ import annotations

from typing import Literal, TypeAlias

_OneBoxFormat: TypeAlias = Literal["xyxy", "xywh", "cxcywh"]

# Of both operands, or of each.
BoxFormat: TypeAlias = _OneBoxFormat | tuple[_OneBoxFormat, _OneBoxFormat]

"""What functions of rows of class scores share: `softmax`, `log_softmax`, `logsumexp`.

The core has a loss "logsumexp": its value is the function of that name, its gradient the softmax, and its second
derivative the softmax's Jacobian, which `hvp` multiplies with a vector. The gradient of a cross-entropy in its logits
is that of the log-softmax, with the targets as the gradient flowing in and the sign turned.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastloss._function import Function


class RowFunction(Function):
    """A function of rows. A subclass says also what its parameter for the axis of a row is called."""

    _axis: str

    def __init_subclass__(cls, *, function: str, axis: str) -> None:
        super().__init_subclass__(function=function, axis=axis)
        cls._axis = axis

    def _run(self, compute: Callable[..., Any], *operands: Any, axis: int, **keywords: Any) -> Any:
        if axis is None:  # to the core that is a default, which differs from ours
            raise TypeError(f"{self.__name__}: {self._axis} must be an integer, not NoneType")
        return compute(*operands, axis=axis, **keywords)

"""What functions of rows of class scores share that are no losses: `softmax`, `log_softmax`, `logsumexp`.

Nothing is computed here. The core has a loss "logsumexp": its value is the function of that name, its gradient the
softmax, and its second derivative the softmax's Jacobian, which `hvp` multiplies with a vector. The gradient of a
cross-entropy in its logits is that of the log-softmax, with the targets as the gradient flowing in and the sign turned.
Each function calls the loss that the core describes for it, whose errors name the function and its parameters.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from fastloss import _core, _docs


def described(key: str) -> _core.Loss:
    """The loss that computes a function of rows, or what else the core describes under this key."""
    return _core.Loss(_core.row_functions[key], None)


class RowFunction:
    """A function of rows: it is called, has a gradient, pickles by its name and prints it.

    A subclass is one function. It says its name and that of its parameter for the axis of a row. Its docstrings have a
    line {name} for a phrase that they share with others.
    """

    _function: str
    _axis: str
    _loss: _core.Loss

    def __init_subclass__(cls, *, function: str, axis: str) -> None:
        cls._function, cls._axis = function, axis
        cls._loss = described(function)
        for documented in (cls, *filter(inspect.isfunction, vars(cls).values())):
            if documented.__doc__ is not None:
                documented.__doc__ = _docs.document_row_function(function, axis, documented.__doc__)

    def __init__(self) -> None:
        self.__name__ = self.__qualname__ = self._function
        self.__module__ = "fastloss"

    def __repr__(self) -> str:
        return f"fastloss.{self.__name__}"

    def __reduce__(self) -> str:
        return self.__name__

    def _run(self, compute: Callable[..., Any], *operands: Any, axis: int, **keywords: Any) -> Any:
        if axis is None:  # to the core that is a default, which differs from ours
            raise TypeError(f"{self.__name__}: {self._axis} must be an integer, not NoneType")
        return compute(*operands, axis=axis, **keywords)
